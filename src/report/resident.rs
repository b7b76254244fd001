//! Whose the memory of the process is that lies in physical memory: `/proc/self/smaps`, added up.

use core::ops::Range;

use libc::O_RDONLY;

use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;
use crate::support::lines::each_line;
use crate::support::number::{hexadecimal, number};
use crate::support::small_file::{close, open};

const KIB: u64 = 1024;

/// Bytes in physical memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resident {
    /// The allocator's: blocks, what is free, records, the profile.
    own: u64,
    /// Of files that are mapped: programs and libraries, with their data.
    files: u64,
    /// The rest: stacks, and what the program mapped itself.
    other: u64,
}

/// A mapping: how much of it is the allocator's, and whether the rest is of a file.
#[derive(Clone, Copy, Default)]
struct Mapped {
    own: u64,
    is_file: bool,
}

impl Resident {
    /// All zero where the system does not say. Calls `program` with the first address of each
    /// mapping that may be read, and not be written to.
    pub(crate) fn of_process(program: &mut dyn FnMut(usize)) -> Resident {
        let (mut resident, mut mapped) = (Resident::default(), Mapped::default());
        if let Some(descriptor) = open(c"/proc/self/smaps", O_RDONLY) {
            each_line(descriptor, &mut |line| resident.add(line, &mut mapped, program));
            close(descriptor);
        }
        resident
    }

    pub(crate) const fn parts(&self) -> [(&'static str, u64); 3] {
        [("own", self.own), ("files", self.files), ("other", self.other)]
    }

    /// A line of a mapping, the first of which says where it is.
    fn add(&mut self, line: &[u8], mapped: &mut Mapped, program: &mut dyn FnMut(usize)) {
        if let Some(range) = range_of(line) {
            if line.windows(3).any(|rights| rights == b" r-") {
                program(range.start);
            }
            *mapped = Mapped { own: ALLOCATOR.bytes_in_mapping(Thread, &range) as u64, is_file: line.contains(&b'/') };
        } else if let Some(kib) = resident_of(line) {
            let resident = kib * KIB;
            let own = resident.min(mapped.own);
            self.own += own;
            *(if mapped.is_file { &mut self.files } else { &mut self.other }) += resident - own;
        }
    }
}

/// Where a mapping is, which its first line begins with.
fn range_of(line: &[u8]) -> Option<Range<usize>> {
    let dash = line.iter().position(|byte| *byte == b'-')?;
    let start = hexadecimal(line.get(..dash)?)?;
    let after = line.get(dash + 1..)?;
    let end = hexadecimal(after.get(..after.iter().position(|byte| *byte == b' ')?)?)?;
    Some(start..end)
}

/// How many KiB of it are in memory, if the line says that.
fn resident_of(line: &[u8]) -> Option<u64> {
    let value = line.strip_prefix(b"Rss:")?.strip_suffix(b" kB")?;
    number(value.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::{range_of, resident_of};

    #[test]
    fn lines_of_smaps_are_understood() {
        let first = b"7ff08fc95000-7ff08fc97000 rw-p 001d3000 fe:00 326279    /usr/lib/libc.so.6";
        assert_eq!(range_of(first), Some(0x7ff0_8fc9_5000..0x7ff0_8fc9_7000));
        assert_eq!(resident_of(first), None);
        for line in [b"Rss:                  20 kB".as_slice(), b"VmFlags: rd wr mr", b"", b"-", b"12-"] {
            assert_eq!(range_of(line), None);
        }
        assert_eq!(resident_of(b"Rss:                  20 kB"), Some(20));
        assert_eq!(resident_of(b"Pss:                  20 kB"), None);
    }
}
