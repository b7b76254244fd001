//! Where resident memory goes: the parts add up to what the kernel says of programs that run under
//! the library.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;
#[path = "common/profiled.rs"]
mod profiled;

use std::path::Path;
use std::process::Command;

use common::{compile, has, library};
use profiled::Profiled;
use serde_json::{Value, json};
use tempfile::tempdir;
use tinyalloc_command::profile::{Block, Profile, Resident};
use tinyalloc_command::residence::Residence;

const MEBIBYTE: u64 = 1 << 20;

/// 80 MiB in small blocks of two threads, of which a third is freed; 200 MiB, never touched;
/// 30 MiB that the program maps itself.
const MIXED: &str = "#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static void *work(void *unused) {
    for (int i = 0; i < 400000; i++) {
        char *block = malloc(100);
        memset(block, 1, 100);
        if (i % 3 == 0) free(block);
    }
    return unused;
}
void *volatile kept;
int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    work(NULL);
    pthread_join(thread, NULL);
    kept = calloc(200, 1 << 20);
    kept = mmap(NULL, 30 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    /* The kernel does not join it with neighbours. */
    madvise(kept, 30 << 20, MADV_DONTDUMP);
    memset(kept, 1, 30 << 20);
    puts(\"ready\");
    fflush(stdout);
    for (;;) pause();
}
";

const SCRIPT: &str = "import sys
table = {number: [str(number), {'a': number}] for number in range(100000)}
blocks = [bytes(1000) for _ in range(20000)]
del blocks[::2]
print('ready', flush=True)
sys.stdin.read()
";

fn part(residence: &Residence, key: &str) -> u64 {
    residence.parts.iter().find(|part| part.key == key).map_or(0, |part| part.bytes)
}

/// The parts of a program, which are as much as the kernel says within 2 %.
fn parts_of(command: &mut Command, library: &Path, interval: &str) -> Residence {
    let folder = tempdir().unwrap();
    let program = Profiled::start(command, library, folder.path(), interval);
    let profile = Profile::read(program.dump()).unwrap();
    let resident = program.resident();
    let residence = Residence::of(&profile).unwrap();
    let sum: u64 = residence.parts.iter().map(|part| part.bytes).sum();
    println!("{command:?}: {resident} resident, {residence:#?}");
    assert_eq!(sum, residence.bytes);
    assert!(sum.abs_diff(resident) * 50 <= resident, "{sum} of {resident}");
    assert!(residence.parts.iter().all(|part| part.bytes > 0));
    residence
}

#[test]
fn parts_of_a_program_with_threads_add_up_and_what_was_not_touched_is_left_out() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let program = compile(folder.path(), ("mixed.c", MIXED), &["-g", "-O1", "-pthread"], "mixed");
    let residence = parts_of(&mut Command::new(program), &library, "64K");
    assert!((195 * MEBIBYTE..205 * MEBIBYTE).contains(&residence.untouched), "{residence:?}");
    assert!((30 * MEBIBYTE..32 * MEBIBYTE).contains(&part(&residence, "other")), "{residence:?}");
    // 533,334 blocks of 100 bytes live in slots of 112.
    let (live, rounding) = (part(&residence, "live"), part(&residence, "rounding"));
    assert!((48 * MEBIBYTE..56 * MEBIBYTE).contains(&live), "{residence:?}");
    assert!((4 * MEBIBYTE..9 * MEBIBYTE).contains(&rounding), "{residence:?}");
}

#[test]
fn parts_of_python_add_up() {
    let Some(library) = library() else { return };
    if !has("python3") {
        return eprintln!("skipped: python3 is not installed");
    }
    let residence = parts_of(Command::new("python3").args(["-c", SCRIPT]), &library, "64K");
    assert!(part(&residence, "files") > MEBIBYTE && part(&residence, "slots") > MEBIBYTE, "{residence:?}");
}

#[test]
fn parts_of_sqlite_add_up() {
    let Some(library) = library() else { return };
    if !has("sqlite3") {
        return eprintln!("skipped: sqlite3 is not installed");
    }
    let statements = "create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c where x < 200000)
        insert into t select x, hex(x) from c; create index i on t(b); delete from t where a % 3 = 0; select 'ready';";
    let words = [":memory:", "-cmd", statements];
    let residence = parts_of(Command::new("sqlite3").args(words), &library, "512K");
    assert!(part(&residence, "live") > 4 * MEBIBYTE, "{residence:?}");
}

fn profile(resident: Option<Resident>, stats: Value) -> Profile {
    let block = Block { bytes: 128, requested: 96, represents: 4096, ..Block::default() };
    Profile { blocks: vec![block], resident, stats, ..Profile::default() }
}

fn counted(allocated: u64) -> Value {
    json!({
        "stats": {"allocated": allocated, "active": allocated + 6000, "resident_free": 3000, "metadata": 500,
                  "resident": allocated + 10_000},
        "bins": [{"size": 16, "free": 50}, {"size": 64, "free": 50}],
    })
}

#[test]
fn parts_are_what_the_statistics_count_and_the_kernel_says() {
    let all = |resident: Option<Resident>| {
        let residence = Residence::of(&profile(resident, counted(20_000))).unwrap();
        let parts: Vec<(&str, u64)> = residence.parts.iter().map(|part| (part.key, part.bytes)).collect();
        assert_eq!(parts.iter().map(|(_, bytes)| bytes).sum::<u64>(), residence.bytes);
        (residence.bytes, residence.untouched, parts)
    };
    let counted = |live: u64| {
        vec![
            ("live", live),
            ("rounding", 1024),
            ("slots", 4000),
            ("spans", 2000),
            ("free", 3000),
            ("metadata", 500),
            ("huge", 500),
        ]
    };
    assert_eq!(all(None), (30_000, 0, counted(18_976)));
    let rest = [("rest", 700), ("files", 9), ("other", 8)];
    let more = all(Some(Resident { own: 30_700, files: 9, other: 8 }));
    assert_eq!(more, (30_717, 0, [counted(18_976), rest.to_vec()].concat()));
    let less = all(Some(Resident { own: 12_000, files: 0, other: 8 }));
    assert_eq!(less, (12_008, 18_000, [counted(976), vec![("other", 8)]].concat()));
    let least = all(Some(Resident { own: 700, files: 9, other: 8 }));
    assert_eq!(least, (717, 29_300, vec![("metadata", 200), ("huge", 500), ("files", 9), ("other", 8)]));
}

#[test]
fn dumps_without_statistics_have_no_parts() {
    assert_eq!(Residence::of(&profile(None, Value::Null)), None);
    assert_eq!(Residence::of(&profile(None, json!({"stats": {"allocated": 1}}))), None);
    // Numbers that do not fit together: a sum is a sum.
    let mad = json!({"stats": {"allocated": u64::MAX, "active": 1, "resident": 5}, "bins": [{"size": u64::MAX, "free": 9}]});
    let own = Resident { own: u64::MAX, files: u64::MAX, other: 1 };
    assert_eq!(Residence::of(&profile(Some(own), mad)).unwrap().bytes, u64::MAX);
}
