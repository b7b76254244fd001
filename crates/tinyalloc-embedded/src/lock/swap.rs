//! The lock without the feature `critical-section`: the context that meets another context inside
//! is refused, and never waits.

use crate::chunk::ChunkId;
use crate::sync::{AtomicBool, AtomicU16, Ordering};

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
        !self.taken.swap(true, Ordering::AcqRel)
    }

    /// Takes the claim where no other context can.
    #[inline]
    pub(crate) fn take_alone(&mut self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    /// A swap, not a store: who was refused in the meantime, and so did not wake us, has done its
    /// work before what we look at next.
    #[inline]
    pub(crate) fn release(&self) {
        self.taken.swap(false, Ordering::AcqRel);
    }

    /// Runs the step with the claim, unless it is taken.
    #[inline]
    pub(crate) fn hold<R>(&self, step: impl FnOnce() -> R) -> Option<R> {
        self.enter(step)
    }

    /// The same: the context that comes back here meets the claim.
    #[inline]
    pub(crate) fn enter<R>(&self, step: impl FnOnce() -> R) -> Option<R> {
        if !self.take() {
            return None;
        }
        let _claimed = Claimed(self);
        Some(step())
    }
}

/// A claim that is released even if the step panics, where panics unwind.
struct Claimed<'claim>(&'claim Claim);

impl Drop for Claimed<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Chunks that were dropped while another context had the ledger: a stack that all contexts push
/// to, and that the next one in the ledger takes whole.
pub(crate) struct Abandoned {
    first: AtomicU16,
}

impl Abandoned {
    pub(crate) const fn new() -> Self {
        Self { first: AtomicU16::new(0) }
    }

    /// Puts a chunk on the stack, after the one below it is noted in it.
    pub(crate) fn push(&self, chunk: ChunkId, note: impl Fn(Option<ChunkId>)) {
        let mut below = self.first.load(Ordering::Relaxed);
        loop {
            note(ChunkId::from_link(below));
            let link = ChunkId::to_link(Some(chunk));
            match self.first.compare_exchange_weak(below, link, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(first) => below = first,
            }
        }
    }

    #[inline]
    pub(crate) fn take(&self) -> Option<ChunkId> {
        match self.first.load(Ordering::Relaxed) {
            0 => None,
            _ => ChunkId::from_link(self.first.swap(0, Ordering::Acquire)),
        }
    }
}
