//! Programs that run under the library: what is refused, and with TINYALLOC_LIB, what is measured.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;

use std::fs::{Permissions, copy, create_dir_all, read, read_dir, set_permissions, write};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Run, Running, command, compile, library, run, run_kill, text, tinyalloc};
use object::{File as ElfFile, Object};
use serde_json::{Value, from_str};
use tempfile::tempdir;
use tinyalloc_command::profile::Profile;

/// 64 MiB of buffers and 16 MiB of nodes live at the end; 32 MiB of scratch are freed before.
const SOURCE: &str = "#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
void *volatile kept;
__attribute__((noinline)) void *make_buffer(void) {
    void *block = malloc(65536);
    memset(block, 1, 65536);
    return block;
}
__attribute__((noinline)) void *make_node(void) {
    void *block = calloc(1, 1024);
    return block;
}
__attribute__((noinline)) void *scratch(void) {
    void *block = malloc(32768);
    memset(block, 1, 32768);
    return block;
}
int main(int count, char **arguments) {
    for (int i = 0; i < 1024; i++) kept = make_buffer();
    for (int i = 0; i < 16384; i++) kept = make_node();
    void *blocks[1024];
    for (int i = 0; i < 1024; i++) blocks[i] = scratch();
    for (int i = 0; i < 1024; i++) free(blocks[i]);
    puts(\"done\");
    fflush(stdout);
    if (count > 2) for (;;) pause();
    return count > 1 ? atoi(arguments[1]) : 0;
}
";
/// Of a dump that is long.
const CUTS_MAX: usize = 1000;
const MEBIBYTE: f64 = 1_048_576.0;

/// A library for programs that are refused: any will do.
fn any_library(folder: &Path) -> PathBuf {
    compile(folder, ("library.c", "int nothing;\n"), &["-shared", "-fPIC"], "libtinyalloc.so")
}

fn refusal(library: &Path, program: &Path) -> Run {
    tinyalloc(&["run", "--output", text(&library.parent().unwrap().join("out")), "--library", text(library), "--", text(program)])
}

#[test]
fn programs_that_preloading_does_not_reach_are_refused() {
    let folder = tempdir().unwrap();
    let library = any_library(folder.path());
    let main = ("a.c", "int main(void) { return 0; }\n");
    let fixed = compile(folder.path(), main, &["-static"], "static");
    refusal(&library, &fixed).failed_with(&["/static: ", "statically"]);
    let pie = compile(folder.path(), main, &["-static-pie"], "static-pie");
    refusal(&library, &pie).failed_with(&["/static-pie: ", "statically"]);
    let musl = compile(folder.path(), main, &["-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1"], "small");
    refusal(&library, &musl).failed_with(&["/small: ", "musl"]);
    let other = compile(folder.path(), main, &["-Wl,--dynamic-linker=/system/bin/linker64"], "phone");
    refusal(&library, &other).failed_with(&["/phone: ", "/system/bin/linker64"]);
    let plain = compile(folder.path(), main, &[], "plain");
    let foreign = folder.path().join("foreign");
    let mut bytes = read(&plain).unwrap();
    // e_machine: RISC-V.
    bytes[18..20].copy_from_slice(&[243, 0]);
    write(&foreign, bytes).unwrap();
    set_permissions(&foreign, Permissions::from_mode(0o755)).unwrap();
    refusal(&library, &foreign).failed_with(&["/foreign: ", "Riscv64"]);
    let powerful = folder.path().join("powerful");
    copy(&plain, &powerful).unwrap();
    set_permissions(&powerful, Permissions::from_mode(0o4755)).unwrap();
    refusal(&library, &powerful).failed_with(&["/powerful: ", "set-uid"]);
    let script = folder.path().join("script");
    write(&script, format!("#!{} -x\n", fixed.display())).unwrap();
    set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    refusal(&library, &script).failed_with(&["/static: ", "statically"]);
}

#[test]
fn what_is_no_program_is_refused() {
    let folder = tempdir().unwrap();
    let library = any_library(folder.path());
    refusal(&library, &folder.path().join("nowhere")).failed_with(&["/nowhere: No such file"]);
    refusal(&library, Path::new("no-such-program-anywhere"))
        .failed_with(&["no-such-program-anywhere: there is no such program in PATH"]);
    refusal(&library, folder.path()).failed_with(&["is no file"]);
    let data = folder.path().join("data");
    write(&data, "data").unwrap();
    refusal(&library, &data).failed_with(&["/data: ", "may be run"]);
    set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    refusal(&library, &data).failed_with(&["/data: ", "neither an ELF file nor a script"]);
    tinyalloc(&["run", "--library", "/no/such/library", "--", "/bin/true"]).failed_with(&["/no/such/library: No such file"]);
    let spaced = folder.path().join("a b.so");
    copy(&library, &spaced).unwrap();
    refusal(&spaced, Path::new("/bin/true")).failed_with(&["space"]);
    tinyalloc(&["run", "--library", text(&library), "--output", text(&folder.path().join("a,b")), "--", "/bin/true"])
        .failed_with(&["comma"]);
    tinyalloc(&["run", "--library", text(&library), "--output", "/dev/null/x", "--", "/bin/true"])
        .failed_with(&["/dev/null/x: "]);
}

#[test]
fn the_status_is_the_programs_and_options_are_added() {
    let folder = tempdir().unwrap();
    let library = any_library(folder.path());
    let out = folder.path().join("out");
    let shell = |script: &str| {
        let words = ["run", "--output", text(&out), "--library", text(&library), "--", "/bin/sh", "-c", script];
        Run::of(&command().args(words).env("TINYALLOC_OPTIONS", "limit=1G").output().unwrap())
    };
    let run = shell("echo $TINYALLOC_OPTIONS $LD_PRELOAD; exit 7");
    let options = format!("limit=1G,profile=524288,profile_file={}/%p.%n.heap,profile_growth=10", out.display());
    assert_eq!((run.status, run.out), (7, format!("{options} {}\n", library.canonicalize().unwrap().display())));
    // This library writes nothing.
    assert!(run.err.contains("the program wrote no heap profile"), "{}", run.err);
    assert_eq!(shell("kill -9 $$").status, 137);
}

#[test]
fn a_signal_to_the_command_reaches_the_program() {
    let folder = tempdir().unwrap();
    let library = any_library(folder.path());
    let words = ["run", "--output", text(folder.path()), "--library", text(&library), "--", "/bin/sh", "-c"];
    let mut command = command();
    command.args(words).arg("trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    run_kill("-TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn processes_without_profiles_are_explained() {
    let dump = |options: Option<&str>| {
        let mut command = Command::new("sleep");
        command.arg("60").env_clear().env("PATH", "/usr/bin:/bin").envs(options.map(|options| ("TINYALLOC_OPTIONS", options)));
        let mut running = Running::of(&mut command);
        // Until it is the program, it has the test's environment.
        sleep(Duration::from_millis(100));
        let run = running.asked(&["dump"]);
        assert_eq!(running.child.try_wait().unwrap(), None, "it goes on");
        run
    };
    dump(None).failed_with(&["has no TINYALLOC_OPTIONS"]);
    dump(Some("limit=1G")).failed_with(&["writes no heap profiles: start it with TINYALLOC_OPTIONS=profile=on"]);
    dump(Some("profile=off")).failed_with(&["writes no heap profiles"]);
    dump(Some("profile=on")).failed_with(&["on a signal: start it with"]);
    dump(Some("profile=on,profile_signal=USR2")).failed_with(&["has no handler for signal 12"]);
    tinyalloc(&["dump", "4194305"]).failed_with(&["process 4194305: there is no such process"]);
}

fn megabytes(sites: &Value, function: &str) -> f64 {
    let site = sites["sites"].as_array().unwrap().iter().find(|site| site["function"] == function);
    site.map_or(0.0, |site| site["bytes"].as_f64().unwrap() / MEBIBYTE)
}

fn is_near(estimate: f64, truth: f64) -> bool {
    (estimate - truth).abs() <= truth * 0.2
}

#[test]
fn known_functions_allocate_known_amounts() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let program = compile(folder.path(), ("load.c", SOURCE), &["-g", "-O1"], "load");
    let out = folder.path().join("out");
    let words = ["run", "--interval", "64K", "--output", text(&out), "--library", text(&library), "--", text(&program), "5"];
    let run = tinyalloc(&words);
    assert_eq!((run.status, run.out.as_str()), (5, "done\n"), "{}", run.err);
    assert!(
        run.err.contains("make_buffer") && run.err.contains("load.c:7") && run.err.contains("a page of all of them: "),
        "{}",
        run.err
    );
    let last = run.err.lines().find_map(|line| line.split_once("the last one: ")).unwrap().1;
    let last = PathBuf::from(last);
    let page = run.err.lines().find_map(|line| line.strip_prefix("a page of all of them: ")).unwrap();
    let page = read(page).unwrap();
    assert!(page.starts_with(b"<!doctype html>") && page.windows(11).any(|words| words == b"make_buffer"));
    let sites =
        |by: &str| -> Value { from_str(&tinyalloc(&["sites", "--json", "--by", by, text(&last)]).succeeded().out).unwrap() };
    let (live, peak, total) = (sites("live"), sites("peak"), sites("total"));
    assert!(is_near(megabytes(&live, "make_buffer"), 64.0) && is_near(megabytes(&live, "make_node"), 16.0), "{live}");
    assert_eq!(megabytes(&live, "scratch"), 0.0, "all was freed: {live}");
    assert!(is_near(megabytes(&peak, "scratch"), 32.0) && is_near(megabytes(&total, "scratch"), 32.0), "{peak} {total}");
    let node = live["sites"].as_array().unwrap().iter().find(|site| site["function"] == "make_node").unwrap();
    assert!(is_near(node["blocks"].as_f64().unwrap(), 16384.0) && node["line"] == 12, "{node}");
    refuses_what_is_cut_off(&last);
    // What grew from the first dump to the last.
    let files = read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let dumps: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|name| name == "heap")).collect();
    assert!(dumps.len() > 2, "{dumps:?}");
    let paths: Vec<&str> = dumps.iter().map(|path| text(path)).collect();
    let leaks: Value = from_str(&tinyalloc(&[&["leaks", "--json"], &paths[..]].concat()).succeeded().out).unwrap();
    assert!(leaks["sites"][0]["function"] == "make_buffer", "{leaks}");
    let check = |limit: &str| tinyalloc(&["check", "--max-live", limit, text(&last)]).status;
    assert_eq!([check("60M"), check("100M")], [1, 0]);
}

/// Wherever a dump ends, as on a full disk, the rest is missed. At the ends of lines most of all.
fn refuses_what_is_cut_off(dump: &Path) {
    let bytes = read(dump).unwrap();
    assert!(Profile::parse(&bytes).is_ok());
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let mut cuts: Vec<usize> = ends.chain((0..bytes.len()).step_by(97)).filter(|end| *end < bytes.len()).collect();
    cuts.sort_unstable();
    let stride = cuts.len().div_ceil(CUTS_MAX);
    for end in cuts.into_iter().step_by(stride) {
        assert!(Profile::parse(&bytes[..end]).is_err(), "{end} of {}", bytes.len());
    }
}

/// The dump has the build-id of what ran.
#[test]
fn a_program_that_was_built_anew_is_not_taken_for_the_one_that_ran() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let words = ["-g", "-O1", "-Wl,--build-id=sha1"];
    let program = compile(folder.path(), ("load.c", SOURCE), &words, "load");
    let dump = folder.path().join("load.heap");
    let options = format!("profile=64K,profile_file={}", dump.display());
    run(Command::new(&program).arg("0").env("LD_PRELOAD", &library).env("TINYALLOC_OPTIONS", options));
    let before = tinyalloc(&["sites", text(&dump)]).succeeded();
    assert!(before.out.contains("make_buffer") && before.out.contains("load.c:7"), "{}", before.out);
    let kept = folder.path().join("kept/.build-id");
    let id = build_id(&program);
    create_dir_all(kept.join(&id[..2])).unwrap();
    copy(&program, kept.join(&id[..2]).join(&id[2..])).unwrap();
    compile(folder.path(), ("load.c", &format!("\n\nint more;\n{SOURCE}")), &words, "load");
    let after = tinyalloc(&["sites", text(&dump)]);
    let warning = format!(
        "tinyalloc: warning: {} has the build-id {}, and what was profiled had {id}: its functions are not named\n",
        program.display(),
        build_id(&program)
    );
    assert_eq!((after.status, after.err), (0, warning));
    assert!(after.out.contains(" load+0x") && !after.out.contains("make_buffer"), "{}", after.out);
    // With the old file by its build-id, the names are back.
    let found = tinyalloc(&["sites", "--debug", text(kept.parent().unwrap()), text(&dump)]).succeeded();
    assert_eq!(found.out, before.out);
}

fn build_id(path: &Path) -> String {
    let bytes = read(path).unwrap();
    let elf = ElfFile::parse(&*bytes).unwrap();
    elf.build_id().unwrap().unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The shell ends by `_exit`, and writes nothing: the summary is of what it ran.
#[test]
fn what_a_script_runs_is_summed_up() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let program = compile(folder.path(), ("load.c", SOURCE), &["-g", "-O1"], "load");
    let script = folder.path().join("script");
    write(&script, format!("#!/bin/sh\n{} 0\nexit 4\n", program.display())).unwrap();
    set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let out = folder.path().join("out");
    let run = tinyalloc(&["run", "--output", text(&out), "--library", text(&library), "--", text(&script)]);
    assert_eq!((run.status, run.out.as_str()), (4, "done\n"), "{}", run.err);
    assert!(run.err.contains("the program wrote no heap profile") && run.err.contains("make_buffer"), "{}", run.err);
    let others: Vec<&str> = run.err.lines().skip_while(|line| !line.ends_with("another process:")).collect();
    assert!(others[1].ends_with("peak      live  last profile") && others[2].ends_with(".heap (load)"), "{}", run.err);
}

#[test]
fn a_running_program_writes_a_profile_on_demand() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let program = compile(folder.path(), ("load.c", SOURCE), &["-g", "-O1"], "load");
    let options = "profile=64K,profile_signal=USR2,profile_file=sub.%p.%n.heap";
    let mut command = Command::new(&program);
    command.args(["0", "wait"]).current_dir(folder.path()).env("LD_PRELOAD", &library).env("TINYALLOC_OPTIONS", options);
    let mut running = Running::of(command.stdout(Stdio::piped()));
    running.child.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
    let begun = Instant::now();
    let first = running.asked(&["dump"]).succeeded().out;
    let second = running.asked(&["dump"]).succeeded().out;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(first.trim_end().ends_with(".0.heap") && second.trim_end().ends_with(".1.heap"), "{first}{second}");
    let sites: Value = from_str(&tinyalloc(&["sites", "--json", first.trim_end()]).succeeded().out).unwrap();
    assert!(is_near(megabytes(&sites, "make_buffer"), 64.0), "{sites}");
}
