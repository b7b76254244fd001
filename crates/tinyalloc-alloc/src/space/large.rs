//! Large blocks: the first slice names them, and they change size where they stand.

use tinyalloc_sys::Mapper;

use super::Space;
use crate::span::class::SLICE_BYTES;
use crate::span::span_ref::SpanRef;

impl Space {
    /// Makes a large block known, by its first slice alone: no other address of it is ever valid.
    pub(crate) fn name_first_slice(&mut self, span: SpanRef) {
        let region = self.regions.at(span.region() as usize);
        let first = region.slice_of(span.start());
        region.set_span(first..first + 1, span);
        self.counts.large_blocks += 1;
        self.counts.large_bytes += span.slot_bytes();
    }

    /// Takes a large block back.
    pub(crate) fn release_large(&mut self, span: SpanRef) {
        self.counts.large_blocks -= 1;
        self.counts.large_bytes -= span.slot_bytes();
        self.release_span(span);
    }

    /// Grows or shrinks a large block where it stands; false when the slices behind it are taken.
    pub(crate) fn resize_large<M: Mapper>(&mut self, mapper: &M, span: SpanRef, bytes: usize) -> bool {
        let region = self.regions.at(span.region() as usize);
        let first = region.slice_of(span.start());
        let slices_before = span.slices() as usize;
        let slices = bytes.div_ceil(SLICE_BYTES);
        if slices > slices_before && !self.is_within_limit((slices - slices_before) * SLICE_BYTES) {
            return false;
        }
        let Ok(slices_kept) = u32::try_from(slices) else {
            return false;
        };
        if slices < slices_before {
            region.give_run(first + slices..first + slices_before, slices_before - slices);
        } else {
            let Some(fresh) = region.take_exactly(mapper, first + slices_before..first + slices) else {
                return false;
            };
            let balance = self.balance();
            self.decay.on_take(fresh * SLICE_BYTES, balance);
        }
        self.counts.large_bytes = self.counts.large_bytes - span.slot_bytes() + bytes;
        span.set_slices(slices_kept);
        span.set_bytes(bytes);
        true
    }
}
