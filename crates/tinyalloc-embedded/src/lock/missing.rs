//! No lock: this processor has no compare-and-swap, and the feature `critical-section` is off. A
//! program that takes a claim does not link, and the name of what is missing says why.

use crate::chunk::ChunkId;
use crate::missing::tinyalloc_needs_its_feature_critical_section_on_this_processor;
use crate::sync::{AtomicBool, Ordering};

/// One context's claim on something shared.
pub(crate) struct Claim {
    taken: AtomicBool,
}

impl Claim {
    pub(crate) const fn new() -> Self {
        Self { taken: AtomicBool::new(false) }
    }

    #[inline]
    pub(crate) fn take(&self) -> bool {
        tinyalloc_needs_its_feature_critical_section_on_this_processor()
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

    #[inline]
    pub(crate) fn hold<R>(&self, step: impl FnOnce() -> R) -> Option<R> {
        if self.take() { Some(step()) } else { None }
    }

    #[inline]
    pub(crate) fn enter<R>(&self, step: impl FnOnce() -> R) -> Option<R> {
        self.hold(step)
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
