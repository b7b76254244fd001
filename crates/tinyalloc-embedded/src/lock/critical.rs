//! The lock with the feature `critical-section`: the context that is inside is not interrupted, and
//! no other core is inside.

use critical_section::with;

use crate::chunk::ChunkId;
use crate::sync::{AtomicBool, Ordering};

/// One context's claim on something shared.
pub(crate) struct Claim {
    taken: AtomicBool,
}

impl Claim {
    pub(crate) const fn new() -> Self {
        Self { taken: AtomicBool::new(false) }
    }

    /// Takes the claim; false if another context has it.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        with(|_| {
            let is_free = !self.taken.load(Ordering::Acquire);
            // Only then: another core releases outside of critical sections, and a store now would
            // undo that.
            if is_free {
                self.taken.store(true, Ordering::Relaxed);
            }
            is_free
        })
    }

    /// Takes the claim where no other context can.
    #[inline]
    pub(crate) fn take_alone(&mut self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn release(&self) {
        self.taken.store(false, Ordering::Release);
    }

    /// Runs the step as a critical section, unless the claim is taken. The step must not come back
    /// here.
    #[inline]
    pub(crate) fn hold<R>(&self, step: impl FnOnce() -> R) -> Option<R> {
        with(|_| if self.taken.load(Ordering::Acquire) { None } else { Some(step()) })
    }

    /// Runs the step as a critical section and with the claim, so that it meets itself if it comes
    /// back here.
    #[inline]
    pub(crate) fn enter<R>(&self, step: impl FnOnce() -> R) -> Option<R> {
        with(|_| {
            if self.taken.load(Ordering::Acquire) {
                return None;
            }
            self.taken.store(true, Ordering::Relaxed);
            let _claimed = Claimed(self);
            Some(step())
        })
    }
}

/// A claim that is released even if the step panics, where panics unwind.
struct Claimed<'claim>(&'claim Claim);

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Chunks that were dropped while another context had the ledger: there are none, where the context
/// that comes waits.
pub(crate) struct Abandoned;

impl Abandoned {
    pub(crate) const fn new() -> Self {
        Self
    }

    pub(crate) fn push(&self, _chunk: ChunkId, _note: impl Fn(Option<ChunkId>)) {}

    #[inline]
    pub(crate) fn take(&self) -> Option<ChunkId> {
        None
    }
}
