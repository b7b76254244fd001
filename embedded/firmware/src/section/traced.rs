//! The length of critical sections. They do not nest in what is measured.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::timer::{instructions, now};

static IS_ON: AtomicU32 = AtomicU32::new(0);
static BEGUN: AtomicU32 = AtomicU32::new(0);
static LONGEST: AtomicU32 = AtomicU32::new(0);

/// Not inlined: a call is the same everywhere, and what it costs is known.
#[inline(never)]
pub(super) fn begin() {
    BEGUN.store(now(), Ordering::Relaxed);
}

#[inline(never)]
pub(super) fn end() {
    let end = now();
    if IS_ON.load(Ordering::Relaxed) != 0 {
        let length = instructions(BEGUN.load(Ordering::Relaxed), end);
        LONGEST.store(LONGEST.load(Ordering::Relaxed).max(length), Ordering::Relaxed);
    }
}

/// The instructions of the longest critical section while the step ran.
pub fn longest(step: impl FnOnce()) -> u32 {
    LONGEST.store(0, Ordering::Relaxed);
    IS_ON.store(1, Ordering::Relaxed);
    step();
    IS_ON.store(0, Ordering::Relaxed);
    LONGEST.load(Ordering::Relaxed)
}
