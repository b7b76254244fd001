//! Who keeps memory: blocks of known call sites keep pages in programs that run under the library,
//! and every list and picture of the command begins with them.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

#[allow(dead_code, reason = "each test uses a part")]
#[path = "report/browser.rs"]
mod browser;
mod common;
#[path = "common/profiled.rs"]
mod profiled;

use std::path::{Path, PathBuf};
use std::process::Command;

use browser::Browser;
use common::{compile, library, text, tinyalloc};
use profiled::Profiled;
use serde_json::{Value, from_str};
use tempfile::tempdir;
use tinyalloc_command::profile::{By, Profile};
use tinyalloc_command::residence::Residence;

/// Blocks of one size by `worker`, which are freed, and one in 200 by `pinner`, which are not.
const ONE: &str = "
int main(int count, char **arguments) {
    size_t bytes = atoi(arguments[1]), blocks = ALL / bytes;
    void **all = malloc(blocks * sizeof *all);
    for (size_t i = 0; i < blocks; i++) all[i] = i % 200 == 0 ? pinner(bytes) : worker(bytes);
    for (size_t i = 0; i < blocks; i++) if (i % 200 != 0) free(all[i]);
    free(all);
    wait_for_test(count > 2);
}
";
/// Three pinners, of which the second has three times as many blocks as the first, and the third as
/// the second, far from each other.
const THREE: &str = "
int main(int count, char **arguments) {
    size_t bytes = atoi(arguments[1]), blocks = ALL / bytes;
    void **all = malloc(blocks * sizeof *all);
    for (size_t i = 0; i < blocks; i++) {
        size_t place = i % 1040;
        void *(*maker)(size_t) = place % 80 != 0 ? worker : place == 0 ? small_pinner : place <= 240 ? pinner : large_pinner;
        all[i] = maker(bytes);
    }
    for (size_t i = 0; i < blocks; i++) if (i % 1040 % 80 != 0) free(all[i]);
    free(all);
    wait_for_test(count > 2);
}
";
/// All of the first half is freed, and a thousand blocks are replaced again and again.
const NONE: &str = "
int main(int count, char **arguments) {
    size_t bytes = atoi(arguments[1]), blocks = ALL / bytes;
    void **all = malloc(blocks * sizeof *all);
    for (size_t i = 0; i < blocks; i++) all[i] = worker(bytes);
    for (size_t i = 0; i < blocks / 2; i++) free(all[i]);
    for (size_t i = 0; i < 100000; i++) {
        size_t place = blocks / 2 + i % 1000;
        free(all[place]);
        all[place] = pinner(bytes);
    }
    wait_for_test(count > 2);
}
";
const COMMON: &str = "#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { ALL = 32 << 20 };
#define MAKER(name) __attribute__((noinline)) void *name(size_t bytes) { return memset(malloc(bytes), 1, bytes); }
MAKER(worker)
MAKER(small_pinner)
MAKER(pinner)
MAKER(large_pinner)
static void wait_for_test(int is_over) {
    if (is_over) exit(0);
    puts(\"ready\");
    fflush(stdout);
    for (;;) pause();
}
";
const SIZES: [u32; 5] = [16, 64, 200, 1000, 4000];

fn program(source: &str, folder: &Path) -> PathBuf {
    compile(folder, ("keep.c", &format!("{COMMON}{source}")), &["-g", "-O1"], "keep")
}

/// A dump of the program with blocks of so many bytes, in the folder.
fn dump_of(source: &str, bytes: u32, library: &Path, folder: &Path) -> PathBuf {
    let program = program(source, folder);
    let program = Profiled::start(Command::new(program).arg(bytes.to_string()), library, folder, "1K");
    program.dump().to_owned()
}

/// The functions that keep memory, those first that keep most, and the bytes.
fn keepers(dump: &Path) -> Vec<(String, f64)> {
    let run = tinyalloc(&["sites", "--by", "pinned", "--json", text(dump)]).succeeded();
    let value: Value = from_str(&run.out).unwrap();
    let site = |site: &Value| (String::from(site["function"].as_str().unwrap()), site["bytes"].as_f64().unwrap());
    value["sites"].as_array().unwrap().iter().map(site).collect()
}

#[test]
fn a_planted_pinner_comes_first() {
    let Some(library) = library() else { return };
    for bytes in SIZES {
        let folder = tempdir().unwrap();
        let dump = dump_of(ONE, bytes, &library, folder.path());
        let keepers = keepers(&dump);
        println!("{bytes}: {keepers:?}");
        assert_eq!(keepers[0].0, "pinner", "{bytes}: {keepers:?}");
        // Each span of small blocks has one of the pinner, and 199 of 200 blocks are free.
        let free = f64::from(32 << 20) * 0.995;
        assert!(bytes > 200 || (keepers[0].1 - free).abs() < free * 0.4, "{bytes}: {keepers:?}");
        let run = tinyalloc(&["sites", "--by", "pinned", text(&dump)]).succeeded();
        let row = run.out.lines().find(|line| line.contains('%')).unwrap();
        assert!(row.contains(" pinner ") && run.out.contains("  live  call site") && run.out.contains("kept by"), "{}", run.out);
    }
}

#[test]
fn pinners_are_in_the_order_of_what_they_keep() {
    let Some(library) = library() else { return };
    for bytes in [48, 400] {
        let folder = tempdir().unwrap();
        let keepers = keepers(&dump_of(THREE, bytes, &library, folder.path()));
        println!("{bytes}: {keepers:?}");
        let first: Vec<&str> = keepers.iter().take(3).map(|(name, _)| name.as_str()).collect();
        assert_eq!(first, ["large_pinner", "pinner", "small_pinner"], "{bytes}: {keepers:?}");
    }
}

#[test]
fn nothing_is_pinned_where_there_is_no_pinner() {
    let Some(library) = library() else { return };
    for bytes in SIZES {
        let folder = tempdir().unwrap();
        let profile = Profile::read(&dump_of(NONE, bytes, &library, folder.path())).unwrap();
        let (pinned, resident) = (profile.sum(By::Pinned).bytes, Residence::of(&profile).unwrap().bytes);
        println!("{bytes}: {pinned} of {resident}");
        assert!(profile.has_pins() && pinned * 10 < resident, "{bytes}: {pinned} of {resident}");
    }
}

#[test]
fn the_page_begins_with_the_pinner() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let dump = dump_of(ONE, 64, &library, folder.path());
    let profile = Profile::read(&dump).unwrap();
    let page = folder.path().join("report.html");
    tinyalloc(&["report", "-o", text(&page), text(&dump)]).succeeded();
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&page, 1200);
    assert_eq!(browser.text("#keepers-table .function"), "pinner");
    assert!(browser.text("#keepers-note").contains("of the allocator's memory"));
    browser.click("#metric-picker input[value=pinned]", None);
    assert_eq!(browser.text("#sites-table .function"), "pinner");
    let all = browser.attribute("#sites-found strong", "title");
    let pinned = profile.sum(By::Pinned).bytes;
    assert_eq!(all.replace(',', ""), format!("{pinned} bytes"));
    browser.write("#flame-search", "pinner");
    assert_eq!(browser.attribute("#flame-found strong", "title"), all);
    assert!(browser.text("#flame-note").starts_with("Pinned bytes: "));
}

#[test]
fn the_summary_of_a_run_has_the_parts_and_the_pinner() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let out = folder.path().join("out");
    let summary = |source: &str| {
        let program = program(source, folder.path());
        let words =
            ["run", "--interval", "4K", "--output", text(&out), "--library", text(&library), "--", text(&program), "64", "x"];
        let run = tinyalloc(&words);
        assert_eq!(run.status, 0, "{}", run.err);
        run.err
    };
    let with = summary(ONE);
    let row = with.lines().skip_while(|line| !line.starts_with("pinned: ")).nth(2).unwrap();
    assert!(row.contains("100.0%") && row.contains(" pinner "), "{with}");
    let parts: Vec<&str> = with.lines().skip_while(|line| !line.starts_with("resident: ")).skip(2).collect();
    let shares = parts.iter().filter_map(|line| line.split_once('%')?.0.rsplit(' ').next()?.parse::<f64>().ok());
    let shares: Vec<f64> = shares.collect();
    assert!(shares.len() > 2 && shares.iter().all(|share| *share >= 1.0), "{with}");
    assert!((94.0..100.5).contains(&shares.iter().sum::<f64>()), "{with}");
    assert!(parts.iter().any(|line| line.contains("  Free slots: in spans that live blocks keep")), "{with}");
    assert!(!summary(NONE).contains("pinned: "));
}
