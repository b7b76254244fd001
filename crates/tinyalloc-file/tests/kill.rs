//! Processes that are killed at random moments: the file has the last commit that they reported, or
//! the one that they were about to.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod common;

use std::env::{current_exe, var, var_os};
use std::fs::{create_dir_all, remove_file};
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};
use std::thread::{sleep, spawn};
use std::time::Duration;

use common::{Model, Random, advance, begin, compare_committed, options, transact, transaction};
use tinyalloc_file::FileHeap;

const PATH: &str = "TINYALLOC_FILE_KILLED";
const ROUNDS: &str = "TINYALLOC_FILE_ROUNDS";
const ROUNDS_SHORT: u64 = 200;
const ROUNDS_LONG: u64 = 10_000;
/// How long a process lives at most once it has opened the heap.
const MICROSECONDS_MAX: usize = 20_000;
/// A heap is begun anew after so many rounds, so that its model is quickly made.
const ROUNDS_PER_HEAP: u64 = 50;

/// Commits until it is killed, saying which transaction is durable. Nothing unless `killed` runs
/// it.
#[test]
#[ignore = "the process that the others kill"]
fn committer() {
    let Some(path) = var_os(PATH) else { return };
    // SAFETY: its parent waits until it is dead.
    let mut heap = unsafe { options().open(path) }.unwrap();
    println!("\ndurable {}", transaction(&heap));
    loop {
        println!("durable {}", transact(&mut heap).unwrap());
        stdout().flush().unwrap();
    }
}

/// Runs a committer for so long, and returns the last transaction that it reported.
fn killed(path: &Path, lifetime: Duration) -> u64 {
    let mut command = Command::new(current_exe().unwrap());
    command.args(["--exact", "committer", "--ignored", "--nocapture"]).env(PATH, path);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let number = |line: String| line.strip_prefix("durable ").and_then(|number| number.parse::<u64>().ok());
    let begun = loop {
        if let Some(number) = number(lines.next().expect("the process opens the heap").unwrap()) {
            break number;
        }
    };
    let reader = spawn(move || lines.map_while(Result::ok).filter_map(number).last());
    sleep(lifetime);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap().unwrap_or(begun)
}

fn path() -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kill");
    create_dir_all(&directory).unwrap();
    directory.join(format!("heap-{}", id()))
}

fn run(rounds: u64, seed: u64) {
    let path = path().with_extension(seed.to_string());
    let mut random = Random::new(seed);
    let mut model = Model::default();
    let mut commits = 0;
    for round in 0..rounds {
        if round % ROUNDS_PER_HEAP == 0 {
            _ = remove_file(&path);
            // SAFETY: no other code knows the file.
            begin(&mut unsafe { options().create(&path) }.unwrap());
            commits += model.transaction;
            model = Model::default();
        }
        let reported = killed(&path, Duration::from_micros(random.below(MICROSECONDS_MAX) as u64));
        if random.below(4) == 0 {
            // A reader comes first: it sees the same without finishing anything.
            // SAFETY: the writer is dead.
            check(&unsafe { options().open_read_only(&path) }.unwrap(), &mut model, reported);
        }
        // SAFETY: the writer is dead.
        check(&unsafe { options().open(&path) }.unwrap(), &mut model, reported);
    }
    println!("{rounds} rounds, {} commits", commits + model.transaction);
    remove_file(&path).unwrap();
}

fn check(heap: &FileHeap, model: &mut Model, reported: u64) {
    let found = transaction(heap);
    assert!((reported..=reported + 1).contains(&found), "{reported} was reported durable, {found} is there");
    advance(model, found);
    compare_committed(heap, model);
}

#[test]
fn a_process_killed_at_any_moment_leaves_its_last_commit() {
    run(ROUNDS_SHORT, 1);
}

#[test]
#[ignore = "half an hour; the number of rounds is TINYALLOC_FILE_ROUNDS, 10,000 by default"]
fn ten_thousand_processes_killed_leave_their_last_commits() {
    run(var(ROUNDS).map_or(ROUNDS_LONG, |rounds| rounds.parse().unwrap()), 2);
}
