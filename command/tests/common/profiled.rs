//! Programs that run under the library until the test has looked at them.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "tests may give up")]

use std::fs::read_to_string;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tinyalloc_command::profile::Profile;

const STEP: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs until the test ends, however it ends. It has said that it is done with what
/// the test is about, and waits.
pub struct Profiled {
    child: Child,
    dump: PathBuf,
}

impl Profiled {
    /// Starts the program, and waits for a line `ready`.
    pub fn start(command: &mut Command, library: &Path, folder: &Path, interval: &str) -> Profiled {
        // What the program runs meanwhile, as a script that finds it does, has dumps of its own.
        let pattern = folder.join("%p.heap");
        let options = format!("profile={interval},profile_signal=USR2,profile_at_exit=off,profile_file={}", pattern.display());
        command.env("LD_PRELOAD", library).env("TINYALLOC_OPTIONS", options);
        // The pipe stays open: a program that reads its input waits there.
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let dump = folder.join(format!("{}.heap", child.id()));
        let profiled = Profiled { child, dump };
        assert!(output.lines().any(|line| line.unwrap() == "ready"), "the program ended");
        profiled
    }

    /// Makes it write a dump; where that is.
    pub fn dump(&self) -> &Path {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-USR2", &process]).status().unwrap().success());
        let begun = Instant::now();
        while Profile::read(&self.dump).is_err() {
            assert!(begun.elapsed() < PATIENCE, "{:?}", Profile::read(&self.dump));
            sleep(STEP);
        }
        &self.dump
    }

    /// What the kernel says is in memory: bytes.
    pub fn resident(&self) -> u64 {
        let status = read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }
}

impl Drop for Profiled {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
