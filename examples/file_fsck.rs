//! Checks heap files: `file_fsck FILE...` says what is in each, and what is wrong with it. It
//! changes nothing.
//!
//! It exits with 0 if all are in order, with 1 if one is not, and with 2 if one cannot be opened.
//! Without a file it shows all three on one that it makes.
#![allow(clippy::disallowed_types, reason = "a program like any other")]

use std::env::{args_os, temp_dir};
use std::fs::{OpenOptions, remove_file};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, id};

use tinyalloc::file::{Error, FileHeap};

const IN_ORDER: u8 = 0;
const DAMAGED: u8 = 1;
const UNREADABLE: u8 = 2;

fn check(path: &Path) -> u8 {
    // SAFETY: the lock keeps writers out that respect it; that there are no others is the caller's
    // business.
    let checked = unsafe { FileHeap::open_read_only(path) }.and_then(|heap| Ok((heap.check()?, heap)));
    let (report, heap) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            println!("{}: {error}", path.display());
            return if matches!(error, Error::Corrupt { .. } | Error::Truncated { .. }) { DAMAGED } else { UNREADABLE };
        }
    };
    let stats = heap.stats();
    println!("{}: commit {}, {} bytes", path.display(), stats.transaction, stats.data);
    println!("  {} blocks in {} bytes, {} bytes free in {} spans", stats.blocks, stats.allocated, stats.free, stats.free_spans);
    println!("  {} spans and the contents of {} pages compared", report.spans(), report.pages_compared());
    for (name, block) in heap.roots() {
        println!("  root {name:?} at byte {}", block.offset());
    }
    for finding in report.findings() {
        println!("  {finding}");
    }
    println!("  {}", if report.is_clean() { "in order" } else { "DAMAGED" });
    if report.is_clean() { IN_ORDER } else { DAMAGED }
}

/// A file in order, one with a changed byte in a block, and one that ends too early.
fn demonstrate(path: &Path) -> Result<(), Error> {
    // SAFETY: the name is this process's own.
    let mut heap = unsafe { FileHeap::create(path) }?;
    let numbers = heap.insert_slice(&[1u64, 2, 3])?;
    heap.set_root("numbers", numbers)?;
    heap.commit()?;
    drop(heap);
    assert_eq!(check(path), IN_ORDER);
    let file = OpenOptions::new().write(true).open(path).expect("it was just made");
    file.write_all_at(&[9], numbers.add(1).offset()).expect("a byte can be changed");
    assert_eq!(check(path), DAMAGED);
    file.set_len(100_000).expect("a file can be cut");
    assert_eq!(check(path), DAMAGED);
    Ok(())
}

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        let path = temp_dir().join(format!("tinyalloc-fsck-{}", id()));
        let shown = demonstrate(&path);
        _ = remove_file(&path);
        shown.expect("the file can be made");
        return ExitCode::SUCCESS;
    }
    ExitCode::from(paths.iter().map(|path| check(path)).max().unwrap_or(IN_ORDER))
}
