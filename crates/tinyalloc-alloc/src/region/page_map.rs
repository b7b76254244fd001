//! The page map: from a slice to the record of its span.

use core::sync::atomic::Ordering;

use tinyalloc_bitmap::BitmapOps;

use super::Region;
use super::layout::PageMap;
use super::slice::{Run, SliceIndex};
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;

impl Region {
    /// The record behind an address, or `None` when it is not in a committed slice.
    pub(crate) fn span_at(&self, address: usize) -> Option<SpanRef> {
        self.slice_at(address).map(|slice| self.span_of_slice(slice))
    }

    /// The large block that a slice is a part of, found by walking down; for messages.
    pub(crate) fn block_around(&self, slice: SliceIndex) -> Option<SpanRef> {
        // SAFETY: below a committed slice all are (R4).
        let below = unsafe { Run::new(0..slice.number() + 1) };
        let mut used = below.slices().rev().take_while(|slice| self.used().get(slice.number()));
        let first = used.find(|slice| self.span_of_slice(*slice).owner() != Owner::Nobody)?;
        let span = self.span_of_slice(first);
        (first.number() + span.slices() as usize > slice.number()).then_some(span)
    }

    pub(crate) fn span_of_slice(&self, slice: SliceIndex) -> SpanRef {
        // SAFETY: the page map holds records only (R3).
        unsafe { SpanRef::from_raw(self.map_entry(slice).load(Ordering::Relaxed)) }
    }

    /// Names `span` behind every slice of a run.
    pub(crate) fn set_span(&self, run: &Run, span: SpanRef) {
        for slice in run.slices() {
            self.map_entry(slice).store(span.as_ptr(), Ordering::Relaxed);
        }
    }

    fn map_entry(&self, slice: SliceIndex) -> &PageMap {
        // SAFETY: the slice is committed (R4), and so is its entry (R2).
        let entry = unsafe { self.page_map().add(slice.number()) };
        // SAFETY: as above; entries are atomics, and zero is a valid one.
        unsafe { entry.as_ref() }
    }
}
