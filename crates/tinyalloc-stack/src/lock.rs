//! A lock for a few instructions at a time. Entering waits, but not forever; news can be left with
//! the thread that is inside, without waiting.

use crate::sync::{AtomicU32, Ordering, spin_loop};

const FREE: u32 = 0;
const HELD: u32 = 1;
/// News for the holder, who does not leave before looking.
const NEWS: u32 = 2;

/// Invariant K1: what the lock protects is touched only by the thread that changed the word from
/// free.
pub(crate) struct Lock {
    word: AtomicU32,
}

/// What came of an attempt to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Leaving {
    Left,
    /// Still inside: there are news.
    News,
}

impl Lock {
    pub(crate) const fn new() -> Lock {
        Lock { word: AtomicU32::new(FREE) }
    }

    /// Enters, within that many attempts; false if the lock was held all the time.
    #[inline]
    pub(crate) fn enter(&self, attempts: u32) -> bool {
        self.try_enter() || self.enter_slow(attempts)
    }

    /// Enters, or else leaves news with the holder; whether it entered. Never waits.
    #[inline]
    pub(crate) fn enter_or_leave_news(&self) -> bool {
        // Acquire and release: what happened before becomes the holder's, or what the last holder
        // did becomes ours.
        self.try_enter() || self.word.fetch_or(HELD | NEWS, Ordering::AcqRel) & HELD == 0
    }

    /// Leaves, unless there are news.
    #[inline]
    pub(crate) fn leave(&self) -> Leaving {
        match self.word.compare_exchange(HELD, FREE, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => Leaving::Left,
            Err(_) => {
                // The holder alone takes news off, so there still are some. Acquire: what happened
                // before they were left.
                self.word.swap(HELD, Ordering::Acquire);
                Leaving::News
            }
        }
    }

    fn try_enter(&self) -> bool {
        self.word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn enter_slow(&self, attempts: u32) -> bool {
        for _ in 0..attempts {
            if self.word.load(Ordering::Relaxed) == FREE && self.try_enter() {
                return true;
            }
            spin_loop();
        }
        false
    }
}
