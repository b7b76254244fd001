//! The page map: from a slice to the record of its span.

use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use tinyalloc_bitmap::BitmapOps;

use super::Region;
use super::layout::PageMap;
use crate::span::class::SLICE_SHIFT;
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;

impl Region {
    /// The record behind an address, or `None` when it is not in a committed slice.
    pub(crate) fn span_at(&self, address: usize) -> Option<SpanRef> {
        let offset = address.wrapping_sub(self.slices.start().as_ptr().addr());
        (offset < self.slices_committed_bytes()).then(|| self.span_of_slice(offset >> SLICE_SHIFT))
    }

    /// The large block that an address lies in, found by walking down; for messages.
    pub(crate) fn block_around(&self, address: usize) -> Option<SpanRef> {
        let slice = (address - self.slices.start().as_ptr().addr()) >> SLICE_SHIFT;
        let first = (0..=slice).rev().take_while(|slice| self.used().get(*slice)).find(|slice| {
            let span = self.span_of_slice(*slice);
            span.owner() != Owner::Nobody
        })?;
        let span = self.span_of_slice(first);
        (first + span.slices() as usize > slice).then_some(span)
    }

    pub(crate) fn span_of_slice(&self, slice: usize) -> SpanRef {
        // SAFETY: the page map holds records only (R3).
        unsafe { SpanRef::from_raw(self.map_entry(slice).load(Ordering::Relaxed)) }
    }

    /// Names `span` behind `slices`.
    pub(crate) fn set_span(&self, slices: Range<usize>, span: SpanRef) {
        for slice in slices {
            self.map_entry(slice).store(span.as_ptr(), Ordering::Relaxed);
        }
    }

    pub(crate) fn slice_of(&self, start: NonNull<u8>) -> usize {
        (start.as_ptr().addr() - self.slices.start().as_ptr().addr()) >> SLICE_SHIFT
    }

    pub(crate) fn start_of(&self, slice: usize) -> NonNull<u8> {
        // SAFETY: slices lie within the region.
        unsafe { self.slices.start().add(slice << SLICE_SHIFT) }
    }

    fn map_entry(&self, slice: usize) -> &PageMap {
        // SAFETY: callers name committed slices, whose entries are committed (R2).
        let entry = unsafe { self.page_map().add(slice) };
        // SAFETY: as above; entries are atomics, and zero is a valid one.
        unsafe { entry.as_ref() }
    }
}
