//! A program with two functions that allocate, and a dump of it, for the tests of conversions.

use std::path::PathBuf;

use tempfile::{TempDir, tempdir};

use super::{Dump, Site, address, compile, mapped, text, tinyalloc};

/// Two functions that allocate, and what calls them.
const SOURCE: &str = "#include <stdlib.h>
void *make_buffer(void) { return malloc(1000); }
void *make_table(void) { return malloc(2000); }
int main(void) { return make_buffer() == make_table(); }
";
/// Where the program is in memory.
pub const BASE: u64 = 0x5555_5555_4000;

/// A program, and a dump of it.
pub struct Fixture {
    pub folder: TempDir,
    pub program: PathBuf,
    pub dump: String,
}

/// The program lives for five seconds.
pub fn fixture() -> Fixture {
    let folder = tempdir().unwrap();
    let program = compile(folder.path(), ("app.c", SOURCE), &["-g", "-O0", "-fPIE", "-pie"], "app");
    let at = |name| BASE + address(&program, name) + 1;
    let buffer = Site {
        callers: vec![at("make_buffer"), at("main")],
        live: (3, 3_000_000, 30, 3_100_000),
        peak: (4, 4_000_000, 40, 4_100_000),
        total: (9, 9_000_000, 90, 9_100_000),
        freed_elsewhere: 0,
        lifetimes: vec![2, 0, 4],
    };
    let table = Site {
        callers: vec![at("make_table"), at("main"), 0x1001],
        live: (0, 0, 0, 0),
        peak: (1, 2_000_000, 1, 2_000_000),
        total: (1, 2_000_000, 1, 2_000_000),
        ..Site::default()
    };
    // The same calls a second time, at another address of the same line.
    let again = Site { callers: buffer.callers.clone(), ..table.clone() };
    let sites = vec![buffer, table, again];
    let dump = Dump {
        interval: 524_288,
        milliseconds: 5000,
        peak: 6_100_000,
        sites,
        mappings: mapped(&program, BASE),
        ..Dump::default()
    };
    let dump = dump.save(&folder.path().join("app.4321.7.heap"));
    Fixture { folder, program, dump }
}

/// The dump in the format of another tool.
pub fn converted(fixture: &Fixture, format: &str, by: &str) -> PathBuf {
    let path = fixture.folder.path().join(format!("out.{format}"));
    let run = tinyalloc(&["convert", "--to", format, "--by", by, "-o", text(&path), &fixture.dump]).succeeded_with_notes();
    assert_eq!(run.out, "");
    path
}
