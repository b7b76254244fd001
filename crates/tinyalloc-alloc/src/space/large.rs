//! Large blocks: the first slice names them, and they change size where they stand.

use tinyalloc_sys::Mapper;

use super::Space;
use crate::span::class::SLICE_BYTES;
use crate::span::span_ref::SpanRef;

impl Space {
    /// Makes a large block known, by its first slice alone: no other address of it is ever valid.
    pub(crate) fn name_first_slice(&mut self, span: SpanRef) {
        let (region, run) = self.regions.place_of(span);
        region.set_span(&run.split_at(1).0, span);
    }

    /// Grows or shrinks a large block in place; false when the slices behind it are taken.
    pub(crate) fn resize_large<M: Mapper>(&mut self, mapper: &M, span: SpanRef, bytes: usize) -> bool {
        let (region, run) = self.regions.place_of(span);
        let slices_before = run.len();
        let slices = bytes.div_ceil(SLICE_BYTES);
        if slices > slices_before && !self.is_within_limit((slices - slices_before) * SLICE_BYTES) {
            return false;
        }
        let Ok(slices_kept) = u32::try_from(slices) else {
            return false;
        };
        if slices < slices_before {
            region.give_run(&run.split_at(slices).1, slices_before - slices);
        } else {
            let Some(fresh) = region.take_behind(mapper, &run, slices - slices_before) else {
                return false;
            };
            let balance = self.balance();
            self.decay.on_take(fresh * SLICE_BYTES, balance);
        }
        // SAFETY: the lock of the space is held, and no heap owns the span.
        let span = unsafe { span.owned() };
        // SAFETY: as many are taken.
        unsafe { span.set_size(slices_kept, bytes) };
        true
    }
}
