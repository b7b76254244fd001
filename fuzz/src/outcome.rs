//! What an input does and what comes of it, in words, for the names of the corpus. Written down
//! only when it is asked for.

use std::env;
use std::fmt::{Debug, Display};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use crate::common::MIB;

/// Names the file to which outcomes are added, one a line.
static FILE: LazyLock<Option<PathBuf>> = LazyLock::new(|| env::var_os("FUZZ_OUTCOMES").map(PathBuf::from));

/// Adds one outcome.
pub fn note<Words: Display>(words: impl FnOnce() -> Words) {
    if let Some(path) = &*FILE {
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the file of outcomes can be written");
        writeln!(file, "{}", words()).expect("the file of outcomes can be written");
    }
}

/// The part of the engine that serves so many bytes.
pub fn kind(bytes: usize) -> &'static str {
    match bytes {
        0 => "zero-size",
        1..=32_768 => "small",
        _ if bytes <= 32 * MIB => "large",
        _ => "huge",
    }
}

/// `DoubleFree { .. }` as `double-free`.
pub fn variant(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    let name = text.split([' ', '(']).next().unwrap_or_default();
    let words = name.char_indices().map(|(at, letter)| {
        let dash = if at > 0 && letter.is_uppercase() { "-" } else { "" };
        format!("{dash}{}", letter.to_ascii_lowercase())
    });
    words.collect()
}
