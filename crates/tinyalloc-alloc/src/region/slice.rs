//! Slices as a region hands them out: one by its number, or several in a row.

use core::ops::Range;
use core::ptr::NonNull;

use super::Region;
use crate::span::class::SLICE_SHIFT;
use crate::span::span_ref::SpanRef;

/// The number of a slice. Invariant R4: the slice is committed, in the region that made this, and
/// stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SliceIndex(usize);

impl SliceIndex {
    /// # Safety
    /// The slice is committed (R4).
    pub(super) const unsafe fn new(number: usize) -> SliceIndex {
        SliceIndex(number)
    }

    pub(crate) const fn number(self) -> usize {
        self.0
    }
}

/// Slices in a row, each as a [`SliceIndex`] (R4). For the region that made it: who keeps one keeps
/// the region's number beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    start: usize,
    end: usize,
}

impl Run {
    /// # Safety
    /// The slices are committed (R4).
    pub(super) const unsafe fn new(numbers: Range<usize>) -> Run {
        Run { start: numbers.start, end: numbers.end }
    }

    pub(super) const fn numbers(&self) -> Range<usize> {
        self.start..self.end
    }

    pub(crate) const fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) const fn end(&self) -> usize {
        self.end
    }

    pub(crate) const fn is_right_before(&self, next: &Run) -> bool {
        self.end == next.start
    }

    /// This run and one right behind it, of the same region.
    pub(crate) const fn with(&self, next: &Run) -> Run {
        debug_assert!(self.is_right_before(next), "runs that follow each other");
        Run { start: self.start, end: next.end }
    }

    /// The first `slices`, and the others.
    pub(crate) const fn split_at(&self, slices: usize) -> (Run, Run) {
        debug_assert!(slices <= self.len(), "a part of the run");
        let middle = self.start + slices;
        (Run { start: self.start, end: middle }, Run { start: middle, end: self.end })
    }

    pub(crate) fn slices(&self) -> impl DoubleEndedIterator<Item = SliceIndex> + use<> {
        self.numbers().map(SliceIndex)
    }
}

impl Region {
    /// The slice of a number, if it is committed.
    pub(crate) fn slice(&self, number: usize) -> Option<SliceIndex> {
        (number < self.committed_slices()).then_some(SliceIndex(number))
    }

    /// The slice that an address lies in, if it is committed.
    pub(crate) fn slice_at(&self, address: usize) -> Option<SliceIndex> {
        let offset = address.wrapping_sub(self.slices_start().as_ptr().addr());
        (offset < self.slices_committed_bytes()).then_some(SliceIndex(offset >> SLICE_SHIFT))
    }

    /// The slices of a span.
    ///
    /// # Safety
    /// It is one of this region (S4).
    pub(crate) unsafe fn run_of(&self, span: SpanRef) -> Run {
        let start = (span.address() - self.slices_start().as_ptr().addr()) >> SLICE_SHIFT;
        Run { start, end: start + span.slices() as usize }
    }

    pub(crate) fn start_of(&self, slice: SliceIndex) -> NonNull<u8> {
        // SAFETY: committed slices lie within the region (R4).
        unsafe { self.slices_start().add(slice.0 << SLICE_SHIFT) }
    }
}
