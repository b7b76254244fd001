//! Freed large blocks of the global heap that threads keep, and take again without a lock.
//!
//! A thread may keep blocks while the time that traps may cost is spent: who frees large blocks
//! rarely has each of them trapped.

use core::iter::successors;

use tinyalloc_sys::Mapper;

use super::caller::current;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::config::policy::{KEPT_BLOCK_SLICES_MAX, KEPT_MILLISECONDS, KEPT_SLICES_MAX};
use crate::config::tunables::PurgeMode;
use crate::heap::heap_record::HeapRef;
use crate::space::Space;
use crate::span::class::SLICE_BYTES;
use crate::span::span_ref::SpanRef;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::kept_blocks::KeptBlocks;

impl<M: Mapper> Allocator<M> {
    /// The thread's own heap, if it is the global one's and current.
    pub(crate) fn keeper<C: ThreadContext>(context: C) -> Option<ThreadHeapRef> {
        (context.mode() == Mode::Attached).then(|| current(context)).filter(|heap| HeapRef::of(*heap).is_none())
    }

    /// A block that this thread kept, of at least `bytes` bytes, which hold anything.
    pub(crate) fn take_kept<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<SpanRef> {
        if bytes > KEPT_BLOCK_SLICES_MAX * SLICE_BYTES {
            return None;
        }
        let span = Self::keeper(context)?.kept_blocks().take(bytes.div_ceil(SLICE_BYTES))?;
        span.end_keeping(self.mapper().page_ceiling(bytes));
        Some(span)
    }

    /// Keeps a block that is freed; false, and nothing was done, if it is not to be kept, or is not
    /// live.
    pub(crate) fn keep<C: ThreadContext>(&self, context: C, span: SpanRef, address: usize) -> bool {
        let slices = span.slices() as usize;
        let Some(keeper) = Self::keeper(context) else {
            return false;
        };
        let kept = keeper.kept_blocks();
        if Space::is_huge(span) || HeapRef::of_span(span).is_some() || !self.is_licensed(kept) {
            return false;
        }
        let Some(place) = kept.place_for(slices).filter(|_| span.begin_keeping()) else {
            return false;
        };
        if !span.is_slot(address) || span.slices() as usize != slices {
            // Two frees of one block at once, and a new block has its record already.
            span.end_keeping(span.slot_bytes());
            return false;
        }
        if !kept.put(place, span) {
            self.release_kept_block(context, span);
        }
        true
    }

    fn is_licensed(&self, kept: &KeptBlocks) -> bool {
        kept.is_licensed(|| self.mapper().now_milliseconds())
    }

    #[cold]
    #[inline(never)]
    fn release_kept_block<C: ThreadContext>(&self, context: C, span: SpanRef) {
        if let Some(mut space) = self.space().lock(context.id()) {
            return space.release_span(span);
        }
        span.end_keeping(span.slot_bytes());
        self.emergency().defer_free(self.mapper(), span.address());
    }

    /// A block was freed the long way, and was not trapped: the next ones may be kept. One of those
    /// that are kept goes back, since there was no room.
    #[cold]
    #[inline(never)]
    pub(crate) fn license_keeping<C: ThreadContext>(&self, context: C, space: &mut Space, span: SpanRef) {
        let Some(heap) =
            Self::keeper(context).filter(|_| span.slices() as usize <= KEPT_BLOCK_SLICES_MAX && HeapRef::of_span(span).is_none())
        else {
            return;
        };
        if self.policy().checks_frees() || space.tunables().purge_mode == PurgeMode::Eager {
            return;
        }
        let kept = heap.kept_blocks();
        let slices = span.slices() as usize;
        if slices > KEPT_SLICES_MAX && !kept.is_lent_room() {
            kept.note_freed(slices);
            if !kept.is_room_wanted() || !space.lend_room() {
                return;
            }
            kept.lend_room();
            space.set_keeping(true);
        }
        if self.is_licensed(kept) {
            if let Some(span) = kept.take_next() {
                space.release_span(span);
            }
            return;
        }
        kept.license(self.mapper().now_milliseconds() + KEPT_MILLISECONDS);
        space.set_keeping(true);
    }

    /// What a thread keeps goes back to the space.
    pub(crate) fn release_kept_of<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef) {
        if let Some(mut space) = self.space().lock(context.id()) {
            Self::end_keeping(&mut space, heap);
        }
    }

    /// What a thread keeps goes back to the space rather than that memory is taken which was never
    /// touched.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn return_kept_for(space: &mut Space, heap: ThreadHeapRef, slices: usize) {
        if space.resident_free_bytes() < slices * SLICE_BYTES {
            Self::return_kept(space, heap);
        }
    }

    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn return_kept(space: &mut Space, heap: ThreadHeapRef) {
        while let Some(span) = heap.kept_blocks().take_any() {
            space.release_span(span);
        }
    }

    /// As [`Allocator::return_kept`], and the room that is lent.
    fn end_keeping(space: &mut Space, heap: ThreadHeapRef) {
        space.take_room_back(heap.kept_blocks().end_loan());
        Self::return_kept(space, heap);
    }

    /// What threads keep goes back to the space; all of it, or what no thread used for an epoch.
    #[cold]
    #[inline(never)]
    pub(crate) fn release_kept<C: ThreadContext>(&self, context: C, which: KeptScope) {
        let Some(mut space) = self.space().lock(context.id()) else {
            return;
        };
        if which == KeptScope::Idle && !space.is_keeping() {
            return;
        }
        let mut is_keeping = false;
        for heap in successors(space.heaps(), |heap| heap.next_heap()) {
            let kept = heap.kept_blocks();
            if which == KeptScope::Idle && kept.was_used() && !kept.is_loan_idle() {
                is_keeping = true;
                continue;
            }
            Self::end_keeping(&mut space, heap);
            is_keeping |= self.is_licensed(kept);
        }
        space.set_keeping(is_keeping);
    }
}

/// Which kept blocks go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeptScope {
    /// Those of threads that used none for an epoch.
    Idle,
    /// Each.
    All,
}
