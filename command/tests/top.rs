//! `tinyalloc top`: what it refuses, and with TINYALLOC_LIB, what it shows of a program that runs.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;

use std::fs::{File, create_dir, read_dir, rename};
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use common::{Run, Running, as_other_user, command, compile, has, is_root, library, run, run_kill, text, tinyalloc};
use serde_json::{Value, from_str};
use tempfile::{TempDir, tempdir};

/// Allocates 16 MiB at first, and for each line that it reads, and says so. It allocates nothing
/// else.
const SOURCE: &str = "#include <stdio.h>
#include <stdlib.h>
void *volatile kept;
__attribute__((noinline)) void grow(void) {
    kept = malloc(65536);
}
char in[64], out[64];
int main(void) {
    char line[8];
    setvbuf(stdin, in, _IOFBF, sizeof in);
    setvbuf(stdout, out, _IOFBF, sizeof out);
    do {
        for (int i = 0; i < 256; i++) grow();
        puts(\"grown\");
        fflush(stdout);
    } while (fgets(line, sizeof line, stdin));
    return 0;
}
";
const MEBIBYTE: i64 = 1 << 20;

/// The program, with the library and a profile.
struct Fixture {
    folder: TempDir,
    running: Running,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Fixture {
    /// None if there is no library to test with.
    fn new(options: &str) -> Option<Fixture> {
        let library = library()?;
        let folder = tempdir().unwrap();
        let program = compile(folder.path(), ("growing.c", SOURCE), &["-g", "-O1"], "growing");
        let mut command = Command::new(&program);
        command.current_dir(folder.path()).env("LD_PRELOAD", &library).env("TINYALLOC_OPTIONS", options);
        let mut running = Running::of(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let mut lines = BufReader::new(running.child.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        Some(Fixture { folder, running, lines })
    }

    fn grow(&mut self) {
        self.running.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        assert_eq!(self.lines.next().unwrap().unwrap(), "grown");
    }

    fn heaps(&self) -> Vec<PathBuf> {
        let paths = read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "heap")).collect();
        paths.sort();
        paths
    }

    fn watch(&self, words: &[&str]) -> Watch {
        let mut command = command();
        command.arg("top").args(words).arg(self.running.child.id().to_string());
        Watch::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }
}

/// The command while it runs.
struct Watch {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Watch {
    fn of(mut child: Child) -> Watch {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Watch { child, lines: Some(lines) }
    }

    fn line(&mut self) -> String {
        self.lines.as_mut().unwrap().next().unwrap().unwrap()
    }

    fn refresh(&mut self) -> Value {
        from_str(&self.line()).unwrap()
    }

    /// The exit status, and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        self.lines.take().into_iter().flatten().for_each(drop);
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

const OPTIONS: &str = "profile=64K,profile_signal=USR2,profile_file=%p.%n.heap";

fn is_near(estimate: &Value, truth: i64) -> bool {
    (estimate.as_i64().unwrap() - truth).abs() <= truth / 4
}

#[test]
fn each_refresh_has_what_changed_since_the_last_one() {
    let Some(mut fixture) = Fixture::new(OPTIONS) else { return };
    let mut watch = fixture.watch(&["--json", "--interval", "0.05"]);
    let first = watch.refresh();
    assert!(first["live_growth"].is_null() && first["sites"][0]["growth"].is_null(), "{first}");
    assert!(is_near(&first["live_bytes"], 16 * MEBIBYTE) && first["name"] == "growing", "{first}");
    assert!(first["resident_bytes"].as_i64().unwrap() > MEBIBYTE && first["live_samples"] == first["samples"], "{first}");
    let site = &first["sites"][0];
    assert_eq!((&site["function"], &site["line"]), (&"grow".into(), &5.into()));
    assert_eq!(first["site_count"], first["sites"].as_array().unwrap().len());
    let second = watch.refresh();
    assert_eq!((&second["live_growth"], &second["sites"][0]["growth"]), (&0.into(), &0.into()));
    fixture.grow();
    let grown = (0..100).map(|_| watch.refresh()).find(|refresh| refresh["live_growth"] != 0).unwrap();
    let site = &grown["sites"][0];
    assert_eq!(grown["live_growth"], site["growth"]);
    assert!(is_near(&site["bytes"], 32 * MEBIBYTE) && site["growth"].as_i64().unwrap() > 0, "{grown}");
}

#[test]
fn the_profiles_it_asked_for_are_removed_and_no_others() {
    let Some(fixture) = Fixture::new(OPTIONS) else { return };
    let own = fixture.running.asked(&["dump"]).succeeded().out;
    fixture.running.asked(&["top", "--count", "3", "--interval", "0.05"]).succeeded();
    fixture.running.asked(&["dump"]).succeeded();
    assert_eq!(fixture.heaps().len(), 2, "{:?}", fixture.heaps());
    assert_eq!(fixture.heaps()[0], Path::new(own.trim_end()));
    let id = fixture.running.child.id();
    assert!(fixture.heaps()[1].ends_with(format!("{id}.4.heap")), "the one after three that are gone");
}

/// For programs that use the others themselves.
#[test]
fn the_signal_may_be_a_real_time_signal() {
    let Some(fixture) = Fixture::new("profile=64K,profile_signal=40,profile_file=%p.%n.heap") else { return };
    fixture.running.asked(&["top", "--once"]).succeeded();
    assert!(fixture.running.asked(&["dump"]).succeeded().out.ends_with(".1.heap\n"));
}

#[test]
fn a_file_that_was_there_before_is_not_removed() {
    let Some(fixture) = Fixture::new("profile=64K,profile_signal=USR2,profile_file=the.heap") else { return };
    fixture.running.asked(&["top", "--once"]).succeeded();
    assert_eq!(fixture.heaps().len(), 0);
    fixture.running.asked(&["dump"]).succeeded();
    fixture.running.asked(&["top", "--once"]).succeeded();
    assert_eq!(fixture.heaps().len(), 1);
}

#[test]
fn text_comes_in_blocks() {
    let Some(fixture) = Fixture::new(OPTIONS) else { return };
    let out = fixture.running.asked(&["top", "--count", "2", "--interval", "0.05", "--depth", "2"]).succeeded().out;
    let blocks: Vec<Vec<&str>> = out.split("\n\n").map(|block| block.lines().collect()).collect();
    assert!(blocks.len() == 2 && blocks.iter().all(|block| block.len() >= 5), "{out}");
    let id = fixture.running.child.id();
    assert!(blocks[0][0].starts_with(&format!("process {id} (growing): ")) && blocks[0][0].contains(" resident, "), "{out}");
    assert!(!blocks[0][0].contains("since") && blocks[1][0].contains(" live (+0 B since the last refresh), "), "{out}");
    assert!(blocks[0][1].ends_with(" of them live, one for 64.0 KiB"), "{out}");
    assert!(blocks[0][2].ends_with(" live  change  blocks  call site") && blocks[0][3].contains("  -  "), "{out}");
    assert!(!blocks[1][3].contains("  -  ") && !blocks[1][3].contains("+0 B"), "what did not change has no number: {out}");
    assert!(blocks[1][3].contains("  grow ") && blocks[1][4].contains("    main "), "{out}");
    assert!(!out.contains('\x1b'), "no terminal, no control characters");
}

#[test]
fn a_terminal_shows_one_refresh_over_the_other() {
    if !has("script") {
        eprintln!("skipped: script is not installed");
        return;
    }
    let Some(fixture) = Fixture::new(OPTIONS) else { return };
    let id = fixture.running.child.id();
    let words = format!("stty rows 4 cols 30; {} top --count 2 --interval 0.05 {id}", env!("CARGO_BIN_EXE_tinyalloc"));
    let mut script = Command::new("script");
    script.args(["-qec", &words, "/dev/null"]).env("TERM", "xterm").stdin(Stdio::null());
    let out = run(&mut script).replace('\r', "");
    assert_eq!(out.matches("\x1b[H").count(), 3, "cleared once, and two times from the start: {out:?}");
    let last: Vec<&str> = out.rsplit("\x1b[H").next().unwrap().lines().collect();
    assert_eq!(last.len(), 4, "three lines, and the cursor: {out:?}");
    assert!(last[..3].iter().all(|line| line.trim_end_matches("\x1b[K").len() <= 30), "{out:?}");
}

#[test]
fn the_end_of_the_program_is_no_failure() {
    let Some(mut fixture) = Fixture::new(OPTIONS) else { return };
    let mut watch = fixture.watch(&["--json", "--interval", "0.05"]);
    watch.refresh();
    drop(fixture.running.child.stdin.take());
    fixture.running.child.wait().unwrap();
    let (status, said) = watch.end();
    let id = fixture.running.child.id();
    let last = said.lines().last().unwrap_or_default();
    assert_eq!((status, last), (Some(0), format!("tinyalloc: process {id} has ended").as_str()), "{said}");
    assert_eq!(fixture.heaps().len(), 1, "that of its end");
}

#[test]
fn a_signal_ends_it_and_leaves_no_file() {
    let Some(fixture) = Fixture::new(OPTIONS) else { return };
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut watch = fixture.watch(&["--interval", "0.001"]);
        watch.line();
        run_kill(signal, watch.child.id());
        assert_eq!(watch.end(), (Some(0), String::new()));
        assert_eq!(fixture.heaps().len(), 0);
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it() {
    let Some(fixture) = Fixture::new(OPTIONS) else { return };
    let mut watch = fixture.watch(&["--interval", "0.01"]);
    watch.line();
    drop(watch.lines.take());
    assert_eq!(watch.end(), (Some(0), String::new()));
    assert_eq!(fixture.heaps().len(), 0);
}

#[test]
fn profiles_that_are_off_or_do_not_come_are_explained() {
    let Some(fixture) = Fixture::new("profile=off,profile_signal=USR2") else { return };
    fixture.running.asked(&["top"]).failed_with(&["its heap profile is off: start it with TINYALLOC_OPTIONS=profile=on"]);
    fixture.running.asked(&["dump"]).failed_with(&["its heap profile is off"]);
    assert_eq!(fixture.heaps().len(), 0);
    let options = "profile_signal=USR2,profile_toggle_signal=USR1,profile_file=%p.%n.heap";
    let Some(mut fixture) = Fixture::new(options) else { return };
    let id = fixture.running.child.id();
    fixture.running.asked(&["top"]).failed_with(&[&format!("its heap profile is off: turn it on with kill -10 {id}")]);
    run_kill("-10", id);
    fixture.grow();
    assert!(fixture.running.asked(&["top", "--once"]).succeeded().out.contains(" grow "), "it is on");
    let Some(fixture) = Fixture::new(OPTIONS) else { return };
    let id = fixture.running.child.id();
    run_kill("-STOP", id);
    fixture.running.asked(&["top", "--wait", "1"]).failed_with(&["is stopped: it wrote no heap profile within 1 seconds to "]);
    run_kill("-CONT", id);
}

/// A limit for files is as a disk that is full.
#[test]
fn a_profile_that_the_process_cannot_write_is_explained() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let program = compile(folder.path(), ("growing.c", SOURCE), &["-g", "-O1"], "growing");
    let running = |options: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 4; trap '' XFSZ; exec env LD_PRELOAD=$LIBRARY $PROGRAM"]).current_dir(folder.path());
        command.env("LIBRARY", &library).env("PROGRAM", &program).env("TINYALLOC_OPTIONS", options);
        let mut running = Running::of(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        BufReader::new(running.child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        running
    };
    for command in ["top", "dump"] {
        let cut_off = running(OPTIONS).asked(&[command, "--wait", "1"]);
        cut_off.failed_with(&[".0.heap: is cut off"]);
        let heaps = read_dir(folder.path()).unwrap().filter(|entry| text(&entry.as_ref().unwrap().path()).ends_with(".heap"));
        assert_eq!(heaps.count(), 0, "it is removed");
    }
    let nowhere = "profile=64K,profile_signal=USR2,profile_file=/no/such/folder/%p.heap";
    running(nowhere).asked(&["top"]).failed_with(&["writes its heap profiles to /no/such/folder/", ".heap: No such file"]);
}

#[test]
fn processes_that_cannot_be_watched_are_explained() {
    tinyalloc(&["top", "4194305"]).failed_with(&["process 4194305: there is no such process"]);
    tinyalloc(&["top", "0"]).failed_with(&["process 0: there is no such process"]);
    let top = |options: &str| {
        let mut command = Command::new("sleep");
        let running = Running::of(command.arg("60").env("TINYALLOC_OPTIONS", options));
        // Until it is the program, it has the test's environment.
        sleep(Duration::from_millis(100));
        running.asked(&["top"])
    };
    top("limit=1G").failed_with(&["writes no heap profiles: start it with TINYALLOC_OPTIONS=profile=on"]);
    top("profile=on").failed_with(&["writes no heap profile on a signal: start it with"]);
    top("profile=on,profile_signal=USR2").failed_with(&["has no handler for signal 12"]);
    for words in [["--interval", "0"], ["--interval", "x"], ["--interval", "1e99"], ["--count", "0"]] {
        assert_eq!(tinyalloc(&[&["top", "1"], &words[..]].concat()).status, 2, "{words:?}");
    }
    let mut ended = Command::new("true").spawn().unwrap();
    let zombie = ended.id().to_string();
    sleep(Duration::from_millis(100));
    tinyalloc(&["top", &zombie]).failed_with(&["has ended"]);
    ended.wait().unwrap();
}

/// As root, the command is another user; as another user, the first process is root's.
#[test]
fn processes_of_other_users_are_explained() {
    let folder = tempdir().unwrap();
    let mut running = Command::new("sleep");
    let running = Running::of(running.arg("60").env("TINYALLOC_OPTIONS", OPTIONS));
    let process = if is_root(folder.path()) { running.child.id() } else { 1 };
    let output = as_other_user(folder.path()).arg("top").arg(process.to_string()).output().unwrap();
    Run::of(&output).failed_with(&["is another user's, or protected: only that user, or root, "]);
}

#[test]
fn a_full_disk_is_no_reason_to_leave_files() {
    let Some(fixture) = Fixture::new(OPTIONS) else { return };
    let full = File::options().write(true).open("/dev/full").unwrap();
    let id = fixture.running.child.id().to_string();
    let output = command().args(["top", &id]).stdout(Stdio::from(full)).output().unwrap();
    Run::of(&output).failed_with(&["standard output: No space left"]);
    assert_eq!(fixture.heaps().len(), 0);
}

/// As services have it whose folder for temporary files is their own.
#[test]
fn files_of_a_process_with_other_mounts_are_found() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let program = compile(folder.path(), ("growing.c", SOURCE), &["-g", "-O1"], "growing");
    let (hidden, own) = (folder.path().join("hidden"), folder.path().join("own"));
    [&hidden, &own].iter().for_each(|path| create_dir(path).unwrap());
    rename(&program, hidden.join("growing")).unwrap();
    let script = format!(
        "mount --bind {0} {1} && cd {1} && exec env LD_PRELOAD={2} TINYALLOC_OPTIONS=$OPTIONS ./growing",
        hidden.display(),
        own.display(),
        library.display()
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).env("OPTIONS", OPTIONS).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = Running::of(&mut command);
    let mut lines = BufReader::new(running.child.stdout.take().unwrap()).lines();
    if lines.next().is_none() {
        eprintln!("skipped: mounts of its own are not allowed here");
        return;
    }
    let refresh: Value = from_str(&running.asked(&["top", "--once", "--json"]).succeeded().out).unwrap();
    assert_eq!(refresh["sites"][0]["line"], 5, "{refresh}");
    let heaps = read_dir(&hidden).unwrap().filter(|entry| text(&entry.as_ref().unwrap().path()).ends_with(".heap"));
    assert_eq!(heaps.count(), 0, "it was removed");
}
