//! Huge pages: where a region asks the system for pages of 2 MiB, and where it no longer does.
//!
//! Memory that comes 2 MiB at a time costs an eighth (measured on Linux 6.18: 0.18 microseconds for every 4 KiB, 1.4 in single pages), so
//! a region that has grown past many huge pages asks for them for what it commits from then on: the zone. Inside it, memory is
//! decommitted in whole huge pages while that lasts. When less has to be decommitted, the zone ends: the kernel would
//! otherwise fill the holes again, unasked (khugepaged). It begins again where everything above is empty.

use core::cell::Cell;
use core::ops::Range;
use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use crate::class::{SLICE_BYTES, SLICE_SHIFT};

/// On processors with pages of 4 KiB; elsewhere the advice is refused, or does no harm.
pub(crate) const HUGE_PAGE_BYTES: usize = 2 * 1024 * 1024;
const UNIT_SLICES: usize = HUGE_PAGE_BYTES / SLICE_BYTES;
/// A region of this many huge pages loses little when the last one is used in part.
const UNITS_BEFORE: usize = 16;

/// Slices `zone` of one region prefer huge pages; both ends are whole ones, counted from address zero.
pub(crate) struct HugePages {
    phase: usize,
    zone: Cell<(usize, usize)>,
    refused: Cell<bool>,
}

impl HugePages {
    pub(crate) fn new(slices_start: NonNull<u8>) -> HugePages {
        let phase = (slices_start.as_ptr().addr() >> SLICE_SHIFT) % UNIT_SLICES;
        let first = (UNITS_BEFORE * UNIT_SLICES).next_multiple_of(UNIT_SLICES) + (UNIT_SLICES - phase) % UNIT_SLICES;
        HugePages { phase, zone: Cell::new((first, first)), refused: Cell::new(false) }
    }

    /// Slices up to `committed` are committed now: the zone grows there.
    pub(crate) fn grow<M: Mapper>(&self, mapper: &M, slices_start: NonNull<u8>, committed: usize) {
        let (first, end) = self.zone.get();
        let new_end = self.unit_below(committed);
        if new_end <= end || self.refused.get() {
            return;
        }
        // SAFETY: the slices are committed, so they lie in the region.
        let start = unsafe { slices_start.add(end * SLICE_BYTES) };
        // SAFETY: as above.
        let advised = unsafe { mapper.prefer_huge_pages(start, (new_end - end) * SLICE_BYTES, true) };
        self.refused.set(advised.is_err());
        self.zone.set((first, new_end));
    }

    /// The zone ends: from here on memory may be decommitted in pieces.
    pub(crate) fn give_up<M: Mapper>(&self, mapper: &M, slices_start: NonNull<u8>) {
        let (first, end) = self.zone.replace((self.zone.get().1, self.zone.get().1));
        // SAFETY: the slices are committed, so they lie in the region.
        let start = unsafe { slices_start.add(first * SLICE_BYTES) };
        // SAFETY: as above. If it is refused, the kernel may fill holes again.
        let _ = unsafe { mapper.prefer_huge_pages(start, (end - first) * SLICE_BYTES, false) };
    }

    /// The zone ended, and nothing is in use or resident from `first` on: it begins again there.
    pub(crate) fn begin_again(&self, first: usize) {
        let (start, end) = self.zone.get();
        let first = self.unit_above(first);
        if start == end && first < end {
            self.zone.set((first, first));
        }
    }

    /// Whether it is worth asking what is empty above `slice`.
    pub(crate) fn ended_above(&self, slice: usize) -> bool {
        let (start, end) = self.zone.get();
        start == end && slice >= UNITS_BEFORE * UNIT_SLICES && slice < end && !self.refused.get()
    }

    pub(crate) fn touches(&self, run: &Range<usize>) -> bool {
        let (first, end) = self.zone.get();
        run.end > first && run.start < end
    }

    /// The whole huge pages of the zone in a run: the last ones, at most about `slices_max`.
    pub(crate) fn units_in(&self, run: &Range<usize>, slices_max: usize) -> Range<usize> {
        let (first, end) = self.zone.get();
        let end = self.unit_below(run.end.min(end));
        let lowest = end.saturating_sub(slices_max.max(UNIT_SLICES));
        let start = self.unit_above(run.start.max(first).max(lowest));
        start..end.max(start)
    }

    /// The part of a run below the zone.
    pub(crate) fn below(&self, run: Range<usize>) -> Range<usize> {
        let first = self.zone.get().0;
        run.start..run.end.min(first).max(run.start)
    }

    fn unit_below(&self, slice: usize) -> usize {
        ((slice + self.phase) / UNIT_SLICES * UNIT_SLICES).saturating_sub(self.phase)
    }

    fn unit_above(&self, slice: usize) -> usize {
        (slice + self.phase).next_multiple_of(UNIT_SLICES) - self.phase
    }
}
