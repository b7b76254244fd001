//! `tinyalloc dump`.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{metadata, read, read_dir, read_link, read_to_string};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};

use crate::failure::Failure;
use crate::options::Dump;
use crate::profile::Profile;
use crate::text::print;

const VARIABLE: &[u8] = b"TINYALLOC_OPTIONS=";
/// Where the library writes profiles if no option says so.
const DEFAULT_FILE: &str = "tinyalloc.%p.%n.heap";
const HOW: &str = "start it with TINYALLOC_OPTIONS=profile=on,profile_signal=USR2";
const STEP: Duration = Duration::from_millis(20);
/// The names of signals, from 1 on, as signal(7) has them for x86-64 and Arm.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
    "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

pub(super) fn dump(options: &Dump) -> Result<u8, Failure> {
    let process = Process { number: options.process };
    let settings = Settings::read(&process)?;
    process.check_handler(settings.signal)?;
    let files = Files::of(&process, &settings.file)?;
    let before = files.list();
    process.send(settings.signal)?;
    let deadline = Instant::now() + Duration::from_secs(options.wait);
    loop {
        let path = files.list().into_iter().find_map(|(path, time)| (before.get(&path) != Some(&time)).then_some(path));
        // Until it can be read, it is being written.
        let profile = path.as_ref().map(|path| Profile::read(path));
        match (path, profile) {
            (Some(path), Some(Ok(_))) => return print(&format!("{}\n", path.display())).map(|()| 0),
            (_, Some(Err(failure))) if Instant::now() >= deadline => return Err(failure),
            (_, None) if Instant::now() >= deadline => {
                let text = format!("wrote no heap profile within {} seconds to {}", options.wait, files.pattern.display());
                return Err(process.failure(&text));
            }
            _ => sleep(STEP),
        }
    }
}

/// A process that runs.
struct Process {
    number: u32,
}

impl Process {
    fn failure(&self, text: &str) -> Failure {
        Failure::new(format!("process {}: {text}", self.number))
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.number))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        if metadata(self.path("")).is_err() {
            return Err(self.failure("there is no such process"));
        }
        read(self.path(name)).map_err(|error| Failure::of_system(&self.path(name), &error))
    }

    /// A line of /proc/PID/status.
    fn status(&self, name: &str) -> Option<String> {
        let status = read_to_string(self.path("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().to_owned())
    }

    /// A signal that the process has no handler for would end it.
    fn check_handler(&self, signal: u32) -> Result<(), Failure> {
        let caught = self.status("SigCgt").and_then(|mask| u64::from_str_radix(&mask, 16).ok()).unwrap_or(0);
        if signal > 0 && caught >> (signal - 1) & 1 == 1 {
            return Ok(());
        }
        Err(self.failure(&format!("has no handler for signal {signal}: is libtinyalloc.so loaded in it?")))
    }

    fn send(&self, signal: u32) -> Result<(), Failure> {
        let process = i32::try_from(self.number).ok().and_then(Pid::from_raw).ok_or_else(|| self.failure("is none"))?;
        let signal_number = i32::try_from(signal).ok().and_then(Signal::from_named_raw);
        let signal =
            signal_number.ok_or_else(|| self.failure(&format!("send it signal {signal}: kill -{signal} {}", self.number)))?;
        kill_process(process, signal).map_err(|error| self.failure(&format!("takes no signal: {error}")))
    }

    /// The number of the process as it sees it itself, in a container.
    fn own_number(&self) -> String {
        let numbers = self.status("NSpid").unwrap_or_default();
        numbers.split_whitespace().last().map_or_else(|| self.number.to_string(), String::from)
    }
}

/// What the process was started with.
struct Settings {
    signal: u32,
    file: Vec<u8>,
}

impl Settings {
    fn read(process: &Process) -> Result<Settings, Failure> {
        let environment = process.read("environ")?;
        let text = environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(VARIABLE));
        let text = text.ok_or_else(|| process.failure(&format!("has no TINYALLOC_OPTIONS: {HOW}")))?;
        let options: HashMap<&[u8], &[u8]> = text.split(|byte| *byte == b',').filter_map(key_and_value).collect();
        if matches!(options.get(&b"profile"[..]), None | Some(&b"off" | &b"0")) {
            return Err(process.failure(&format!("writes no heap profiles: {HOW}")));
        }
        let signal = options.get(&b"profile_signal"[..]).and_then(|value| signal(&String::from_utf8_lossy(value)));
        let signal = signal.ok_or_else(|| process.failure(&format!("writes no heap profile on a signal: {HOW}")))?;
        let file = options.get(&b"profile_file"[..]).map_or_else(|| DEFAULT_FILE.into(), |value| value.to_vec());
        Ok(Settings { signal, file })
    }
}

fn key_and_value(option: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = option.iter().position(|byte| *byte == b'=')?;
    Some((&option[..equals], &option[equals + 1..]))
}

/// A signal by number or by name; None for `off`.
fn signal(text: &str) -> Option<u32> {
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let named = SIGNALS.iter().position(|each| *each == name).and_then(|place| u32::try_from(place + 1).ok());
    named.or_else(|| text.parse().ok().filter(|number| *number > 0))
}

/// The files that the process may write profiles to.
struct Files {
    pattern: PathBuf,
}

impl Files {
    fn of(process: &Process, pattern: &[u8]) -> Result<Files, Failure> {
        let folder = process.path("cwd");
        let folder = read_link(&folder).map_err(|error| Failure::of_system(&folder, &error))?;
        let pattern = replaced(pattern, b"%p", process.own_number().as_bytes());
        let pattern = folder.join(OsStr::from_bytes(&pattern));
        let root = process.path("root");
        let elsewhere = read_link(&root).is_ok_and(|target| target != Path::new("/"));
        // A process in a container has another root.
        let pattern = if elsewhere { root.join(pattern.strip_prefix("/").unwrap_or(&pattern)) } else { pattern };
        Ok(Files { pattern })
    }

    /// Those that there are, and when they were written.
    fn list(&self) -> HashMap<PathBuf, SystemTime> {
        let folder = self.pattern.parent().unwrap_or(Path::new("."));
        let name = self.pattern.file_name().unwrap_or_default().as_bytes();
        let entries = read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let entries = entries.filter(|entry| matches(entry.file_name().as_bytes(), name));
        entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.modified().ok()?))).collect()
    }
}

fn replaced(pattern: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match pattern.windows(from.len()).position(|window| window == from) {
        Some(at) => [&pattern[..at], to, &replaced(&pattern[at + from.len()..], from, to)].concat(),
        None => pattern.to_vec(),
    }
}

/// Whether a name is of a pattern in which `%n` is a number.
fn matches(name: &[u8], pattern: &[u8]) -> bool {
    let Some(at) = pattern.windows(2).position(|window| window == b"%n") else {
        return name == pattern;
    };
    let Some(rest) = name.strip_prefix(&pattern[..at]) else {
        return false;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && matches(&rest[digits..], &pattern[at + 2..])
}

#[cfg(test)]
mod tests {
    use super::{matches, replaced, signal};

    #[test]
    fn patterns_have_numbers() {
        assert!(matches(b"12.3.heap", b"12.%n.heap") && matches(b"a", b"a"));
        assert!(!matches(b"12.x.heap", b"12.%n.heap") && !matches(b"12.3.heap.tmp", b"12.%n.heap"));
        assert_eq!(replaced(b"%p/a.%p.%n", b"%p", b"12"), b"12/a.12.%n");
    }

    #[test]
    fn signals_have_numbers_and_names() {
        assert_eq!(
            [signal("USR2"), signal("SIGUSR1"), signal("12"), signal("off"), signal("0")],
            [Some(12), Some(10), Some(12), None, None]
        );
    }
}
