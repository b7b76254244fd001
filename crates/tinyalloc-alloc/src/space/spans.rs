//! Spans, taken and returned.

use tinyalloc_sys::Mapper;

use super::Space;
use crate::heap::heap_record::HeapRef;
use crate::region::commit::Shortage;
use crate::region::near::Near;
use crate::region::purpose::Purpose;
use crate::region::runs::Wanted;
use crate::span::class::SLICE_BYTES;
use crate::span::extent::Extent;
use crate::span::owned::OwnedSpan;
use crate::span::span_ref::SpanRef;
use crate::span::state::SpanState;

impl Space {
    /// A span of `slices`, aligned to `align` slices, for an isolated heap or for the global one;
    /// the page map does not name it yet.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn take_span<M: Mapper>(
        &mut self,
        mapper: &M,
        slices: usize,
        align: usize,
        purpose: Purpose,
        heap: Option<HeapRef>,
        near: Near,
    ) -> Option<OwnedSpan> {
        if !self.is_within_limit(slices.checked_mul(SLICE_BYTES)?) {
            return None;
        }
        let record = self.take_record(mapper, heap)?;
        let wanted = Wanted::new(slices, align, purpose, self.untrapped_ahead()).near(near);
        let Some(extent) = self.take_extent(mapper, wanted) else {
            self.retire_record(record, heap);
            return None;
        };
        self.counts.spans += 1;
        self.decay.on_take(extent.fresh_slices() as usize * SLICE_BYTES, self.balance());
        // SAFETY: the record is blank or retired, and the extent was taken just now.
        Some(unsafe { record.init(extent, heap.is_some()) })
    }

    fn take_extent<M: Mapper>(&mut self, mapper: &M, wanted: Wanted) -> Option<Extent> {
        self.take_known_extent(mapper, wanted)
            .or_else(|shortage| match shortage {
                // A new region would be refused as well, and cost address space.
                Shortage::OfMemory => Err(shortage),
                Shortage::OfRoom => self.take_further_extent(mapper, wanted),
            })
            // What is kept for the other purpose is better than nothing.
            .or_else(|_| self.take_known_extent(mapper, wanted.for_the_other_purpose()))
            // As is the memory of another node.
            .or_else(|_| {
                if self.are_nodes_several() {
                    self.take_known_extent(mapper, wanted.on_any_node())
                } else {
                    Err(Shortage::OfRoom)
                }
            })
            .ok()
    }

    /// A run in one of the regions that there are.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn take_known_extent<M: Mapper>(&self, mapper: &M, wanted: Wanted) -> Result<Extent, Shortage> {
        let mut shortage = Shortage::OfRoom;
        for (index, region) in self.regions.iter().enumerate() {
            match region.take_run(mapper, wanted, u32::try_from(index).map_err(|_| Shortage::OfRoom)?) {
                Err(Shortage::OfRoom) => {}
                Err(Shortage::OfMemory) => shortage = Shortage::OfMemory,
                taken => return taken,
            }
        }
        Err(shortage)
    }

    /// A run in a new region.
    fn take_further_extent<M: Mapper>(&mut self, mapper: &M, wanted: Wanted) -> Result<Extent, Shortage> {
        self.add_region(mapper, wanted.slices() + wanted.align(), wanted.purpose()).ok_or(Shortage::OfMemory)?;
        let index = self.regions.len() - 1;
        self.regions.at(index).take_run(mapper, wanted, u32::try_from(index).map_err(|_| Shortage::OfRoom)?)
    }

    /// Makes a span of small slots known: from here on its slots are found.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn name_slices(&self, span: SpanRef) {
        let (region, run) = self.regions.place_of(span);
        region.set_span(&run, span);
    }

    /// Takes a span with no live slot back.
    pub(crate) fn release_span(&mut self, span: SpanRef) {
        let (region, run) = self.regions.place_of(span);
        if span.state() == SpanState::Large {
            region.set_block_freed(&run);
        } else {
            region.set_span(&run, SpanRef::FREED);
        }
        // Of memory that was dirty when the span took it, all is dirty still, carved or not.
        let touched = if span.is_zeroed() { span.touched_bytes().div_ceil(SLICE_BYTES) } else { run.len() };
        region.give_run(&run, touched);
        span.disown();
        self.counts.spans -= 1;
        self.retire_record(span, HeapRef::of_span(span));
    }
}
