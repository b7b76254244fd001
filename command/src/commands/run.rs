//! `tinyalloc run`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::env::{current_exe, split_paths, var_os};
use std::ffi::{OsStr, OsString};
use std::fs::{DirEntry, canonicalize, create_dir_all, read_dir};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf, absolute};
use std::process::{Child, Command, ExitStatus};
use std::thread::spawn;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use super::convert::save;
use super::{program, read_all, residence, sites};
use crate::failure::{Failure, system_text};
use crate::options::Run;
use crate::profile::{By, Profile};
use crate::report::page;
use crate::sites::sites as sites_of;
use crate::size::size;
use crate::symbols::Symbols;
use crate::text::{Table, note_files, plain, say};

const OPTIONS: &str = "TINYALLOC_OPTIONS";
const PRELOAD: &str = "LD_PRELOAD";
/// The names of the library, as it is built and as packages install it.
const LIBRARIES: [&str; 2] = ["libtinyalloc.so", "libtinyalloc.so.0"];
/// Beside this command, and where it is installed.
const BESIDE: [&str; 2] = [".", "../lib"];
/// Where the dynamic linker looks.
const LIBRARY_FOLDERS: [&str; 9] = [
    "/usr/local/lib",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
];
/// A profile is written when the heap has grown by so many percent.
const GROWTH_PERCENT: u32 = 10;
/// The most bytes of a path that the library takes, with room for the numbers.
const PATTERN_BYTES_MAX: usize = 500;
const CLOCK_TICK: Duration = Duration::from_millis(20);
/// Call sites in the summary.
const TOP: usize = 10;
/// Other processes in it.
const PROCESSES_SHOWN: usize = 5;
/// What shells add to the number of a signal.
const SIGNAL_STATUS: i32 = 128;

pub(super) fn run(options: &Run) -> Result<u8, Failure> {
    let (name, arguments) = options.program.split_first().ok_or_else(|| Failure::new("there is no program to run"))?;
    let path = program::find(name)?;
    let library = library(options.preloaded.as_deref())?;
    program::check(&path, &library)?;
    let folder = folder(&options.output)?;
    let mut symbols = options.debugging.symbols()?;
    let mut command = Command::new(name);
    command.args(arguments);
    command.env(PRELOAD, preload(&library)?).env(OPTIONS, library_options(&folder, options.interval));
    let begun = SystemTime::now();
    let (process, status) = wait_for(&mut command).map_err(|text| Failure::of(&path, text))?;
    let all = profiled(&folder, begun);
    if let Some(profiled) = summarise(&all, process, &mut symbols).filter(|_| !options.no_report) {
        write_report(profiled, &folder, &mut symbols);
    }
    say(&format!("heap profiles are in {}\n", folder.display()));
    Ok(exit_status(status))
}

/// Runs the program. Signals that the terminal sends reach it directly; those that are sent to this
/// process alone are passed on.
fn wait_for(command: &mut Command) -> Result<(u32, ExitStatus), String> {
    let mut signals = Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP]).map_err(|error| system_text(&error))?;
    let handle = signals.handle();
    let mut child = command.spawn().map_err(|error| system_text(&error))?;
    let process = child.id();
    let thread = spawn(move || {
        for signal in signals.forever().filter(|signal| matches!(*signal, SIGTERM | SIGHUP)) {
            pass_on(process, signal);
        }
    });
    let status = wait(&mut child);
    handle.close();
    // The thread does not panic.
    thread.join().ok();
    Ok((process, status?))
}

fn wait(child: &mut Child) -> Result<ExitStatus, String> {
    child.wait().map_err(|error| system_text(&error))
}

fn pass_on(process: u32, signal: i32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    if let (Some(process), Some(signal)) = (process, Signal::from_named_raw(signal)) {
        // The program may have ended meanwhile.
        kill_process(process, signal).ok();
    }
}

fn exit_status(status: ExitStatus) -> u8 {
    let status = status.code().or_else(|| status.signal().map(|signal| SIGNAL_STATUS + signal));
    status.and_then(|status| u8::try_from(status).ok()).unwrap_or(u8::MAX)
}

fn library(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        return canonicalize(path).map_err(|error| Failure::of_system(path, &error));
    }
    let beside = current_exe().ok().and_then(|command| command.parent().map(Path::to_owned)).unwrap_or_default();
    let beside = BESIDE.iter().map(|folder| beside.join(folder));
    let path = var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let folders = beside.chain(split_paths(&path)).chain(LIBRARY_FOLDERS.iter().map(PathBuf::from));
    let mut files = folders.flat_map(|folder| LIBRARIES.map(|name| folder.join(name)));
    let found = files.find_map(|file| canonicalize(file).ok());
    found.ok_or_else(|| {
        Failure::new("libtinyalloc.so is neither beside this command nor where libraries are: name it with --library")
    })
}

/// The library before what is preloaded anyway.
fn preload(library: &Path) -> Result<OsString, Failure> {
    if library.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b' ' | b':')) {
        return Err(Failure::of(library, "LD_PRELOAD cannot have a path with a space or a colon"));
    }
    Ok(joined(library.as_os_str(), var_os(PRELOAD), OsStr::new(":"), true))
}

fn library_options(folder: &Path, interval: u64) -> OsString {
    let mut ours = OsString::from(format!("profile={interval},profile_file="));
    ours.push(folder);
    ours.push(format!("/%p.%n.heap,profile_growth={GROWTH_PERCENT}"));
    joined(&ours, var_os(OPTIONS), OsStr::new(","), false)
}

fn joined(ours: &OsStr, other: Option<OsString>, between: &OsStr, is_first: bool) -> OsString {
    let parts = match other.filter(|other| !other.is_empty()) {
        None => vec![ours.to_owned()],
        Some(other) if is_first => vec![ours.to_owned(), between.to_owned(), other],
        Some(other) => vec![other, between.to_owned(), ours.to_owned()],
    };
    parts.into_iter().collect()
}

/// Makes the folder for the profiles; the program may have another working directory than this one.
fn folder(output: &Path) -> Result<PathBuf, Failure> {
    create_dir_all(output).map_err(|error| Failure::of_system(output, &error))?;
    let folder = absolute(output).map_err(|error| Failure::of_system(output, &error))?;
    let bytes = folder.as_os_str().as_bytes();
    if bytes.contains(&b',') || bytes.contains(&b'%') {
        return Err(Failure::of(&folder, "the library's options cannot have a path with a comma or a percent sign"));
    }
    if bytes.len() > PATTERN_BYTES_MAX {
        return Err(Failure::of(&folder, "the path is too long for the library's options"));
    }
    Ok(folder)
}

/// A process that wrote profiles.
struct Profiled {
    process: u32,
    dumps: Vec<PathBuf>,
}

impl Profiled {
    fn read_last(&self) -> Option<Result<Profile, Failure>> {
        self.dumps.last().map(|last| Profile::read(last))
    }
}

/// A page of all profiles of a process. Without it there still is the summary.
fn write_report(profiled: &Profiled, folder: &Path, symbols: &mut Symbols) {
    let path = folder.join(format!("{}.html", profiled.process));
    let written = read_all(&profiled.dumps).and_then(|dumps| {
        let page = page(&dumps, &mut |profile, address| symbols.frames(profile, address), None)?;
        symbols.clear_progress();
        save(&path, page.as_bytes())
    });
    match written {
        Ok(()) => say(&format!("a page of all of them: {}\n", path.display())),
        Err(failure) => say(&format!("tinyalloc: {failure}\n")),
    }
}

/// Sums up the last profile of the program, on standard error: the output is the program's. If
/// there is none, as of most shells, that of the process with the highest peak.
/// Yields the process that was summed up.
fn summarise<'all>(all: &'all [Profiled], process: u32, symbols: &mut Symbols) -> Option<&'all Profiled> {
    let own = all.iter().find(|profiled| profiled.process == process);
    let largest = || {
        let read = |profiled: &'all Profiled| Some((profiled, profiled.read_last()?.ok()?));
        all.iter().filter_map(read).max_by_key(|(_, profile)| profile.peak_bytes)
    };
    let found = match own.and_then(|own| Some((own, own.read_last()?))) {
        Some((own, Ok(profile))) => Some((own, profile)),
        Some((_, Err(failure))) => {
            say(&format!("tinyalloc: {failure}\n"));
            None
        }
        None => {
            let text = "the program wrote no heap profile: it ended by a signal or _exit(2), or ran others that did the work";
            say(&format!("tinyalloc: {text}\n"));
            largest()
        }
    };
    if let Some((profiled, profile)) = &found {
        summarise_process(profiled, profile, symbols);
    }
    summarise_others(&all.iter().filter(|profiled| profiled.process != process).collect::<Vec<_>>());
    found.map(|(profiled, _)| profiled)
}

/// Those with the highest peaks in a table: in one of them may be what the user looks for.
fn summarise_others(others: &[&Profiled]) {
    let count: usize = others.iter().map(|profiled| profiled.dumps.len()).sum();
    let of = match others.len() {
        0 => return,
        1 => String::from("another process"),
        processes => format!("{processes} other processes"),
    };
    let mut rows: Vec<(u64, u64, String)> = others.iter().filter_map(|profiled| row(profiled)).collect();
    rows.sort_by_key(|(peak, _, place)| (Reverse(*peak), place.clone()));
    let mut table = Table::new(&["peak", "live", "last profile"]);
    for (peak, live, place) in rows.iter().take(PROCESSES_SHOWN) {
        table.add(vec![size(*peak), size(*live), place.clone()]);
    }
    let (colon, table) = if rows.is_empty() { ("", String::new()) } else { (":", table.text()) };
    say(&format!("{} of {of}{colon}\n{table}", profiles(count)));
}

/// Bytes at the peak and at the end, and where the profile is; None if it has no samples.
fn row(profiled: &Profiled) -> Option<(u64, u64, String)> {
    let profile = profiled.read_last()?.ok().filter(|profile| profile.peak_bytes > 0)?;
    let program = profile.program().and_then(Path::file_name).map(|name| name.to_string_lossy()).unwrap_or_default();
    Some((profile.peak_bytes, profile.live_bytes, plain(&format!("{} ({program})", profile.path.display()))))
}

fn summarise_process(profiled: &Profiled, profile: &Profile, symbols: &mut Symbols) {
    say(&sites::heading(profile));
    if profile.sum(By::Total).samples == 0 {
        say("no block was sampled: the program allocates little (--interval 4K sees more), or has a malloc of its own\n");
    } else {
        let [peak, live] = [By::Peak, By::Live].map(|by| sites::table(profile, by, &sites_of(profile, symbols, by, 1), TOP));
        let keepers = residence::keepers(profile, symbols);
        note_files(symbols);
        say(&format!("\n{peak}\n{live}{keepers}"));
    }
    say(&residence::parts(profile));
    let (count, process) = (profiles(profiled.dumps.len()), profiled.process);
    say(&format!("\n{count} of process {process}, the last one: {}\n", profile.path.display()));
}

fn profiles(count: usize) -> String {
    if count == 1 { String::from("1 heap profile") } else { format!("{count} heap profiles") }
}

/// The processes that have written profiles since.
fn profiled(folder: &Path, since: SystemTime) -> Vec<Profiled> {
    // The clock of files is behind by a tick of the kernel's.
    let since = since.checked_sub(CLOCK_TICK).unwrap_or(since);
    let is_new = |entry: &DirEntry| entry.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|time| time >= since);
    let entries = read_dir(folder).into_iter().flatten().filter_map(Result::ok).filter(is_new);
    let mut dumps: BTreeMap<u32, Vec<(u64, PathBuf)>> = BTreeMap::new();
    for path in entries.map(|entry| entry.path()) {
        if let Some((process, number)) = numbers(&path) {
            dumps.entry(process).or_default().push((number, path));
        }
    }
    let in_order = |(process, mut dumps): (u32, Vec<(u64, PathBuf)>)| {
        dumps.sort();
        Profiled { process, dumps: dumps.into_iter().map(|(_, path)| path).collect() }
    };
    dumps.into_iter().map(in_order).collect()
}

/// The numbers of the process and of the file in `PID.N.heap`.
fn numbers(path: &Path) -> Option<(u32, u64)> {
    let (process, number) = path.file_name()?.to_str()?.strip_suffix(".heap")?.split_once('.')?;
    Some((process.parse().ok()?, number.parse().ok()?))
}
