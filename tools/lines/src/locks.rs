//! Locks of the traced library: how often each is taken, and what its holder does meanwhile.

use std::collections::{HashMap, HashSet};
use std::io::{Result, Write};

use crate::caches::THREADS_MAX;

/// Addresses of instructions that take a lock, if it is free, and that release one.
#[derive(Default)]
pub(crate) struct Code {
    takes: HashSet<u64>,
    releases: HashSet<u64>,
}

impl Code {
    /// The word that they write to is the lock.
    pub(crate) fn new(takes: HashSet<u64>, releases: HashSet<u64>) -> Code {
        Code { takes, releases }
    }
}

/// What a thread has done so far.
#[derive(Clone, Copy, Default)]
struct Done {
    instructions: u64,
    lines: u64,
    calls: u64,
}

#[derive(Default)]
struct Lock {
    holder: Option<(usize, Done)>,
    takes: u64,
    /// A thread found it held.
    refusals: u64,
    held: Done,
    longest: u64,
}

/// All of them, by address.
pub(crate) struct Locks {
    code: Option<Code>,
    threads: [Done; THREADS_MAX],
    locks: HashMap<u64, Lock>,
}

impl Default for Locks {
    fn default() -> Locks {
        Locks { code: None, threads: [Done::default(); THREADS_MAX], locks: HashMap::new() }
    }
}

impl Locks {
    pub(crate) fn are_known(&self) -> bool {
        self.code.is_some()
    }

    pub(crate) fn know(&mut self, code: Code) {
        self.code = Some(code);
    }

    pub(crate) fn execute(&mut self, thread: usize) {
        self.threads[thread % THREADS_MAX].instructions += 1;
    }

    /// A line came from another thread's cache.
    pub(crate) fn line(&mut self, thread: usize) {
        self.threads[thread % THREADS_MAX].lines += 1;
    }

    pub(crate) fn call(&mut self, thread: usize) {
        self.threads[thread % THREADS_MAX].calls += 1;
    }

    pub(crate) fn store(&mut self, thread: usize, instruction: u64, address: u64) {
        let Some(code) = &self.code else {
            return;
        };
        let now = self.threads[thread % THREADS_MAX];
        if code.takes.contains(&instruction) {
            self.locks.entry(address).or_default().take(thread, now);
        } else if code.releases.contains(&instruction) {
            if let Some(lock) = self.locks.get_mut(&address) {
                lock.release(thread, now);
            }
        }
    }

    /// `lock ADDRESS TAKES REFUSALS INSTRUCTIONS LINES CALLS LONGEST`: what holders did altogether,
    /// and the most instructions of one.
    pub(crate) fn print(&self, output: &mut impl Write) -> Result<()> {
        let mut locks: Vec<_> = self.locks.iter().collect();
        locks.sort_unstable_by_key(|(address, _)| **address);
        locks.into_iter().try_for_each(|(address, lock)| {
            let Done { instructions, lines, calls } = lock.held;
            writeln!(output, "lock {address:x} {} {} {instructions} {lines} {calls} {}", lock.takes, lock.refusals, lock.longest)
        })
    }
}

impl Lock {
    fn take(&mut self, thread: usize, now: Done) {
        if self.holder.is_none() {
            self.holder = Some((thread, now));
            self.takes += 1;
        } else {
            self.refusals += 1;
        }
    }

    fn release(&mut self, thread: usize, now: Done) {
        let Some((_, then)) = self.holder.take_if(|(holder, _)| *holder == thread) else {
            return;
        };
        let instructions = now.instructions - then.instructions;
        self.held.instructions += instructions;
        self.held.lines += now.lines - then.lines;
        self.held.calls += now.calls - then.calls;
        self.longest = self.longest.max(instructions);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Code, Locks};

    const TAKE: u64 = 0x10;
    const RELEASE: u64 = 0x20;
    const LOCK: u64 = 0x1000;

    #[test]
    fn what_a_holder_does_is_counted_and_who_finds_it_held() {
        let mut locks = Locks::default();
        locks.know(Code::new(HashSet::from([TAKE]), HashSet::from([RELEASE])));
        locks.store(1, TAKE, LOCK);
        locks.execute(1);
        locks.execute(2);
        locks.store(2, TAKE, LOCK);
        locks.line(1);
        locks.call(1);
        locks.execute(1);
        locks.store(1, RELEASE, LOCK);
        locks.execute(1);
        locks.store(2, TAKE, LOCK);
        locks.execute(2);
        locks.store(2, RELEASE, LOCK);
        let mut output = Vec::new();
        locks.print(&mut output).expect("a vector has room");
        assert_eq!(output, b"lock 1000 2 1 3 1 1 2\n");
    }
}
