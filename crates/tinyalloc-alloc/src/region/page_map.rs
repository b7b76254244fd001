//! The page map: from a slice to the record of its span.

use core::iter::from_fn;
use core::ops::Range;
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

    /// Everything that the page map names, each once: spans, large blocks, and the records of what
    /// was freed.
    pub(crate) fn spans(&self) -> impl Iterator<Item = SpanRef> + '_ {
        self.spans_from(0).map(|(span, _)| span)
    }

    /// As [`Region::spans`], from a slice on, each with the number of the slice behind it.
    pub(crate) fn spans_from(&self, mut number: usize) -> impl Iterator<Item = (SpanRef, usize)> + '_ {
        from_fn(move || {
            let span = self.span_of_slice(self.slice(number)?);
            number += (span.slices() as usize).max(1);
            Some((span, number))
        })
    }

    /// Names `span`, or what was freed, behind every slice of a run.
    pub(crate) fn set_span(&self, run: &Run, span: SpanRef) {
        self.write_entries(run, span);
        self.note_written(run.numbers());
    }

    /// As [`Region::set_span`] of what was freed, for a large block. All but its first slice were
    /// free when the block took them: those that were written before are known to be freed.
    pub(crate) fn set_block_freed(&self, run: &Run) {
        let (first, others) = run.split_at(1);
        self.write_entries(&first, SpanRef::FREED);
        let (others, written) = (others.numbers(), self.written());
        if others.start < written.start || others.end > written.end {
            self.set_span(run, SpanRef::FREED);
        }
    }

    /// New slices never held a span.
    pub(super) fn set_blank(&self, run: &Run) {
        self.write_entries(run, SpanRef::NONE);
    }

    fn write_entries(&self, run: &Run, span: SpanRef) {
        for slice in run.slices() {
            self.map_entry(slice).store(span.as_ptr(), Ordering::Relaxed);
        }
    }

    /// Of the slices that were written, the region remembers those in a row, the most that it knew
    /// at a time.
    fn note_written(&self, slices: Range<usize>) {
        let written = self.written();
        let joins = slices.start <= written.end && written.start <= slices.end;
        if joins {
            self.set_written(written.start.min(slices.start)..written.end.max(slices.end));
        } else if slices.len() > written.len() {
            self.set_written(slices);
        }
    }

    /// Whether none of the slices that are remembered as written is blank (R6), for walks that
    /// check invariants.
    pub(crate) fn written_holds(&self) -> bool {
        self.written().all(|number| self.slice(number).is_some_and(|slice| self.span_of_slice(slice) != SpanRef::NONE))
    }

    fn written(&self) -> Range<usize> {
        self.written_from.get()..self.written_end.get()
    }

    fn set_written(&self, slices: Range<usize>) {
        self.written_from.set(slices.start);
        self.written_end.set(slices.end);
    }

    fn map_entry(&self, slice: SliceIndex) -> &PageMap {
        // SAFETY: the slice is committed (R4), and so is its entry (R2).
        let entry = unsafe { self.page_map().add(slice.number()) };
        // SAFETY: as above; entries are atomics, and zero is a valid one.
        unsafe { entry.as_ref() }
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may give up")]

    use tinyalloc_sys::{Mapper, SystemMapper};

    use crate::config::tunables::HugePagePolicy;
    use crate::region::Region;
    use crate::region::purpose::Purpose;
    use crate::region::runs::Wanted;
    use crate::region::slice::Run;
    use crate::span::span_ref::SpanRef;

    const SLICES: usize = 100;
    const REGION_BYTES: usize = 1 << 28;

    fn take(region: &Region) -> Run {
        region.take_run(&SystemMapper, Wanted::new(SLICES, 1, Purpose::Block, 0), 0).unwrap();
        // SAFETY: it was taken just now, as the lowest one.
        unsafe { Run::new(0..SLICES) }
    }

    #[test]
    fn a_block_writes_all_of_its_entries_the_first_time_that_it_is_freed() {
        let region = Region::new(&SystemMapper, REGION_BYTES, 1, HugePagePolicy::Never, Purpose::Block).unwrap();
        let run = take(&region);
        let named = |number| region.span_of_slice(region.slice(number).unwrap());
        assert!((0..SLICES).all(|number| named(number) == SpanRef::NONE));
        region.set_block_freed(&run);
        assert!((0..SLICES).all(|number| named(number) == SpanRef::FREED));
        assert!(region.written_holds());
        region.give_run(&run, 0);

        let run = take(&region);
        region.set_blank(&run);
        region.set_block_freed(&run);
        assert_eq!(named(0), SpanRef::FREED);
        assert!((1..SLICES).all(|number| named(number) == SpanRef::NONE), "what is known is not written again");
        for (start, bytes) in region.mappings().into_iter().filter(|(_, bytes)| *bytes > 0) {
            // SAFETY: the region ends here.
            unsafe { SystemMapper.release(start, bytes) }.unwrap();
        }
    }
}
