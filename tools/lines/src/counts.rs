//! What is counted, between two marks in a trace.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::io::{Result, Write};
use std::ops::Range;

use crate::caches::{Access, Caches, LineHasher, lines_of};
use crate::locks::{Code, Locks};
use crate::trace::Event;

/// Addresses that the traced program is known by.
pub(crate) struct Places {
    begins: u64,
    ends: u64,
    stacks: Range<u64>,
}

impl Places {
    /// Where the program writes when counting begins and ends, and what belongs to one thread each.
    pub(crate) fn new(begins: u64, ends: u64, stacks: Range<u64>) -> Places {
        Places { begins, ends, stacks }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    Counted,
    After,
}

#[derive(Clone, Copy, Default)]
struct AtInstruction {
    executed: u64,
    moved: u64,
}

type Map<Value> = HashMap<u64, Value, BuildHasherDefault<LineHasher>>;

/// The counts so far, and what they depend on.
pub(crate) struct Counts {
    places: Places,
    phase: Phase,
    caches: Caches,
    thread: usize,
    instruction: u64,
    instructions: Map<AtInstruction>,
    lines: Map<u64>,
    calls: HashMap<Vec<u8>, u64>,
    locks: Locks,
}

impl Counts {
    /// Nothing yet.
    pub(crate) fn new(places: Places) -> Counts {
        Counts {
            places,
            phase: Phase::Before,
            caches: Caches::default(),
            thread: 1,
            instruction: 0,
            instructions: Map::default(),
            lines: Map::default(),
            calls: HashMap::new(),
            locks: Locks::default(),
        }
    }

    /// The next line of the trace.
    pub(crate) fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Thread(thread) => self.thread = thread,
            Event::Instruction(address) => self.execute(address),
            Event::Data(access, address, bytes) => self.touch(access, address, bytes),
            Event::Modify(address, bytes) => self.touch(Access::Store, address, bytes),
            Event::Call(name) if self.phase == Phase::Counted => {
                *self.calls.entry(name.to_vec()).or_default() += 1;
                self.locks.call(self.thread);
            }
            Event::Call(_) => {}
        }
    }

    /// Whether counting has begun, and where the code of locks is not known yet.
    pub(crate) fn wants_locks(&self) -> bool {
        self.phase == Phase::Counted && !self.locks.are_known()
    }

    /// From here on, takes and releases are known by their instructions.
    pub(crate) fn know_locks(&mut self, code: Code) {
        self.locks.know(code);
    }

    /// Whether the program came to the second mark.
    pub(crate) fn have_ended(&self) -> bool {
        self.phase == Phase::After
    }

    /// In a fixed order.
    pub(crate) fn print(&self, output: &mut impl Write) -> Result<()> {
        let mut instructions: Vec<_> = self.instructions.iter().collect();
        instructions.sort_unstable_by_key(|(address, _)| **address);
        for (address, at) in instructions {
            writeln!(output, "at {address:x} {} {}", at.executed, at.moved)?;
        }
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_unstable();
        for (line, moved) in lines {
            writeln!(output, "line {:x} {moved}", line << 6)?;
        }
        let mut calls: Vec<_> = self.calls.iter().collect();
        calls.sort_unstable();
        calls.iter().try_for_each(|(name, times)| writeln!(output, "call {} {times}", name.escape_ascii()))?;
        self.locks.print(output)
    }

    fn execute(&mut self, address: u64) {
        self.instruction = address;
        if self.phase == Phase::Counted {
            self.instructions.entry(address).or_default().executed += 1;
            self.locks.execute(self.thread);
        }
    }

    fn touch(&mut self, access: Access, address: u64, bytes: u64) {
        if access == Access::Store {
            self.mark(address);
            if self.phase == Phase::Counted {
                self.locks.store(self.thread, self.instruction, address);
            }
        }
        if self.places.stacks.contains(&address) {
            return;
        }
        for line in lines_of(address, bytes) {
            if self.caches.access(self.thread, line, access) && self.phase == Phase::Counted {
                self.instructions.entry(self.instruction).or_default().moved += 1;
                *self.lines.entry(line).or_default() += 1;
                self.locks.line(self.thread);
            }
        }
    }

    fn mark(&mut self, address: u64) {
        match self.phase {
            Phase::Before if address == self.places.begins => self.phase = Phase::Counted,
            Phase::Counted if address == self.places.ends => self.phase = Phase::After,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Places};
    use crate::trace::event_of;

    const TRACE: &str = "\
I  a0,3
 S 2000,8
--1--   SCHED[2]:  acquired lock (x)
I  a4,3
 S 2000,8
I  a8,3
 S 1000,4
I  b0,4
 M 2000,8
--1--   SCHED[3]:  acquired lock (x)
I  b0,4
 M 2000,8
I  b4,4
 S 5000,8
SYSCALL[1,3](11) sys_munmap ( 0x1 )[sync] --> Success(0x0)
I  b8,4
 S 1004,4
";

    #[test]
    fn counting_is_between_the_marks_and_not_on_stacks() {
        let mut counts = Counts::new(Places::new(0x1000, 0x1004, 0x5000..0x6000));
        TRACE.lines().filter_map(|line| event_of(line.as_bytes())).for_each(|event| counts.add(event));
        let mut output = Vec::new();
        counts.print(&mut output).expect("a vector has room");
        let output = String::from_utf8(output).expect("text");
        assert!(counts.have_ended());
        assert_eq!(output, "at b0 2 1\nat b4 1 0\nat b8 1 0\nline 2000 1\ncall munmap 1\n");
    }
}
