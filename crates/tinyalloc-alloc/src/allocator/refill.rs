//! Refilling a bin, and frees that change the state of their span.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::current;
use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::heap::heap_record::HeapRef;
use crate::region::purpose::Purpose;
use crate::report::misuse::Misuse;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::owned::OwnedSpan;
use crate::span::slot::Slot;
use crate::span::span_ref::SpanRef;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::spare::SpareLimit;

/// How a refill ended: with a slot, without one, or with a free slot that the program wrote to.
pub(crate) type Refilled = Result<Option<Slot>, Slot>;

impl<M: Mapper> Allocator<M> {
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn refill<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, class: SizeClass) -> Refilled {
        let (secret, page_bytes) = (self.secret(), self.mapper().page_bytes());
        if let Some(slot) = heap.refill(class, page_bytes, secret)? {
            return Ok(Some(slot));
        }
        if let Some(span) = heap.take_spare(class) {
            if let Some(slot) = heap.adopt(span, page_bytes, secret)? {
                return Ok(Some(slot));
            }
        }
        if let Some(span) = self.take_pooled(context, heap, class)? {
            if let Some(slot) = heap.adopt(span, page_bytes, secret)? {
                return Ok(Some(slot));
            }
        }
        if let Some(slot) = self.adopt_fresh(context, heap, class)? {
            return Ok(Some(slot));
        }
        let _ = self.release_spare(context, heap, SpareLimit::None);
        if let Some(isolated) = HeapRef::of(heap) {
            heap.retire_idle(secret, &|address| self.find_span(context, address))?;
            let _ = self.release_spare(context, heap, SpareLimit::None);
            self.purge_sampled(context, Some(isolated));
            self.purge_pooled_thread_heaps(context, isolated);
            if self.takes_part_early(context, heap, isolated, class) {
                if let Some(slot) = heap.refill(class, page_bytes, secret)? {
                    return Ok(Some(slot));
                }
            }
        }
        self.abandon_spare(context);
        self.adopt_fresh(context, heap, class)
    }

    /// At its limit, a heap uses every free slot that it has.
    fn takes_part_early<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, isolated: HeapRef, class: SizeClass) -> bool {
        let space = self.space().lock(context.id());
        space.is_some() && isolated.spans().any(|span| heap.take_part(span, class))
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn adopt_fresh<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, class: SizeClass) -> Refilled {
        if heap.quota().is_some_and(|quota| !quota.has_room(class.bytes())) {
            return Ok(None);
        }
        let Some(span) = self.take_fresh(context, heap, class) else {
            return Ok(None);
        };
        heap.adopt(span, self.mapper().page_bytes(), self.secret())
    }

    fn take_pooled<C: ThreadContext>(
        &self,
        context: C,
        heap: ThreadHeapRef,
        class: SizeClass,
    ) -> Result<Option<OwnedSpan>, Slot> {
        let Some(global) = self.pool().lock(context.id()) else {
            return Ok(None);
        };
        let isolated = HeapRef::of(heap);
        // What is not sampled must not be where sampled blocks are.
        if self.sampled_heap(isolated) == Some(heap) {
            return Ok(None);
        }
        let pool = isolated.as_ref().map_or(&*global, |isolated| isolated.pool());
        if pool.is_empty() {
            return Ok(None);
        }
        let span = pool.take_span(class, heap, self.secret(), &|address| self.find_span(context, address))?;
        for pooled in pool.heaps().filter(|heap| heap.has_spare(SpareLimit::Usual)) {
            let _ = self.release_spare(context, pooled, SpareLimit::Usual);
        }
        if let Some(span) = span {
            heap.mark_anew(span, self.secret());
        }
        Ok(span)
    }

    fn take_fresh<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, class: SizeClass) -> Option<OwnedSpan> {
        let mut space = self.space().lock(context.id())?;
        let guard = heap.policy().guard_slices() as usize;
        let slices = class.span_slices(heap.spans(class)) + guard;
        let least = class.span_slices(0) + guard;
        let isolated = HeapRef::of(heap);
        Self::return_kept_for(&mut space, heap, slices);
        let near = space.near(self.mapper(), isolated);
        heap.settle(near);
        let span = space
            .take_span(self.mapper(), slices, 1, Purpose::Slots, isolated, near)
            .or_else(|| space.take_span(self.mapper(), least, 1, Purpose::Slots, isolated, near))?;
        let slots = (span.slices() as usize - guard) * SLICE_BYTES / class.bytes();
        span.become_small(heap.as_bins(), class, u32::try_from(slots).ok()?);
        space.name_slices(*span);
        self.publish(&space);
        drop(space);
        if guard > 0 {
            self.harden(*span);
        }
        Some(span)
    }

    /// `refusals` are those before the refill began.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn slot_or_report<C: ThreadContext>(
        &self,
        context: C,
        class: SizeClass,
        slot: Refilled,
        refusals: usize,
    ) -> Option<NonNull<u8>> {
        match slot {
            Ok(Some(slot)) => Some(slot.start()),
            Ok(None) if self.is_inside(context) || self.refusals() != refusals => self.allocate_in_emergency(class),
            Ok(None) => None,
            Err(tampered) => {
                context.report(Misuse::WriteAfterFree { address: tampered.address() });
                None
            }
        }
    }
}

/// A free that changes its span's state.
impl<M: Mapper> Allocator<M> {
    /// The countdown of a span of this thread's heap is at zero.
    #[cold]
    #[inline(never)]
    pub(crate) fn free_relist<C: ThreadContext>(&self, context: C, span: SpanRef) {
        self.free_relist_on(context, current(context), span);
    }

    pub(crate) fn free_relist_on<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, span: SpanRef) {
        let slow_path = self.begin_slow_path_on(context, heap);
        // SAFETY: it is one of this heap's, which is this thread's (H1).
        slow_path.heap().on_countdown_zero(unsafe { span.owned() }, self.secret());
        let due = self.release_spare(context, slow_path.heap(), SpareLimit::Usual);
        self.end_slow_path(context, slow_path);
        self.purge(context, due);
    }
}
