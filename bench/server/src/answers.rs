//! What the server answers, and what it keeps.

use std::collections::HashMap;
use std::io::{Error, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use hyper::body::Bytes;
use serde::Serialize;
use serde_json::{Value, from_slice, to_vec};

use crate::numbers::mixed;

const ROWS: usize = 150;
const ANSWERED_ROWS: usize = 20;
const KEPT_MAX: u64 = 500;
const KEPT_BYTES_MAX: u64 = 20_000;
/// One answer of so many is compressed.
const COMPRESSED: u64 = 4;

#[derive(Serialize)]
struct Row {
    id: usize,
    name: String,
    tags: Vec<String>,
}

/// Answers are made of JSON that is written and parsed again. A buffer of each stays until another
/// request takes its place, on whichever thread that is.
#[derive(Default)]
pub(crate) struct Answers {
    count: AtomicU64,
    kept: Mutex<HashMap<u64, Vec<u8>>>,
}

impl Answers {
    pub(crate) fn next(&self) -> Result<Bytes, Error> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let text = to_vec(&rows(count))?;
        self.keep(mixed(count), &text);
        if count.is_multiple_of(COMPRESSED) { compressed(&text) } else { first_rows(&text) }
    }

    /// The text with a random number of bytes behind it, in a random place.
    fn keep(&self, random: u64, text: &[u8]) {
        let mut buffer = text.to_vec();
        buffer.extend((0..random % KEPT_BYTES_MAX).map(|_| 0));
        let place = mixed(random) % KEPT_MAX;
        let replaced = self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(place, buffer);
        drop(replaced);
    }
}

fn rows(count: u64) -> Vec<Row> {
    (0..ROWS)
        .map(|id| Row { id, name: "n".repeat(id % 40), tags: (0..id % 5).map(|tag| format!("{tag} of {count}")).collect() })
        .collect()
}

fn first_rows(text: &[u8]) -> Result<Bytes, Error> {
    let mut rows: Vec<Value> = from_slice(text)?;
    rows.truncate(ANSWERED_ROWS);
    Ok(to_vec(&rows)?.into())
}

fn compressed(text: &[u8]) -> Result<Bytes, Error> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text)?;
    Ok(encoder.finish()?.into())
}
