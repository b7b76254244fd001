//! Heap profiles that a running process is asked for.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{metadata, read_dir, remove_file};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use super::process::Process;
use crate::failure::{Failure, system_text};
use crate::profile::Profile;
use crate::text::say;

const VARIABLE: &[u8] = b"TINYALLOC_OPTIONS=";
/// Where the library writes profiles if no option says so.
const DEFAULT_FILE: &str = "tinyalloc.%p.%n.heap";
const HOW: &str = "start it with TINYALLOC_OPTIONS=profile=on,profile_signal=USR2";
/// Between looks at what has come.
pub(super) const STEP: Duration = Duration::from_millis(20);
/// What the user no longer waits for.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// The names of signals, from 1 on, as signal(7) has them for x86-64 and Arm.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
    "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Files, and when they were written.
type Times = HashMap<PathBuf, SystemTime>;

/// A process that writes a profile whenever it gets a signal.
pub(super) struct Requests {
    process: Process,
    signal: u32,
    /// The signal that turns its profile on.
    toggle: Option<u32>,
    files: Files,
}

/// What became of a request.
pub(super) enum Answer {
    Dump(Box<Dump>),
    /// The process has ended instead.
    Ended,
    /// The user waits no longer.
    Interrupted,
}

/// A profile that was written on request.
pub(super) struct Dump {
    profile: Profile,
    /// The files that were there before the request.
    before: Times,
}

impl Dump {
    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }
}

impl Requests {
    /// # Errors
    /// Why the process cannot be asked.
    pub(super) fn of(number: u32) -> Result<Requests, Failure> {
        let process = Process::of(number)?;
        let settings = Settings::read(&process)?;
        process.check_handler(settings.signal)?;
        let files = Files::of(&process, &settings.file)?;
        Ok(Requests { process, signal: settings.signal, toggle: settings.toggle, files })
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Asks for a profile, and waits until it can be read.
    ///
    /// # Errors
    /// If none has come after so many seconds, or its profile is off.
    pub(super) fn ask(&self, seconds: u64, is_interrupted: &AtomicBool) -> Result<Answer, Failure> {
        let before = self.files.list();
        let mut deadline = Instant::now() + Duration::from_secs(seconds);
        if self.process.has_ended() {
            return Ok(Answer::Ended);
        }
        self.process.send(self.signal)?;
        loop {
            // Until it can be read, it is being written.
            let dump = self.dump_since(&before);
            if let Some(Ok(dump)) = dump {
                return self.checked(dump).map(|dump| Answer::Dump(Box::new(dump)));
            }
            if self.process.has_ended() {
                return Ok(Answer::Ended);
            }
            let is_interrupted = is_interrupted.load(Ordering::Relaxed);
            if is_interrupted {
                deadline = deadline.min(Instant::now() + LAST_WAIT);
            }
            if Instant::now() < deadline {
                sleep(STEP);
                continue;
            }
            self.remove_part(&before);
            match dump {
                _ if is_interrupted => return Ok(Answer::Interrupted),
                Some(Err(failure)) => return Err(failure),
                _ => return Err(self.no_answer(seconds)),
            }
        }
    }

    /// Removes what was written of a dump that is not whole: the disk may be full.
    fn remove_part(&self, before: &Times) {
        let part = self.files.since(before).into_iter().next().filter(|path| !before.contains_key(path));
        // The failure to write it is what the user hears of.
        part.iter().for_each(|path| _ = remove_file(path));
    }

    fn dump_since(&self, before: &Times) -> Option<Result<Dump, Failure>> {
        let path = self.files.since(before).into_iter().next()?;
        let whole = |profile: Profile| match profile.has_details {
            true => Ok(Dump { profile, before: before.clone() }),
            false => Err(Failure::of(&path, "is cut off: it has no statistics")),
        };
        Some(Profile::read(&path).and_then(whole))
    }

    fn no_answer(&self, seconds: u64) -> Failure {
        let file = self.files.pattern.display();
        let text = format!("wrote no heap profile within {seconds} seconds to {file}");
        self.process.failure(&if self.process.is_stopped() { format!("is stopped: it {text}") } else { text })
    }

    /// A profile that is off has neither an interval nor samples of earlier.
    fn checked(&self, dump: Dump) -> Result<Dump, Failure> {
        if dump.profile.interval > 0 || !dump.profile.sites.is_empty() {
            return Ok(dump);
        }
        self.remove(&dump)?;
        let how = self.toggle.map(|signal| format!("turn it on with kill -{signal} {}", self.process.number()));
        Err(self.process.failure(&format!("its heap profile is off: {}", how.unwrap_or_else(|| String::from(HOW)))))
    }

    /// Removes the file, unless it was there before, or may be the one that the process has written
    /// at its end.
    ///
    /// # Errors
    /// If it cannot be removed: the next ones would fill the disk.
    pub(super) fn remove(&self, dump: &Dump) -> Result<(), Failure> {
        let path = &dump.profile.path;
        if dump.before.contains_key(path) {
            return Ok(());
        }
        sleep(STEP);
        if self.process.has_ended() && self.files.since(&dump.before).len() == 1 {
            say(&format!("tinyalloc: {} stays: the process may have written it when it ended\n", path.display()));
            return Ok(());
        }
        remove_file(path).map_err(|error| Failure::of_system(path, &error))
    }
}

/// What the process was started with.
struct Settings {
    signal: u32,
    toggle: Option<u32>,
    file: Vec<u8>,
}

impl Settings {
    fn read(process: &Process) -> Result<Settings, Failure> {
        let environment = process.read("environ")?;
        let text = environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(VARIABLE));
        let text = text.ok_or_else(|| process.failure(&format!("has no TINYALLOC_OPTIONS: {HOW}")))?;
        let options: HashMap<&[u8], &[u8]> = text.split(|byte| *byte == b',').filter_map(key_and_value).collect();
        let is_off = matches!(options.get(&b"profile"[..]), None | Some(&b"off" | &b"0"));
        let signal_of = |key: &[u8]| options.get(key).and_then(|value| signal(&String::from_utf8_lossy(value)));
        let signal = signal_of(b"profile_signal");
        // With a signal, the program may have turned the profile on since.
        let missing = if is_off { "writes no heap profiles" } else { "writes no heap profile on a signal" };
        let signal = signal.ok_or_else(|| process.failure(&format!("{missing}: {HOW}")))?;
        let file = options.get(&b"profile_file"[..]).map_or_else(|| DEFAULT_FILE.into(), |value| value.to_vec());
        Ok(Settings { signal, toggle: signal_of(b"profile_toggle_signal"), file })
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
        let pattern = replaced(pattern, b"%p", process.own_number().as_bytes());
        let pattern = process.folder()?.join(OsStr::from_bytes(&pattern));
        let pattern = match process.root() {
            Some(root) => root.join(pattern.strip_prefix("/").unwrap_or(&pattern)),
            None => pattern,
        };
        let folder = pattern.parent().unwrap_or(Path::new("/"));
        match metadata(folder) {
            Ok(_) => Ok(Files { pattern }),
            Err(error) => {
                let text = format!("writes its heap profiles to {}: {}", pattern.display(), system_text(&error));
                Err(process.failure(&text))
            }
        }
    }

    /// Those that there are, and when they were written.
    fn list(&self) -> Times {
        let folder = self.pattern.parent().unwrap_or(Path::new("."));
        let name = self.pattern.file_name().unwrap_or_default().as_bytes();
        let entries = read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let entries = entries.filter(|entry| matches(entry.file_name().as_bytes(), name));
        entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.modified().ok()?))).collect()
    }

    /// Those that were written since, by their numbers: the first is the one that was asked for.
    fn since(&self, before: &Times) -> Vec<PathBuf> {
        let files = self.list().into_iter().filter(|(path, time)| before.get(path) != Some(time));
        let mut paths: Vec<PathBuf> = files.map(|(path, _)| path).collect();
        paths.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
        paths
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
