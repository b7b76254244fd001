//! `tinyalloc-lines BEGINS ENDS STACKS STACKS_END BASE_FILE TAKES RELEASES < TRACE`: what threads
//! cost each other, in a trace of valgrind's (`trace.rs`).
//!
//! Counts from the first write to BEGINS to the first one to ENDS; caches fill before. Whatever is
//! between STACKS and `STACKS_END` belongs to one thread, and is left out. `BASE_FILE` begins with
//! the address of the library, once counting has begun; TAKES and RELEASES are offsets of
//! instructions in it that take and release locks, with commas between them. Numbers are
//! hexadecimal.
//!
//! Prints `at ADDRESS EXECUTED MOVED` for each instruction, `line ADDRESS MOVED` for each line that
//! moved, `call NAME TIMES` for each call of the system, and what `locks.rs` says of locks.
#![allow(clippy::disallowed_types, reason = "a program of the project, not the engine")]

mod caches;

mod trace;

mod locks;

mod counts;

use std::collections::HashSet;
use std::env::args;
use std::fs::read_to_string;
use std::io::{BufRead, BufReader, stdin, stdout};
use std::process::ExitCode;

use counts::{Counts, Places};
use locks::Code;
use trace::event_of;

const BUFFER_BYTES: usize = 1 << 20;

fn main() -> ExitCode {
    let words: Vec<String> = args().skip(1).collect();
    let (Some(counts), [_, _, _, _, base_file, takes, releases]) = (counts_of(&words), &words[..]) else {
        eprintln!("tinyalloc-lines BEGINS ENDS STACKS STACKS_END BASE_FILE TAKES RELEASES < TRACE");
        return ExitCode::FAILURE;
    };
    let counts = read(counts, || {
        let base = base_in(base_file)?;
        Some(Code::new(addresses(base, takes), addresses(base, releases)))
    });
    if counts.have_ended() && counts.print(&mut stdout().lock()).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Of the first words.
fn counts_of(words: &[String]) -> Option<Counts> {
    let [begins, ends, stacks, stacks_end] = words.get(..4)? else {
        return None;
    };
    Some(Counts::new(Places::new(hexadecimal(begins)?, hexadecimal(ends)?, hexadecimal(stacks)?..hexadecimal(stacks_end)?)))
}

fn read(mut counts: Counts, code: impl Fn() -> Option<Code>) -> Counts {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, stdin().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        if let Some(event) = event_of(&line) {
            counts.add(event);
        }
        if counts.wants_locks() {
            counts.know_locks(code().unwrap_or_default());
        }
        line.clear();
    }
    counts
}

fn base_in(path: &str) -> Option<u64> {
    hexadecimal(read_to_string(path).ok()?.split_whitespace().next()?)
}

fn addresses(base: u64, offsets: &str) -> HashSet<u64> {
    offsets.split(',').filter_map(hexadecimal).map(|offset| base + offset).collect()
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}
