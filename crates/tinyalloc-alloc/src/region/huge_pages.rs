//! Huge pages: where a region asks the system for pages of 2 MiB, and where it no longer does.
//!
//! Memory that comes 2 MiB at a time costs an eighth (measured on Linux 6.18: 0.18 microseconds for
//! every 4 KiB, 1.4 in single pages), so a region that has grown past many huge pages asks for them
//! for what it commits from then on: the zone. One touch makes all of a huge page resident, so the
//! zone counts and decommits in units of whole ones, as long as that lasts. When less has to be
//! decommitted, the zone ends: the kernel would otherwise fill the holes again, unasked
//! (khugepaged). It begins again where enough above is empty.

use core::cell::Cell;
use core::ops::Range;
use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use crate::config::policy::{HUGE_PAGES_BEFORE, HUGE_PAGES_TO_BEGIN};
use crate::config::tunables::HugePagePolicy;
use crate::span::class::{SLICE_BYTES, SLICE_SHIFT};

/// On processors with pages of 4 KiB; elsewhere the advice is refused, or does no harm.
pub(crate) const HUGE_PAGE_BYTES: usize = 2 * 1024 * 1024;
pub(crate) const UNIT_SLICES: usize = HUGE_PAGE_BYTES / SLICE_BYTES;

/// The slices of one region that prefer huge pages: `first..end` is whole units. Slices from
/// `earliest` to `end` may have been resident as huge pages at some time.
pub(crate) struct HugePages {
    phase: usize,
    policy: HugePagePolicy,
    earliest: Cell<usize>,
    sparse: Cell<usize>,
    first: Cell<usize>,
    end: Cell<usize>,
    refused: Cell<bool>,
}

impl HugePages {
    pub(crate) fn new(slices_start: NonNull<u8>, policy: HugePagePolicy) -> HugePages {
        let phase = (slices_start.as_ptr().addr() >> SLICE_SHIFT) % UNIT_SLICES;
        let units_before = if policy == HugePagePolicy::Always { 0 } else { HUGE_PAGES_BEFORE };
        let refused = Cell::new(policy == HugePagePolicy::Never);
        let earliest = units_before * UNIT_SLICES + (UNIT_SLICES - phase) % UNIT_SLICES;
        let [earliest, first, end] = [earliest; 3].map(Cell::new);
        HugePages { phase, policy, earliest, sparse: Cell::new(0), first, end, refused }
    }

    /// Below this slice none were ever asked for.
    pub(crate) fn earliest(&self) -> usize {
        self.earliest.get()
    }

    /// So many slices more will be touched in part: the zone begins so much later.
    pub(crate) fn expect_sparse(&self, slices: usize) {
        if self.policy != HugePagePolicy::Always {
            self.sparse.set(self.sparse.get() + slices);
        }
    }

    /// So many slices are left to others: what lies beyond begins as a region does.
    pub(crate) fn expect_passed_over(&self, slices: usize) {
        self.expect_sparse(slices + HUGE_PAGES_BEFORE * UNIT_SLICES);
    }

    pub(crate) fn zone(&self) -> Range<usize> {
        self.first.get()..self.end.get()
    }

    /// Slices up to `committed` are committed now: the zone grows there.
    ///
    /// # Safety
    /// They are, from `slices_start` on.
    pub(crate) unsafe fn grow<M: Mapper>(&self, mapper: &M, slices_start: NonNull<u8>, committed: usize) {
        let (end, new_end) = (self.end.get(), self.unit_below(committed));
        if new_end <= end || self.refused.get() {
            return;
        }
        let is_early = self.policy != HugePagePolicy::Always && self.earliest.get() == end;
        if is_early && committed < HUGE_PAGES_BEFORE * UNIT_SLICES + self.sparse.get() {
            return [&self.earliest, &self.first, &self.end].into_iter().for_each(|bound| bound.set(new_end));
        }
        // SAFETY: the caller's promise.
        if unsafe { advise(mapper, slices_start, end..new_end, true) } {
            self.end.set(new_end);
        } else {
            self.refused.set(true);
        }
    }

    /// The zone ends: from here on memory may be decommitted in pieces. Should that be refused, the
    /// kernel may fill holes again.
    ///
    /// # Safety
    /// `slices_start` is that of [`HugePages::grow`].
    pub(crate) unsafe fn give_up<M: Mapper>(&self, mapper: &M, slices_start: NonNull<u8>) {
        if !self.zone().is_empty() {
            // SAFETY: the zone lies in what is committed.
            unsafe { advise(mapper, slices_start, self.zone(), false) };
            self.first.set(self.end.get());
        }
    }

    /// The units that must be empty for the zone to begin again with a run at `slice`, if it ended
    /// above it.
    pub(crate) fn units_to_begin_at(&self, slice: usize) -> Option<Range<usize>> {
        let first = self.unit_above(slice.max(self.earliest()));
        let last = first + HUGE_PAGES_TO_BEGIN * UNIT_SLICES;
        (self.zone().is_empty() && slice >= self.earliest() && last <= self.end.get() && !self.refused.get())
            .then_some(first..last)
    }

    /// # Safety
    /// As for [`HugePages::give_up`]; `first` is one of [`HugePages::units_to_begin_at`].
    pub(crate) unsafe fn begin_again<M: Mapper>(&self, mapper: &M, slices_start: NonNull<u8>, first: usize) {
        // SAFETY: up to its end, the zone lay in what is committed.
        if unsafe { advise(mapper, slices_start, first..self.end.get(), true) } {
            self.first.set(first);
        }
    }

    /// The units of the zone that a run lies in only in part: at most two.
    pub(crate) fn shared_units(&self, run: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let zone = self.zone();
        let (low, high) = (self.unit_below(run.start), self.unit_below(run.end.saturating_sub(1)));
        let shares_low = run.start != low || run.end < low + UNIT_SLICES;
        let shares_high = high != low && run.end != high + UNIT_SLICES;
        [(low, shares_low), (high, shares_high)]
            .into_iter()
            .filter(move |(unit, shares)| *shares && zone.contains(unit))
            .map(|(unit, _)| unit..unit + UNIT_SLICES)
    }

    /// Whether all of a run may be resident, whatever part of it was touched.
    pub(crate) fn may_have_filled(&self, run: &Range<usize>) -> bool {
        self.end.get() > self.earliest() && run.end > self.earliest() && run.start < self.end.get()
    }

    fn unit_below(&self, slice: usize) -> usize {
        ((slice + self.phase) / UNIT_SLICES * UNIT_SLICES).saturating_sub(self.phase)
    }

    fn unit_above(&self, slice: usize) -> usize {
        (slice + self.phase).next_multiple_of(UNIT_SLICES) - self.phase
    }
}

/// # Safety
/// The slices are committed.
unsafe fn advise<M: Mapper>(mapper: &M, slices_start: NonNull<u8>, slices: Range<usize>, preferred: bool) -> bool {
    // SAFETY: the caller's promise.
    let start = unsafe { slices_start.add(slices.start * SLICE_BYTES) };
    // SAFETY: as above.
    unsafe { mapper.prefer_huge_pages(start, slices.len() * SLICE_BYTES, preferred) }.is_ok()
}
