//! A process that runs, as /proc shows it.

use std::fs::{read, read_link, read_to_string};
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use rustix_libc_wrappers::process::SignalExt;

use crate::failure::Failure;

const NOT_OURS: &str = "is another user's, or protected: only that user, or root, can ask it for a heap profile";
/// What is left of a process that has ended: its exit status.
const ENDED: [&str; 2] = ["Z", "X"];
const STOPPED: [&str; 2] = ["T", "t"];
/// In /proc/PID/stat, behind the name.
const STATE: usize = 0;
const START_TIME: usize = 19;

/// Numbers of processes are used again; the time of its start tells this one from a later one.
pub(super) struct Process {
    number: u32,
    start_time: String,
}

impl Process {
    /// # Errors
    /// If there is none of this number, or it has ended.
    pub(super) fn of(number: u32) -> Result<Process, Failure> {
        let mut process = Process { number, start_time: String::new() };
        let fields = process.stat().ok_or_else(|| process.failure("there is no such process"))?;
        process.start_time = fields.get(START_TIME).cloned().unwrap_or_default();
        if process.has_ended() { Err(process.failure("has ended")) } else { Ok(process) }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn failure(&self, text: &str) -> Failure {
        Failure::new(format!("process {}: {text}", self.number))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.number))
    }

    /// # Errors
    /// If the process has ended, or is another user's.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let path = self.path(name);
        read(&path).map_err(|error| self.refusal(&path, &error))
    }

    /// # Errors
    /// As [`Process::read`].
    pub(super) fn read_link(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path(name);
        read_link(&path).map_err(|error| self.refusal(&path, &error))
    }

    fn refusal(&self, path: &Path, error: &IoError) -> Failure {
        match error.kind() {
            ErrorKind::PermissionDenied => self.failure(NOT_OURS),
            _ if self.has_ended() => self.failure("has ended"),
            _ => Failure::of_system(path, error),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        let is_this = |fields: &Vec<String>| fields.get(START_TIME).is_some_and(|time| *time == self.start_time);
        self.stat().filter(is_this).is_none_or(|fields| ENDED.contains(&fields[STATE].as_str()))
    }

    /// Whether it waits for a signal to continue, and does nothing until then.
    pub(super) fn is_stopped(&self) -> bool {
        self.stat().is_some_and(|fields| STOPPED.contains(&fields[STATE].as_str()))
    }

    /// What /proc/PID/stat has behind the name, which may have spaces and parentheses.
    fn stat(&self) -> Option<Vec<String>> {
        let stat = read(self.path("stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        let (_, fields) = stat.rsplit_once(')')?;
        Some(fields.split_whitespace().map(String::from).collect())
    }

    /// A line of /proc/PID/status.
    fn status(&self, name: &str) -> Option<String> {
        let status = read_to_string(self.path("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().to_owned())
    }

    pub(super) fn name(&self) -> String {
        self.status("Name").unwrap_or_default()
    }

    /// The memory that it has in RAM; None if the system does not say.
    pub(super) fn resident_bytes(&self) -> Option<u64> {
        let text = self.status("VmRSS")?;
        Some(text.strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }

    /// The number of the process as it sees it itself, in a container.
    pub(super) fn own_number(&self) -> String {
        let numbers = self.status("NSpid").unwrap_or_default();
        numbers.split_whitespace().last().map_or_else(|| self.number.to_string(), String::from)
    }

    /// Where its files are, if not where ours are: in a container, or below another root.
    pub(super) fn root(&self) -> Option<PathBuf> {
        let is_same = |theirs: &str, ours: &str| read_link(self.path(theirs)).ok() == read_link(ours).ok();
        let has_our_files = is_same("ns/mnt", "/proc/self/ns/mnt") && is_same("root", "/proc/self/root");
        (!has_our_files).then(|| self.path("root"))
    }

    /// Its working directory, by its own root.
    ///
    /// # Errors
    /// As [`Process::read`].
    pub(super) fn folder(&self) -> Result<PathBuf, Failure> {
        let (folder, root) = (self.read_link("cwd")?, self.read_link("root")?);
        Ok(folder.strip_prefix(&root).map(|below| Path::new("/").join(below)).unwrap_or(folder))
    }

    /// # Errors
    /// If the process has no handler for the signal, which would end it then.
    pub(super) fn check_handler(&self, signal: u32) -> Result<(), Failure> {
        let caught = self.status("SigCgt").and_then(|mask| u64::from_str_radix(&mask, 16).ok()).unwrap_or(0);
        if signal > 0 && caught >> (signal - 1) & 1 == 1 {
            return Ok(());
        }
        Err(self.failure(&format!("has no handler for signal {signal}: is libtinyalloc.so loaded in it?")))
    }

    /// # Errors
    /// If the system does not allow it.
    pub(super) fn send(&self, signal: u32) -> Result<(), Failure> {
        let process = i32::try_from(self.number).ok().and_then(Pid::from_raw).ok_or_else(|| self.failure("is none"))?;
        let signal_number = i32::try_from(signal).ok().and_then(Signal::from_raw);
        let signal =
            signal_number.ok_or_else(|| self.failure(&format!("send it signal {signal}: kill -{signal} {}", self.number)))?;
        kill_process(process, signal).map_err(|error| self.refusal(&self.path(""), &error.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::env::current_dir;
    use std::process::id;

    use super::Process;

    #[test]
    fn this_process_runs_and_has_memory() {
        let process = Process::of(id()).unwrap();
        assert!(!process.has_ended() && !process.is_stopped() && process.root().is_none());
        assert!(process.resident_bytes().unwrap() > 100_000 && process.own_number() == id().to_string());
        assert_eq!(process.folder().unwrap(), current_dir().unwrap());
    }

    #[test]
    fn a_later_process_of_the_same_number_is_another() {
        let process = Process { number: id(), start_time: String::from("1") };
        assert!(process.has_ended());
    }
}
