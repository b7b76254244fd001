//! Refilling a bin, and frees that change the state of their span.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::current;
use super::local::Local;
use super::state::Allocator;
use crate::heap::HeapRef;
use crate::heap::spare::Keeping;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::region::purpose::Purpose;
use crate::report::misuse::Misuse;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::owned::OwnedSpan;
use crate::span::slot::Slot;
use crate::span::span_ref::SpanRef;

/// How a refill ended: with a slot, without one, or with a free slot that somebody wrote to.
pub(crate) type Refilled = Result<Option<Slot>, Slot>;

impl<M: Mapper> Allocator<M> {
    pub(crate) fn refill<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Refilled {
        let (secret, page_bytes) = (self.secret(), self.mapper().page_bytes());
        if let Some(slot) = heap.refill(class, page_bytes, secret)? {
            return Ok(Some(slot));
        }
        if let Some(span) = heap.take_spare(class)
            && let Some(slot) = heap.adopt(span, page_bytes, secret)?
        {
            return Ok(Some(slot));
        }
        if let Some(span) = self.take_pooled(local, heap, class)?
            && let Some(slot) = heap.adopt(span, page_bytes, secret)?
        {
            return Ok(Some(slot));
        }
        if let Some(slot) = self.adopt_fresh(local, heap, class)? {
            return Ok(Some(slot));
        }
        let _ = self.release_spare(local, heap, Keeping::Nothing);
        if let Some(isolated) = IsolatedRef::of(heap) {
            heap.retire_idle(secret);
            let _ = self.release_spare(local, heap, Keeping::Nothing);
            self.give_up_pooled(local, isolated);
            if self.takes_part_early(local, heap, isolated, class)
                && let Some(slot) = heap.refill(class, page_bytes, secret)?
            {
                return Ok(Some(slot));
            }
        }
        self.give_up_spare(local);
        self.adopt_fresh(local, heap, class)
    }

    /// At its limit, a heap uses every free slot that it has.
    fn takes_part_early<L: Local>(&self, local: L, heap: HeapRef, isolated: IsolatedRef, class: SizeClass) -> bool {
        let space = self.space().lock(local.id());
        space.is_some() && isolated.spans().any(|span| heap.take_part(span, class))
    }

    fn adopt_fresh<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Refilled {
        if heap.quota().is_some_and(|quota| !quota.has_room(class.bytes())) {
            return Ok(None);
        }
        let Some(span) = self.take_fresh(local, heap, class) else {
            return Ok(None);
        };
        heap.adopt(span, self.mapper().page_bytes(), self.secret())
    }

    fn take_pooled<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Result<Option<OwnedSpan>, Slot> {
        let Some(global) = self.pool().lock(local.id()) else {
            return Ok(None);
        };
        let isolated = IsolatedRef::of(heap);
        let pool = isolated.as_ref().map_or(&*global, |isolated| isolated.pool());
        if pool.is_empty() {
            return Ok(None);
        }
        let span = pool.take_span(class, heap, self.secret())?;
        for pooled in pool.heaps().filter(|heap| heap.has_spare(Keeping::Some)) {
            let _ = self.release_spare(local, pooled, Keeping::Some);
        }
        Ok(span)
    }

    fn take_fresh<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Option<OwnedSpan> {
        let mut space = self.space().lock(local.id())?;
        let guard = usize::from(heap.is_hardened());
        let slices = class.span_slices(heap.spans(class)) + guard;
        let least = class.span_slices(0) + guard;
        let isolated = IsolatedRef::of(heap);
        let span = space
            .take_span(self.mapper(), slices, 1, Purpose::Slots, isolated)
            .or_else(|| space.take_span(self.mapper(), least, 1, Purpose::Slots, isolated))?;
        let slots = (span.slices() as usize - guard) * SLICE_BYTES / class.bytes();
        span.become_small(heap.as_bins(), class, u32::try_from(slots).ok()?);
        space.name_slices(*span);
        self.publish(&space);
        drop(space);
        if heap.is_hardened() {
            self.harden(*span);
        }
        Some(span)
    }

    /// `refusals` are those before the refill began.
    pub(crate) fn slot_or_report<L: Local>(
        &self,
        local: L,
        class: SizeClass,
        slot: Refilled,
        refusals: usize,
    ) -> Option<NonNull<u8>> {
        match slot {
            Ok(Some(slot)) => Some(slot.start()),
            Ok(None) if self.is_inside(local) || self.refusals() != refusals => self.allocate_in_emergency(class),
            Ok(None) => None,
            Err(tampered) => {
                local.report(Misuse::WriteAfterFree { address: tampered.address() });
                None
            }
        }
    }
}

/// A free that changes its span's state.
impl<M: Mapper> Allocator<M> {
    /// The credit of a span of this thread's heap is spent.
    #[cold]
    #[inline(never)]
    pub(crate) fn free_settle<L: Local>(&self, local: L, span: SpanRef) {
        self.free_settle_on(local, current(local), span);
    }

    pub(crate) fn free_settle_on<L: Local>(&self, local: L, heap: HeapRef, span: SpanRef) {
        let visit = self.enter_on(local, heap);
        // SAFETY: it is one of this heap's, which is this thread's (H1).
        visit.heap().on_credit_spent(unsafe { span.owned() });
        let due = self.release_spare(local, visit.heap(), Keeping::Some);
        self.leave(local, visit);
        self.purge(local, due);
    }
}
