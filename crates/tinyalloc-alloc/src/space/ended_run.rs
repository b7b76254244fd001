//! Slices of blocks that have ended, which are trapped before they are free.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::Space;
use crate::config::tunables::PurgeMode;
use crate::heap::heap_record::HeapRef;
use crate::region::slice::Run;
use crate::span::class::SLICE_BYTES;
use crate::span::span_ref::SpanRef;

/// Slices that were a destroyed heap's, and what they held.
#[derive(Clone, Debug)]
pub(crate) struct EndedRun {
    region: usize,
    run: Run,
    start: NonNull<u8>,
    spans: usize,
}

impl EndedRun {
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.run.len() * SLICE_BYTES
    }

    /// Adds `next` if it lies right behind, or right before; false if it does not.
    pub(crate) fn join(&mut self, next: &EndedRun) -> bool {
        if next.region != self.region {
            return false;
        }
        if self.run.is_right_before(&next.run) {
            self.run = self.run.with(&next.run);
        } else if next.run.is_right_before(&self.run) {
            self.run = next.run.with(&self.run);
            self.start = next.start;
        } else {
            return false;
        }
        self.spans += next.spans;
        true
    }
}

impl Space {
    /// The slices of a span of a destroyed heap.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn end_of(&self, span: SpanRef) -> EndedRun {
        let (_, run) = self.regions.place_of(span);
        EndedRun { region: span.region() as usize, run, start: span.start(), spans: 1 }
    }

    /// A large block is freed that is to be trapped first: its slices stay in use until
    /// [`Space::reclaim`].
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn end_large(&mut self, span: SpanRef) -> EndedRun {
        let ended = self.end_of(span);
        // The record may describe another span before the slices are taken back.
        self.regions.at(ended.region).set_span(&ended.run.split_at(1).0, SpanRef::FREED);
        self.retire_record(span, HeapRef::of_span(span));
        ended
    }

    /// Takes the slices of a destroyed heap back, of which nothing is resident any more if they
    /// were trapped.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn reclaim(&mut self, ended: &EndedRun, trapped: bool) {
        let region = self.regions.at(ended.region);
        region.set_span(&ended.run, SpanRef::FREED);
        if trapped {
            region.give_trapped_run(&ended.run);
            self.counts.purges += 1;
            self.counts.purged_bytes += ended.bytes();
        } else {
            region.give_run(&ended.run, ended.run.len());
        }
        self.counts.spans -= ended.spans;
    }

    /// Whether a large block is to be trapped as soon as it is freed, though no option asks for
    /// that.
    pub(crate) fn affords_trap<M: Mapper>(&mut self, mapper: &M, span: SpanRef) -> bool {
        let EndedRun { region, run, .. } = self.end_of(span);
        self.tunables.purge_mode == PurgeMode::Decay
            && self.may_trap(mapper, region, &run)
            && self.trap_budget.pay_for_free(run.len() * SLICE_BYTES, || mapper.now_milliseconds())
    }
}
