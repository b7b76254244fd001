//! The subcommands that read profiles: what they write, and how they fail.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;

use std::fs::{File, Permissions, create_dir, read_to_string, remove_file, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use common::{Dump, Run, Site, address, as_other_user, command, compile, mapped, run, text, tinyalloc};
use serde_json::{Value, from_str};
use tempfile::{TempDir, tempdir};

const SOURCE: &str = "#include <stdlib.h>
void *xmalloc(int size) { return malloc(size); }
void *parse(void) { return xmalloc(1000); }
void *cache(void) { return xmalloc(2000); }
void *queue(void) { return xmalloc(3000); }
int main(void) { return parse() == cache() || queue(); }
";
const BASE: u64 = 0x5555_5555_4000;
const MEBIBYTE: u64 = 1 << 20;

struct Fixture {
    folder: TempDir,
    program: PathBuf,
}

impl Fixture {
    fn new() -> Fixture {
        let folder = tempdir().unwrap();
        let program = compile(folder.path(), ("app.c", SOURCE), &["-g", "-O0", "-fPIE", "-pie"], "app");
        Fixture { folder, program }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn site(&self, chain: &[&str], live: u64) -> Site {
        let callers = chain.iter().map(|name| BASE + address(&self.program, name) + 1).collect();
        let total = live + MEBIBYTE;
        Site {
            callers,
            live: (live.min(1), live, 10, live),
            peak: (1, live, 20, live + 1000),
            total: (5, total, 50, total),
            freed_elsewhere: 1,
            lifetimes: vec![0, 3, 1],
        }
    }

    /// A dump in which `parse`, `cache` and `queue` have so many live bytes.
    fn dump(&self, name: &str, milliseconds: u64, live: [u64; 3]) -> String {
        self.contents(milliseconds, live).save(&self.path(name))
    }

    fn contents(&self, milliseconds: u64, live: [u64; 3]) -> Dump {
        let sites = ["parse", "cache", "queue"].iter().zip(live);
        let sites = sites.map(|(function, bytes)| self.site(&["xmalloc", function, "main"], bytes)).collect();
        let mappings = mapped(&self.program, BASE);
        Dump { interval: 524_288, milliseconds, peak: 100 * MEBIBYTE, sites, mappings, ..Dump::default() }
    }

    /// A dump in which `cache` keeps 8 MiB, and `queue` 2 MiB; a block of `parse` is of a heap.
    fn pinned_dump(&self, name: &str) -> String {
        let block = |site: u64, pins: u64, heap: u64| {
            let start = format!("{{\"block\":{{\"site\":{site},\"bytes\":64,\"requested\":60,\"alignment\":1,\"pins\":{pins},");
            format!("{start}\"heap\":{heap},\"thread\":1,\"represents\":{MEBIBYTE},\"milliseconds\":1}}}}\n")
        };
        let lines = [block(0, 0, 7), block(1, 512, 0), block(2, 128, 0)].concat()
            + "{\"heap\":{\"number\":7,\"name\":\"\\u001btenant\",\"limit\":8388608,\"charged\":4194304}}\n"
            + "{\"resident\":{\"own\":1,\"files\":2,\"other\":3}}\n";
        let contents = self.contents(7, [3 * MEBIBYTE, MEBIBYTE, 1]).text_with(&lines, "[{\"size\":64,\"free\":1000000}]");
        write(self.path(name), contents).unwrap();
        text(&self.path(name)).to_owned()
    }
}

#[test]
fn sites_lists_the_calls_behind_the_wrappers() {
    let fixture = Fixture::new();
    let dump = fixture.dump("a.heap", 1, [3 * MEBIBYTE, MEBIBYTE, 0]);
    let run = tinyalloc(&["sites", &dump]).succeeded();
    let place = |line: u32| format!("{}:{line}", fixture.path("app.c").display());
    let short =
        |line: u32| place(line).split('/').rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("/");
    assert!(run.out.contains("4.0 MiB live, 100.0 MiB at the peak"), "{}", run.out);
    let rows: Vec<&str> = run.out.lines().filter(|line| line.contains('%')).collect();
    assert_eq!(rows.len(), 3, "{}", run.out);
    assert!(
        rows[0].contains("3.0 MiB") && rows[0].contains("75.0%") && rows[0].ends_with(&format!("parse {}", short(3))),
        "{}",
        rows[0]
    );
    assert!(rows[0].contains("25.0%"), "a quarter was freed elsewhere: {}", rows[0]);
    let deep = tinyalloc(&["sites", "--depth", "3", "--top", "1", "--by", "total", &dump]).succeeded();
    assert!(deep.out.contains("  main ") && deep.out.contains("2 more with "), "{}", deep.out);
}

#[test]
fn sites_writes_json() {
    let fixture = Fixture::new();
    let dump = fixture.dump("a.heap", 7, [3 * MEBIBYTE, MEBIBYTE, 0]);
    let run = tinyalloc(&["sites", "--json", "--by", "peak", "--top", "2", &dump]).succeeded();
    let value: Value = from_str(&run.out).unwrap();
    assert_eq!((&value["by"], &value["milliseconds"], &value["site_count"]), (&"peak".into(), &7.into(), &3.into()));
    assert_eq!(value["sites"].as_array().unwrap().len(), 2);
    let site = &value["sites"][0];
    assert_eq!((&site["function"], &site["line"], &site["bytes"]), (&"parse".into(), &3.into(), &(3 * MEBIBYTE + 1000).into()));
    assert_eq!((&site["elsewhere_share"], &site["stack"][0]["module"]), (&0.25.into(), &"app".into()));
}

#[test]
fn who_keeps_memory_is_listed_with_what_it_takes_itself() {
    let fixture = Fixture::new();
    let dump = fixture.pinned_dump("pinned.heap");
    let run = tinyalloc(&["sites", "--by", "pinned", &dump]).succeeded();
    let rows: Vec<&str> = run.out.lines().filter(|line| line.contains('%')).collect();
    assert!(run.out.contains("pinned: 10.0 MiB kept by 32768 blocks\n") && rows.len() == 2, "{}", run.out);
    let cells = |row: &str| row.split_whitespace().take(7).map(String::from).collect::<Vec<_>>().join(" ");
    assert_eq!(cells(rows[0]), "8.0 MiB 16384 80.0% 1.0 MiB cache", "{}", run.out);
    assert_eq!(cells(rows[1]), "2.0 MiB 16384 20.0% 1 B queue", "{}", run.out);
    let value: Value = from_str(&tinyalloc(&["sites", "--by", "pinned", "--json", &dump]).succeeded().out).unwrap();
    assert_eq!((&value["by"], &value["bytes"], &value["site_count"]), (&"pinned".into(), &(10 * MEBIBYTE).into(), &2.into()));
    let site = &value["sites"][0];
    let found = (&site["function"], &site["bytes"], &site["live_bytes"], &site["samples"]);
    assert_eq!(found, (&"cache".into(), &(8 * MEBIBYTE).into(), &MEBIBYTE.into(), &1.into()));
    let collapsed = tinyalloc(&["convert", "--to", "collapsed", "--by", "pinned", "-o", "-", &dump]).succeeded().out;
    assert_eq!(collapsed, "main;cache;xmalloc 8388608\nmain;queue;xmalloc 2097152\n");
    tinyalloc(&["convert", "--to", "dhat", "--by", "pinned", "-o", "/dev/null", &dump]).failed_with(&["dhat has no place"]);
}

#[test]
fn heaps_are_listed_side_by_side() {
    let fixture = Fixture::new();
    let dump = fixture.pinned_dump("pinned.heap");
    let run = tinyalloc(&["heaps", &dump]).succeeded();
    let lines: Vec<String> = run.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(lines[0].ends_with("3.0 MiB live in 2 heaps"), "{}", run.out);
    assert_eq!(lines[2], "2.0 MiB 66.7% 2 - - 0 the global heap");
    assert_eq!(lines[3], "1.0 MiB 33.3% 1 4.0 MiB 8.0 MiB 7 ?tenant");
    let value: Value = from_str(&tinyalloc(&["heaps", "--json", &dump]).succeeded().out).unwrap();
    assert_eq!((&value["live_bytes"], value["heaps"].as_array().unwrap().len()), (&(3 * MEBIBYTE).into(), 2));
    assert_eq!((&value["heaps"][0]["number"], &value["heaps"][0]["limit_bytes"]), (&0.into(), &Value::Null));
    let heap = &value["heaps"][1];
    let found = (&heap["number"], &heap["charged_bytes"], &heap["limit_bytes"], &heap["samples"]);
    assert_eq!(found, (&7.into(), &(4 * MEBIBYTE).into(), &(8 * MEBIBYTE).into(), &1.into()));
}

#[test]
fn dumps_that_do_not_say_who_keeps_memory_are_refused() {
    let fixture = Fixture::new();
    let older = fixture.dump("older.heap", 1, [1, 1, 1]);
    tinyalloc(&["sites", "--by", "pinned", &older]).failed_with(&["older.heap: does not say who keeps memory"]);
    tinyalloc(&["heaps", &older]).failed_with(&["older.heap: does not say of which heaps"]);
    for format in ["collapsed", "pprof"] {
        tinyalloc(&["convert", "--to", format, "--by", "pinned", "-o", "/dev/null", &older]).failed_with(&["who keeps memory"]);
    }
    assert_eq!(tinyalloc(&["report", "-o", text(&fixture.path("older.html")), &older]).succeeded().out, "");
}

#[test]
fn dumps_of_other_allocators_do_for_sites() {
    let fixture = Fixture::new();
    let sites =
        vec![Site { live: (2, 2 * MEBIBYTE, 0, 0), total: (2, 2 * MEBIBYTE, 0, 0), ..fixture.site(&["parse", "main"], 1) }];
    let contents = Dump { interval: 524_288, sites, mappings: mapped(&fixture.program, BASE), ..Dump::default() }.heap_v2();
    let path = fixture.path("other.heap");
    write(&path, contents).unwrap();
    let run = tinyalloc(&["sites", text(&path)]).succeeded();
    assert!(run.out.contains("2.3 MiB") && run.out.contains(" -  parse "), "{}", run.out);
    tinyalloc(&["check", "--max-peak", "1", text(&path)]).failed_with(&["other.heap", "peak"]);
    tinyalloc(&["sites", "--by", "peak", text(&path)]).failed_with(&["other.heap", "peak"]);
    tinyalloc(&["convert", "--to", "dhat", "--by", "peak", "-o", "/dev/null", text(&path)]).failed_with(&["other.heap", "peak"]);
}

#[test]
fn files_that_changed_after_the_profile_are_noted() {
    let fixture = Fixture::new();
    let dump = fixture.dump("a.heap", 1, [1, 1, 1]);
    File::open(&dump).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let run = tinyalloc(&["sites", &dump]);
    assert_eq!((run.status, run.err.lines().count()), (0, 1), "{}", run.err);
    assert!(run.err.contains("app is newer than the profile"), "{}", run.err);
}

#[test]
fn diff_sorts_by_growth() {
    let fixture = Fixture::new();
    let old = fixture.dump("old.heap", 1, [3 * MEBIBYTE, MEBIBYTE, MEBIBYTE]);
    let new = fixture.dump("new.heap", 2, [MEBIBYTE, 5 * MEBIBYTE, MEBIBYTE]);
    let run = tinyalloc(&["diff", &old, &new]).succeeded();
    let rows: Vec<&str> = run.out.lines().filter(|line| line.contains("app.c:")).collect();
    assert!(rows[0].contains("+4.0 MiB") && rows[0].contains("cache"), "{}", run.out);
    assert!(rows[1].contains("-2.0 MiB") && rows[1].contains("parse") && rows.len() == 2, "{}", run.out);
    let value: Value = from_str(&tinyalloc(&["diff", "--json", &old, &new]).succeeded().out).unwrap();
    assert_eq!(value["sites"][0]["growth"], 4 * MEBIBYTE);
    assert_eq!(value["sites"][1]["bytes"], Value::from(vec![3 * MEBIBYTE, MEBIBYTE]));
    assert!(tinyalloc(&["diff", &old, &old]).succeeded().out.contains("no call site"));
}

#[test]
fn leaks_only_grow_in_the_order_of_time() {
    let fixture = Fixture::new();
    let first = fixture.dump("c.heap", 1000, [1, 5 * MEBIBYTE, 7]);
    let second = fixture.dump("a.heap", 2000, [MEBIBYTE, 4 * MEBIBYTE, 7]);
    let third = fixture.dump("b.heap", 3000, [MEBIBYTE, 6 * MEBIBYTE, 7]);
    let run = tinyalloc(&["leaks", "--json", &second, &first, &third]).succeeded();
    let value: Value = from_str(&run.out).unwrap();
    assert_eq!((&value["site_count"], &value["sites"][0]["function"]), (&1.into(), &"parse".into()));
    assert_eq!(value["sites"][0]["bytes"], Value::from(vec![1, MEBIBYTE, MEBIBYTE]));
    assert!(tinyalloc(&["leaks", &first, &first]).succeeded().out.contains("no call site"));
    assert_eq!(tinyalloc(&["leaks", &first]).status, 2);
}

#[test]
fn check_has_a_line_for_each_excess() {
    let fixture = Fixture::new();
    let dump = fixture.dump("a.heap", 1, [3 * MEBIBYTE, MEBIBYTE, 0]);
    let check = |words: &[&str]| tinyalloc(&[&["check", &dump], words].concat());
    assert_eq!(check(&["--max-live", "4M", "--max-peak", "1G", "--max-site", "parse=3M"]).succeeded().out, "");
    let run = check(&["--max-live", "3M", "--max-peak", "99M", "--max-site", "pars.=2M", "--max-site", ".*=512K"]);
    assert_eq!((run.status, run.err.as_str(), run.out.lines().count()), (1, "", 5), "{}", run.out);
    assert!(run.out.contains("3.0 MiB live at parse ") && run.out.contains("and 2.0 MiB are the most"), "{}", run.out);
    for words in [["--max-site", "parse"], ["--max-site", "(=1M"], ["--max-live", "much"]] {
        let run = check(&words);
        assert!(run.status == 2 && !run.err.is_empty() && run.out.is_empty(), "{words:?}");
    }
}

#[test]
fn what_is_no_profile_is_refused_in_one_line() {
    let fixture = Fixture::new();
    let dump = fixture.dump("good.heap", 1, [1, 1, 1]);
    let whole = read_to_string(&dump).unwrap();
    let bad = text(&fixture.path("bad.heap")).to_owned();
    for contents in
        ["", "\n", "foreign\n", &whole[..whole.len() - 9], &whole[..60], "heap profile: 1: 2 [3: 4] @ heap_v2/1\n\0\u{1b}[31m\n"]
    {
        write(&bad, contents).unwrap();
        for words in [
            &["sites", &bad][..],
            &["convert", "--to", "pprof", "-o", "/dev/null", &bad],
            &["diff", &dump, &bad],
            &["leaks", &dump, &bad],
            &["check", &bad],
        ] {
            tinyalloc(words).failed_with(&["bad.heap: "]);
        }
    }
    write(&bad, "heap profile: \u{1b}[31m\r\n").unwrap();
    let run = tinyalloc(&["sites", &bad]);
    run.failed_with(&["bad.heap: "]);
    assert!(!run.err.trim_end().contains(char::is_control), "{:?}", run.err);
    tinyalloc(&["sites", text(&fixture.path("missing.heap"))]).failed_with(&["missing.heap: No such file"]);
    create_dir(fixture.path("folder")).unwrap();
    tinyalloc(&["sites", text(&fixture.path("folder"))]).failed_with(&["folder: Is a directory"]);
}

#[test]
fn what_never_ends_is_no_profile() {
    tinyalloc(&["sites", "/dev/zero"]).failed_with(&["/dev/zero: is not a heap profile"]);
}

#[test]
fn a_profile_may_come_through_a_pipe() {
    let fixture = Fixture::new();
    let dump = fixture.dump("a.heap", 1, [1, 1, 1]);
    let mut cat = Command::new("cat").arg(&dump).stdout(Stdio::piped()).spawn().unwrap();
    let output = command().args(["sites", "/dev/stdin"]).stdin(cat.stdout.take().unwrap()).output().unwrap();
    assert!(cat.wait().unwrap().success() && Run::of(&output).succeeded().out.contains("parse"));
}

fn noted(run: &Run, parts: &[&str]) {
    assert_eq!((run.status, run.err.lines().count()), (0, 1), "{}", run.err);
    assert!(run.err.starts_with("tinyalloc: note: "), "{}", run.err);
    parts.iter().for_each(|part| assert!(run.err.contains(part), "{part}: {}", run.err));
}

#[test]
fn files_that_are_missing_or_broken_are_noted() {
    let fixture = Fixture::new();
    let dump = fixture.dump("a.heap", 1, [1, 1, 1]);
    let sites = || tinyalloc(&["sites", &dump]);
    let maps = read_to_string(&dump).unwrap();
    write(&dump, maps.replace("/app\n", "/app (deleted)\n")).unwrap();
    noted(&sites(), &["/app was removed or replaced after it was mapped: its functions are not known"]);
    write(&dump, &maps).unwrap();
    run(Command::new("strip").arg(&fixture.program));
    File::open(&fixture.program).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    noted(&sites(), &["/app has no symbols of some call sites: install its debug symbols, or build it with -g"]);
    write(&fixture.program, "no program").unwrap();
    File::open(&fixture.program).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    noted(&sites(), &["/app cannot be read, and its functions are not known: it is no ELF file"]);
    remove_file(&fixture.program).unwrap();
    noted(&sites(), &["/app cannot be read, and its functions are not known: No such file or directory"]);
    noted(&tinyalloc(&["report", "-o", "/dev/null", &dump]), &["/app cannot be read"]);
}

#[test]
fn debug_information_that_is_broken_is_noted() {
    let fixture = Fixture::new();
    let junk = fixture.path("junk");
    write(&junk, [0xff_u8; 64]).unwrap();
    let section = format!(".debug_info={}", junk.display());
    run(Command::new("objcopy").args(["--update-section", &section]).arg(&fixture.program));
    let dump = fixture.dump("a.heap", 1, [1, 1, 1]);
    let run = tinyalloc(&["sites", &dump]);
    noted(&run, &["/app has debug information that cannot be read, and its lines are not known: "]);
    assert!(run.out.contains("parse (app)"), "the symbols are there: {}", run.out);
}

#[test]
fn a_folder_of_debug_files_that_is_none_is_refused() {
    let fixture = Fixture::new();
    let dump = fixture.dump("a.heap", 1, [1, 1, 1]);
    for words in
        [&["sites", &dump][..], &["report", "-o", "/dev/null", &dump], &["run", "--library", "/bin/true", "--", "/bin/true"]]
    {
        for option in ["--debug", "--root"] {
            let words = [&words[..1], &[option, "/no/such/folder"], &words[1..]].concat();
            tinyalloc(&words).failed_with(&["/no/such/folder: No such file or directory"]);
        }
    }
}

#[test]
fn what_is_not_allowed_is_said_in_one_line() {
    let fixture = Fixture::new();
    let dump = fixture.dump("a.heap", 1, [1, 1, 1]);
    let folder = fixture.folder.path();
    let closed = fixture.path("closed");
    create_dir(&closed).unwrap();
    set_permissions(&closed, Permissions::from_mode(0o500)).unwrap();
    let report = closed.join("report.html");
    let command = |words: &[&str]| Run::of(&as_other_user(folder).args(words).current_dir("/").output().unwrap());
    command(&["report", "-o", text(&report), &dump]).failed_with(&["/closed/report.html: Permission denied"]);
    command(&["convert", "--to", "pprof", "-o", text(&report), &dump]).failed_with(&["/closed/report.html: Permission denied"]);
    set_permissions(&fixture.program, Permissions::from_mode(0o000)).unwrap();
    noted(&command(&["sites", &dump]), &["/app cannot be read, and its functions are not known: Permission denied"]);
    set_permissions(&dump, Permissions::from_mode(0o000)).unwrap();
    command(&["sites", &dump]).failed_with(&["/a.heap: Permission denied"]);
}

fn to_full_disk(words: &[&str]) -> Run {
    let full = File::options().write(true).open("/dev/full").unwrap();
    Run::of(&command().args(words).stdout(Stdio::from(full)).output().unwrap())
}

#[test]
fn what_cannot_be_written_is_said_in_one_line() {
    let fixture = Fixture::new();
    let dump = fixture.dump("a.heap", 1, [1, 1, 1]);
    for format in ["pprof", "dhat", "collapsed"] {
        tinyalloc(&["convert", "--to", format, "-o", "/dev/full", &dump]).failed_with(&["/dev/full: No space left"]);
        tinyalloc(&["convert", "--to", format, "-o", "/no/such/place", &dump]).failed_with(&["/no/such/place: No such file"]);
        to_full_disk(&["convert", "--to", format, "-o", "-", &dump]).failed_with(&["standard output: No space left"]);
    }
    tinyalloc(&["report", "-o", "/dev/full", &dump]).failed_with(&["/dev/full: No space left"]);
    for words in
        [&["sites", &dump][..], &["sites", "--json", &dump], &["diff", &dump, &dump], &["check", "--max-live", "1", &dump]]
    {
        to_full_disk(words).failed_with(&["standard output: No space left"]);
    }
    assert!(Path::new("/dev/full").exists());
}

#[test]
fn a_full_standard_error_is_no_reason_to_panic() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command().args(["sites", "/no/such/file"]).stderr(Stdio::from(full)).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_subcommand_explains_itself_with_examples() {
    let help = tinyalloc(&["--help"]).succeeded().out;
    for name in ["sites", "convert", "diff", "leaks", "check", "report", "heaps", "run", "dump", "top"] {
        assert!(help.contains(&format!("\n  {name} ")), "{name}");
        let help = tinyalloc(&[name, "--help"]).succeeded().out;
        assert!(help.contains("Examples:") && help.contains(&format!("tinyalloc {name}")), "{help}");
    }
    assert_eq!(tinyalloc(&["--version"]).succeeded().out, format!("tinyalloc {}\n", env!("CARGO_PKG_VERSION")));
    for words in [&["nonsense"][..], &["sites"], &["convert", "a"], &["run"], &["dump", "x"], &["top"]] {
        assert_eq!(tinyalloc(words).status, 2, "{words:?}");
    }
}
