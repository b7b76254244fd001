//! Whose caches have which line, if every thread has a processor with a cache without end.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

const LINE_SHIFT: u32 = 6;
/// Threads that a word has bits for.
pub(crate) const THREADS_MAX: usize = 128;

/// An access to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// A thread reads.
    Load,
    /// A thread writes: no other cache has the line afterwards.
    Store,
}

/// The lines that were touched, each with the threads whose caches have it.
#[derive(Default)]
pub(crate) struct Caches {
    holders: HashMap<u64, u128, BuildHasherDefault<LineHasher>>,
}

impl Caches {
    /// Whether a line moves for an access: another thread's cache has it, and this thread's has
    /// not; or this thread writes to a line that others have as well.
    pub(crate) fn access(&mut self, thread: usize, line: u64, access: Access) -> bool {
        let me = 1_u128 << (thread % THREADS_MAX);
        let holders = self.holders.entry(line).or_default();
        let has_it = *holders & me != 0;
        let others_have_it = *holders & !me != 0;
        match access {
            Access::Load => {
                *holders |= me;
                others_have_it && !has_it
            }
            Access::Store => {
                *holders = me;
                others_have_it
            }
        }
    }
}

/// The lines of a range of bytes.
pub(crate) fn lines_of(address: u64, bytes: u64) -> impl Iterator<Item = u64> {
    address >> LINE_SHIFT..=(address + bytes.max(1) - 1) >> LINE_SHIFT
}

/// Lines need no better one.
#[derive(Default)]
pub(crate) struct LineHasher(u64);

impl Hasher for LineHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Caches, lines_of};

    #[test]
    fn a_line_of_one_thread_does_not_move() {
        let mut caches = Caches::default();
        assert!(!caches.access(1, 7, Access::Load));
        assert!(!caches.access(1, 7, Access::Store));
        assert!(!caches.access(1, 7, Access::Load));
    }

    #[test]
    fn a_line_that_two_threads_write_moves_each_time() {
        let mut caches = Caches::default();
        assert!(!caches.access(1, 7, Access::Store));
        assert!(caches.access(2, 7, Access::Store));
        assert!(caches.access(1, 7, Access::Store));
    }

    #[test]
    fn a_line_that_threads_read_moves_once_to_each_and_again_when_it_was_written() {
        let mut caches = Caches::default();
        assert!(!caches.access(1, 7, Access::Store));
        assert!(caches.access(2, 7, Access::Load));
        assert!(!caches.access(2, 7, Access::Load));
        assert!(!caches.access(1, 7, Access::Load));
        assert!(caches.access(1, 7, Access::Store), "the other cache loses it");
        assert!(caches.access(2, 7, Access::Load));
    }

    #[test]
    fn an_access_may_touch_two_lines() {
        assert_eq!(lines_of(64, 8).collect::<Vec<_>>(), [1]);
        assert_eq!(lines_of(124, 8).collect::<Vec<_>>(), [1, 2]);
    }
}
