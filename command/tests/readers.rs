//! Other tools open what is written for them, and show its numbers. scripts/install-test-tools
//! installs them; where one is missing, its test says so and does nothing.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

#[allow(dead_code, reason = "the tests of the report use the rest")]
#[path = "report/browser.rs"]
mod browser;
mod common;

use std::ffi::OsString;
use std::fs::{read, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::Command;

use browser::Browser;
use common::fixture::{Fixture, converted, fixture};
use common::{compile, has, library, run, text, tinyalloc};
use serde_json::{Value, from_str, json};
use tempfile::tempdir;

const SOURCE: &str = "#include <stdlib.h>
void *volatile kept;
__attribute__((noinline)) void *make_buffer(void) { void *block = malloc(65536); return block; }
__attribute__((noinline)) void *make_node(void) { void *block = malloc(1024); return block; }
int main(void) {
    for (int i = 0; i < 1024; i++) kept = make_buffer();
    for (int i = 0; i < 16384; i++) kept = make_node();
    return 0;
}
";
const DH_VIEW: &str = "/usr/libexec/valgrind/dh_view.html";

/// What scripts/install-test-tools has unpacked.
fn installed(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-tools").join(path);
    path.canonicalize().ok()
}

/// pprof as Go has it.
fn pprof() -> Option<Command> {
    if let Some(path) = installed("pprof") {
        return Some(Command::new(path));
    }
    if !has("go") {
        eprintln!("skipped: pprof is neither in target/test-tools nor in go");
        return None;
    }
    let mut command = Command::new("go");
    command.args(["tool", "pprof"]);
    Some(command)
}

/// What it says of files; it wants a home for a folder of its own.
fn pprof_says(words: &[&str], files: &[&Path]) -> Option<String> {
    let home = tempdir().unwrap();
    pprof().map(|mut pprof| run(pprof.args(words).args(files).env("HOME", home.path())))
}

fn jeprof_says(words: &[&str], files: &[&Path]) -> Option<String> {
    if !has("jeprof") {
        eprintln!("skipped: jeprof (Debian: libjemalloc-dev) is not installed");
        return None;
    }
    Some(run(Command::new("jeprof").args(["--text", "--show_bytes"]).args(words).args(files)))
}

/// The first number in the line that ends with a name.
fn number_of(table: &str, name: &str) -> u64 {
    let line = table.lines().find(|line| line.split_whitespace().last() == Some(name));
    let word = line.and_then(|line| line.split_whitespace().next()).unwrap_or_else(|| panic!("no {name} in: {table}"));
    word.trim_end_matches('B').parse().unwrap_or_else(|_| panic!("{word}: {table}"))
}

/// What the command says of a dump, by function.
fn listed(dump: &Path, function: &str) -> u64 {
    let sites: Value = from_str(&tinyalloc(&["sites", "--json", text(dump)]).succeeded().out).unwrap();
    let site = sites["sites"].as_array().unwrap().iter().find(|site| site["function"] == function);
    site.unwrap_or_else(|| panic!("no {function} in {sites}"))["bytes"].as_u64().unwrap()
}

#[test]
fn pprof_opens_what_is_written_for_it() {
    let fixture = fixture();
    let live = converted(&fixture, "pprof", "live");
    let Some(top) = pprof_says(&["-top", "-unit=B"], &[&live]) else { return };
    assert!(top.contains("Type: inuse_space") && top.contains("3100000B total"), "{top}");
    assert_eq!(number_of(&top, "make_buffer"), 3_100_000);
    let total = pprof_says(&["-top", "-unit=B", "-sample_index=alloc_space"], &[&live]).unwrap();
    assert_eq!([number_of(&total, "make_buffer"), number_of(&total, "make_table")], [11_100_000, 2_000_000]);
    let objects = pprof_says(&["-top", "-sample_index=inuse_objects"], &[&live]).unwrap();
    assert_eq!(number_of(&objects, "make_buffer"), 30);
    let peak = pprof_says(&["-top", "-unit=B"], &[&converted(&fixture, "pprof", "peak")]).unwrap();
    assert!(peak.contains("Type: peak_space"), "{peak}");
    assert_eq!(number_of(&peak, "make_buffer"), 6_100_000);
    let lines = pprof_says(&["-traces", "-lines"], &[&live]).unwrap();
    assert!(lines.contains("app.c:2") && lines.contains("app.c:4"), "{lines}");
}

/// The dump up to what only this command reads, in which estimates are those of samples.
fn heap_v2(fixture: &Fixture) -> PathBuf {
    let path = fixture.folder.path().join("plain.heap");
    let dump = read_to_string(&fixture.dump).unwrap();
    write(&path, dump.split_once("\nTINYALLOC:").unwrap().0.replacen("# tinyalloc\n", "", 1)).unwrap();
    path
}

#[test]
fn pprof_reads_the_dump_itself() {
    let fixture = fixture();
    let dump = Path::new(&fixture.dump);
    let Some(top) = pprof_says(&["-top", "-unit=B"], &[&fixture.program, dump]) else { return };
    assert!(number_of(&top, "make_buffer").abs_diff(listed(&heap_v2(&fixture), "make_buffer")) <= 1, "{top}");
}

#[test]
fn jeprof_reads_the_dump_itself() {
    let fixture = fixture();
    let dump = Path::new(&fixture.dump);
    let Some(table) = jeprof_says(&[], &[&fixture.program, dump]) else { return };
    assert!(number_of(&table, "make_buffer").abs_diff(listed(&heap_v2(&fixture), "make_buffer")) <= 1, "{table}");
    // Everything that lived at the first profile is gone from the difference to itself.
    let base = format!("--base={}", fixture.dump);
    let none = jeprof_says(&[&base], &[&fixture.program, dump]).unwrap();
    assert!(!none.contains("make_buffer"), "{none}");
}

/// Runs a program that allocates 64 MiB and 16 MiB: its path, and its dump.
fn profiled(folder: &Path, library: &Path) -> (PathBuf, PathBuf) {
    let program = compile(folder, ("load.c", SOURCE), &["-g", "-O1", "-fno-builtin"], "load");
    let mut options = OsString::from("profile=64K,profile_file=");
    options.push(folder.join("load.heap"));
    run(Command::new(&program).env("LD_PRELOAD", library).env("TINYALLOC_OPTIONS", options));
    (program, folder.join("load.heap"))
}

/// What the library estimates, the tools estimate alike from samples and their bytes.
#[test]
fn profiles_of_the_library_are_read_as_they_are() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let (program, dump) = profiled(folder.path(), &library);
    let pprof = pprof_says(&["-top", "-unit=B"], &[&program, &dump]);
    let jeprof = jeprof_says(&[], &[&program, &dump]);
    for table in [pprof, jeprof].into_iter().flatten() {
        for function in ["make_buffer", "make_node"] {
            let (theirs, ours) = (number_of(&table, function), listed(&dump, function));
            assert!(theirs.abs_diff(ours) <= ours / 1000, "{function}: {ours} in {table}");
        }
    }
}

/// A page of another tool in a browser, with the text that it shows.
struct Page {
    browser: Browser,
}

impl Page {
    /// None, with a message, where there is no browser.
    fn open(url: &str) -> Option<Page> {
        let mut browser = Browser::start()?;
        browser.open_url(url, 1200);
        Some(Page { browser })
    }

    fn choose_file(&mut self, selector: &str, file: &Path) {
        let document = self.browser.call("DOM.getDocument", &json!({}))["root"]["nodeId"].clone();
        let input = self.browser.call("DOM.querySelector", &json!({"nodeId": document, "selector": selector}))["nodeId"].clone();
        self.browser.call("DOM.setFileInputFiles", &json!({"nodeId": input, "files": [text(file)]}));
    }

    /// The lines of the page, once one of them has this; a page that never has it fails.
    fn lines_with(&mut self, part: &str) -> Vec<String> {
        let wait = format!(
            "new Promise((done) => {{ const end = Date.now() + 10000; const look = () => {{ const text = document.body.innerText; \
             text.includes({}) || Date.now() > end ? done(text) : setTimeout(look, 20); }}; look(); }})",
            json!(part)
        );
        let shown = self.browser.value(&wait);
        let shown = shown.as_str().unwrap();
        assert!(shown.contains(part), "{part}: {shown}");
        shown.lines().map(|line| line.trim_matches(|sign: char| sign.is_whitespace() || sign == '│').to_owned()).collect()
    }
}

#[test]
fn the_viewer_of_valgrind_shows_the_dump() {
    if !Path::new(DH_VIEW).exists() {
        eprintln!("skipped: valgrind is not installed");
        return;
    }
    let fixture = fixture();
    let Some(mut page) = Page::open(&format!("file://{DH_VIEW}")) else { return };
    page.choose_file("input[type=file]", &converted(&fixture, "dhat", "live"));
    let lines = page.lines_with("PP 1.2/2");
    let shows = |start: &str| assert!(lines.iter().any(|line| line.starts_with(start)), "{start}: {lines:#?}");
    shows("PID:     4321");
    shows("Total:     13,100,000 bytes (100%, 2,620,000/s) in 92 blocks");
    shows("At t-gmax: 8,100,000 bytes (100%) in 42 blocks");
    shows("At t-end:  3,100,000 bytes (100%) in 30 blocks");
    shows("Total:     11,100,000 bytes (84.73%, 2,220,000/s) in 91 blocks");
    assert!(lines.iter().any(|line| line.ends_with(": make_buffer (app.c:2)")), "{lines:#?}");
}

/// speedscope with a file, opened as its own command does; None, with a message, if it is missing.
fn speedscope(file: &Path) -> Option<Page> {
    let Some(index) = installed("node_modules/speedscope/dist/release/index.html") else {
        eprintln!("skipped: speedscope (npm) is not in target/test-tools");
        return None;
    };
    let script = file.with_extension("js");
    let name = file.file_name().unwrap().to_str().unwrap();
    let bytes: String = base64(&read(file).unwrap());
    write(&script, format!("speedscope.loadFileFromBase64({}, {})", json!(name), json!(bytes))).unwrap();
    Page::open(&format!("file://{}#localProfilePath={}&view=sandwich", text(&index), text(&script)))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        (0..4)
            .map(|place| if place > chunk.len() { '=' } else { char::from(DIGITS[bits >> (18 - 6 * place) & 63]) })
            .collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}

/// What speedscope shows of a function: the total, and what it allocated itself.
fn shown(lines: &[String], function: &str) -> (String, String) {
    let at = lines.iter().position(|line| line == function).unwrap_or_else(|| panic!("no {function}: {lines:#?}"));
    (lines[at - 2].clone(), lines[at - 1].clone())
}

fn pair(total: &str, own: &str) -> (String, String) {
    (String::from(total), String::from(own))
}

#[test]
fn speedscope_shows_collapsed_stacks() {
    let fixture = fixture();
    let Some(mut page) = speedscope(&converted(&fixture, "collapsed", "peak")) else { return };
    let lines = page.lines_with("make_table");
    assert_eq!(shown(&lines, "make_buffer"), pair("6,100,000 (75%)", "6,100,000 (75%)"));
    assert_eq!(shown(&lines, "make_table"), pair("2,000,000 (25%)", "2,000,000 (25%)"));
    assert_eq!(shown(&lines, "main"), pair("8,100,000 (100%)", "0 (<0.01%)"));
}

/// It shows the figure that pprof shows first, in units of 1,024 bytes.
#[test]
fn speedscope_shows_the_file_for_pprof() {
    let fixture = fixture();
    for (by, bytes) in [("live", "2.96 MB (100%)"), ("peak", "5.82 MB (75%)"), ("total", "10.59 MB (85%)")] {
        let Some(mut page) = speedscope(&converted(&fixture, "pprof", by)) else { return };
        assert_eq!(shown(&page.lines_with("make_buffer"), "make_buffer"), pair(bytes, bytes), "{by}");
    }
}
