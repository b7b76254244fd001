//! What the tests share: dumps, programs, and runs of the command.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "tests may give up")]

pub mod fixture;

use std::env::var_os;
use std::fs::{Permissions, read, set_permissions, write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use object::{File, Object, ObjectSegment, ObjectSymbol, Segment};

pub const PAGE: u64 = 4096;
const NOBODY: u32 = 65534;

/// A run of the command.
pub struct Run {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(output: &Output) -> Run {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Run { status: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Failed as all failures should look like: status 2, nothing on standard output, one line that
    /// has all of `parts`.
    pub fn failed_with(&self, parts: &[&str]) {
        assert_eq!(self.status, 2, "{}{}", self.out, self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        assert!(self.err.starts_with("tinyalloc: ") && !self.err.contains("panicked"), "{}", self.err);
        parts.iter().for_each(|part| assert!(self.err.contains(part), "{part}: {}", self.err));
    }

    /// Did what it should, whatever it notes about the files of programs.
    pub fn succeeded_with_notes(self) -> Run {
        assert!(
            self.status == 0 && self.err.lines().all(|line| line.starts_with("tinyalloc: note: ")),
            "{}{}",
            self.out,
            self.err
        );
        self
    }

    pub fn succeeded(self) -> Run {
        assert_eq!((self.status, self.err.as_str()), (0, ""), "{}", self.out);
        self
    }
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tinyalloc"));
    command.env_remove("TINYALLOC_OPTIONS").env_remove("LD_PRELOAD");
    command
}

pub fn tinyalloc(arguments: &[&str]) -> Run {
    Run::of(&command().args(arguments).output().unwrap())
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Samples, bytes in them, blocks, bytes.
pub type Numbers = (u64, u64, u64, u64);

#[derive(Clone, Default)]
pub struct Site {
    pub callers: Vec<u64>,
    pub live: Numbers,
    pub peak: Numbers,
    pub total: Numbers,
    pub freed_elsewhere: u64,
    pub lifetimes: Vec<u64>,
}

/// A dump in the making.
#[derive(Clone, Default)]
pub struct Dump {
    pub interval: u64,
    pub milliseconds: u64,
    pub peak: u64,
    pub sites: Vec<Site>,
    pub mappings: String,
    /// Where files begin in memory, and their build-ids.
    pub builds: Vec<(u64, String)>,
}

impl Dump {
    /// The part that other allocators write, too.
    pub fn heap_v2(&self) -> String {
        let sum = |of: fn(&Site) -> u64| self.sites.iter().map(of).sum::<u64>();
        let mut text = format!(
            "heap profile: {}: {} [{}: {}] @ heap_v2/{}\n",
            sum(|site| site.live.0),
            sum(|site| site.live.1),
            sum(|site| site.total.0),
            sum(|site| site.total.1),
            self.interval
        );
        for site in &self.sites {
            let callers: String = site.callers.iter().map(|caller| format!(" {caller:#x}")).collect();
            text += &format!("{}: {} [{}: {}] @{callers}\n", site.live.0, site.live.1, site.total.0, site.total.1);
        }
        text + "\nMAPPED_LIBRARIES:\n" + &self.mappings
    }

    /// The same in jemalloc's own form.
    pub fn jemalloc(&self) -> String {
        let sum = |of: fn(&Site) -> u64| self.sites.iter().map(of).sum::<u64>();
        let mut text = format!(
            "heap_v2/{}\n  t*: {}: {} [{}: {}]\n  t3: 1: 2 [0: 0]\n",
            self.interval,
            sum(|site| site.live.0),
            sum(|site| site.live.1),
            sum(|site| site.total.0),
            sum(|site| site.total.1)
        );
        for Site { callers, live, total, .. } in &self.sites {
            let callers: String = callers.iter().map(|caller| format!(" {caller:#x}")).collect();
            text += &format!("@{callers}\n  t*: {}: {} [{}: {}]\n  t0: 1: 2 [0: 0]\n", live.0, live.1, total.0, total.1);
        }
        text + "\nMAPPED_LIBRARIES:\n" + &self.mappings
    }

    /// All of it.
    pub fn text(&self) -> String {
        let live: u64 = self.sites.iter().map(|site| site.live.3).sum();
        let mut text = self.heap_v2().replacen('\n', "\n# tinyalloc\n", 1);
        text += &format!(
            "\nTINYALLOC:\n{{\"profile\":{{\"version\":1,\"interval\":{},\"milliseconds\":{},\"live_bytes\":{live},\"peak_bytes\":{},\
             \"lost_samples\":0,\"lost_frees\":0}}}}\n",
            self.interval, self.milliseconds, self.peak
        );
        for (start, build_id) in &self.builds {
            text += &format!("{{\"module\":{{\"start\":{start},\"build_id\":\"{build_id}\"}}}}\n");
        }
        let tally =
            |(samples, _, blocks, bytes): Numbers| format!("{{\"samples\":{samples},\"blocks\":{blocks},\"bytes\":{bytes}}}");
        for site in &self.sites {
            text += &format!(
                "{{\"site\":{{\"callers\":{:?},\"live\":{},\"peak\":{},\"total\":{},\"freed_elsewhere\":{},\"lifetimes\":{:?}}}}}\n",
                site.callers,
                tally(site.live),
                tally(site.peak),
                tally(site.total),
                site.freed_elsewhere,
                site.lifetimes
            );
        }
        text + "{\"tinyalloc\":{\"version\":\"0.1.0\",\"name\":\"process\",\"stats\":{\"allocated\":1},\"bins\":[]}}\n"
    }

    /// All of it, with lines of live blocks and heaps, and size classes in the statistics.
    pub fn text_with(&self, lines: &str, bins: &str) -> String {
        let text = self.text().replace("{\"tinyalloc\"", &format!("{lines}{{\"tinyalloc\""));
        text.replace("\"bins\":[]", &format!("\"bins\":{bins}"))
    }

    pub fn save(&self, path: &Path) -> String {
        write(path, self.text()).unwrap();
        text(path).to_owned()
    }
}

/// The lines of /proc/PID/maps of a file that is loaded at `base`.
pub fn mapped(path: &Path, base: u64) -> String {
    let bytes = read(path).unwrap();
    let elf = File::parse(&*bytes).unwrap();
    let line = |(address, offset, size, is_code): (u64, u64, u64, bool)| {
        let (start, end) = (base + address / PAGE * PAGE, base + (address + size).next_multiple_of(PAGE));
        let rights = if is_code { "r-xp" } else { "r--p" };
        format!(
            "{start:08x}-{end:08x} {rights} {:08x} 08:01 1234                       {}\n",
            offset / PAGE * PAGE,
            path.display()
        )
    };
    let segment = |segment: Segment<'_, '_>| {
        let (offset, size) = segment.file_range();
        line((segment.address(), offset, size, segment.permissions().executable()))
    };
    elf.segments().map(segment).collect()
}

/// The address of a symbol in the file.
pub fn address(path: &Path, name: &str) -> u64 {
    let bytes = read(path).unwrap();
    let elf = File::parse(&*bytes).unwrap();
    let mut all = elf.symbols().chain(elf.dynamic_symbols());
    let symbol = all.find(|symbol| symbol.name() == Ok(name) && symbol.is_definition());
    symbol.unwrap_or_else(|| panic!("{} has no {name}", path.display())).address()
}

/// Compiles a source in the folder with the words, of which `OUT` is the result.
pub fn compile(folder: &Path, source: (&str, &str), words: &[&str], out: &str) -> PathBuf {
    let (file, code) = source;
    write(folder.join(file), code).unwrap();
    let compiler = if file.ends_with(".cpp") { "c++" } else { "cc" };
    let path = folder.join(out);
    run(Command::new(compiler).current_dir(folder).args(words).arg("-o").arg(&path).arg(folder.join(file)));
    path
}

pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The command as a user who owns nothing, and who can run it: in the folder, which others may
/// enter then. Without the right to be another user, it is the caller.
pub fn as_other_user(folder: &Path) -> Command {
    let binary = folder.join("tinyalloc");
    if !binary.exists() {
        // By another process: a program that another test runs meanwhile would have the file open.
        run(Command::new("cp").arg(env!("CARGO_BIN_EXE_tinyalloc")).arg(&binary));
    }
    set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&binary);
    if is_root(folder) {
        command.uid(NOBODY);
    }
    command
}

/// Whether the one who made the folder has all rights.
pub fn is_root(folder: &Path) -> bool {
    folder.metadata().unwrap().uid() == 0
}

/// Whether a tool is installed.
pub fn has(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok()
}

/// The library to test with: what TINYALLOC_LIB names. None, and a message, if it is not set.
pub fn library() -> Option<PathBuf> {
    let library = var_os("TINYALLOC_LIB").map(PathBuf::from);
    if library.is_none() {
        eprintln!("skipped: TINYALLOC_LIB names no libtinyalloc.so");
    }
    library
}

pub fn run_kill(signal: &str, process: u32) {
    run(Command::new("kill").arg(signal).arg(process.to_string()));
}

/// A program that runs until the test ends, however it ends.
pub struct Running {
    pub child: Child,
}

impl Running {
    pub fn of(command: &mut Command) -> Running {
        Running { child: command.stderr(Stdio::null()).spawn().unwrap() }
    }

    /// The command with these words and the number of the process.
    pub fn asked(&self, words: &[&str]) -> Run {
        tinyalloc(&[words, &[&self.child.id().to_string()]].concat())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
