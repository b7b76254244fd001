//! The slow half of small requests: refilling a bin, and frees that change more than a list.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use crate::allocator::Allocator;
use crate::class::{SLICE_BYTES, SizeClass};
use crate::heap::HeapRef;
use crate::local::{Local, Mode};
use crate::misuse::Misuse;
use crate::remote::push_remote;
use crate::slot::Slot;
use crate::span::{Freed, Owner, SpanRef};

impl<M: Mapper> Allocator<M> {
    #[cold]
    #[inline(never)]
    pub(crate) fn allocate_small_slow<L: Local>(&self, local: L, class: SizeClass) -> Option<NonNull<u8>> {
        match local.mode() {
            Mode::Attached => self.allocate_attached(local, class),
            Mode::Unattached => {
                self.attach(local)?;
                let start = self.allocate_attached(local, class);
                local.arm_detach();
                start
            }
            Mode::Busy => self.allocate_emergency(class),
            Mode::Detached => self.allocate_detached(local, class),
        }
    }

    fn allocate_attached<L: Local>(&self, local: L, class: SizeClass) -> Option<NonNull<u8>> {
        let heap = self.enter(local);
        let slot = self.refill(local, heap, class);
        self.leave(local, heap);
        self.release_emptied(local, heap);
        self.slot_or_report(local, slot)
    }

    /// A thread that is ending borrows a heap for one call.
    fn allocate_detached<L: Local>(&self, local: L, class: SizeClass) -> Option<NonNull<u8>> {
        let heap = self.borrow_heap(local)?;
        local.set_mode(Mode::Busy);
        heap.set_busy(true);
        let slot = self.refill(local, heap, class);
        heap.set_busy(false);
        local.set_mode(Mode::Detached);
        self.release_emptied(local, heap);
        self.pool.lock(local.id()).push(heap);
        self.slot_or_report(local, slot)
    }

    fn slot_or_report<L: Local>(&self, local: L, slot: Result<Option<Slot>, Slot>) -> Option<NonNull<u8>> {
        match slot {
            Ok(slot) => slot.map(Slot::start),
            Err(tampered) => {
                local.report(Misuse::WriteAfterFree { address: tampered.address() });
                None
            }
        }
    }

    /// A signal handler interrupted the slow path: nothing but the emergency slots may be touched.
    fn allocate_emergency(&self, class: SizeClass) -> Option<NonNull<u8>> {
        let span = self.emergency()?;
        (class.bytes() <= span.slot_bytes()).then(|| span.emergency_claim()).flatten()
    }

    /// Enters the slow path: from here to [`Allocator::leave`] this thread's frees are remote and its allocations emergencies.
    pub(crate) fn enter<L: Local>(&self, local: L) -> HeapRef {
        let bins = local.bins();
        // SAFETY: an attached thread's bins are a heap's.
        let heap = unsafe { HeapRef::from_bins(bins) };
        heap.set_busy(true);
        local.set_mode(Mode::Busy);
        local.set_bins(Self::NO_BINS);
        heap
    }

    pub(crate) fn leave<L: Local>(&self, local: L, heap: HeapRef) {
        local.set_bins(heap.as_bins());
        local.set_mode(Mode::Attached);
        heap.set_busy(false);
    }

    fn refill<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Result<Option<Slot>, Slot> {
        let (secret, page_bytes) = (self.secret(), self.mapper.page_bytes());
        if let Some(slot) = heap.refill(class, page_bytes, secret)? {
            return Ok(Some(slot));
        }
        let span = match self.take_pooled(local, class)? {
            Some(span) => Some(span),
            None => self.take_fresh(local, heap, class),
        };
        span.map(|span| heap.adopt(span, page_bytes, secret)).transpose()
    }

    fn take_pooled<L: Local>(&self, local: L, class: SizeClass) -> Result<Option<SpanRef>, Slot> {
        let pool = self.pool.lock(local.id());
        if pool.is_empty() {
            return Ok(None);
        }
        let span = pool.take_span(class, self.secret())?;
        for pooled in pool.heaps().filter(|heap| heap.has_emptied()) {
            self.release_emptied(local, pooled);
        }
        Ok(span)
    }

    fn take_fresh<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Option<SpanRef> {
        let mut space = self.space.lock(local.id());
        let slices = class.span_slices(heap.spans(class));
        let span = space
            .take_span(&self.mapper, slices, 1)
            .or_else(|| space.take_span(&self.mapper, class.span_slices(0), 1))?;
        let slots = span.slices() as usize * SLICE_BYTES / class.bytes();
        span.become_small(heap.as_bins(), class, u32::try_from(slots).ok()?);
        space.name_slices(span);
        self.publish(&space);
        Some(span)
    }

    /// Gives spans without live slots back to the space.
    pub(crate) fn release_emptied<L: Local>(&self, local: L, heap: HeapRef) {
        if !heap.has_emptied() {
            return;
        }
        let mut space = self.space.lock(local.id());
        while let Some(span) = heap.pop_emptied() {
            space.release_span(span);
        }
        let due = self.due(&mut space);
        drop(space);
        self.purge(local, due);
    }
}

/// Frees.
impl<M: Mapper> Allocator<M> {
    /// The credit of a span of this thread's heap is spent.
    #[cold]
    #[inline(never)]
    pub(crate) fn free_settle<L: Local>(&self, local: L, span: SpanRef) {
        let heap = self.enter(local);
        heap.on_credit_spent(span);
        self.leave(local, heap);
        self.release_emptied(local, heap);
    }

    /// The span is not this thread's.
    #[cold]
    #[inline(never)]
    pub(crate) fn free_elsewhere<L: Local>(&self, start: *mut u8, local: L, span: SpanRef) {
        let Some(start) = NonNull::new(start) else {
            return;
        };
        match span.owner() {
            Owner::Heap(_) => self.free_remote(local, span, start),
            Owner::Large => self.free_large(local, span, start),
            Owner::Emergency if span.is_slot(start.as_ptr().addr()) => {
                if !span.emergency_release(start.as_ptr().addr()) {
                    local.report(Misuse::DoubleFree { address: start.as_ptr().addr(), slot_bytes: span.slot_bytes() });
                }
            }
            Owner::Emergency | Owner::Nobody => self.free_misused(start, local, span),
        }
    }

    fn free_remote<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) {
        if !span.is_slot(start.as_ptr().addr()) {
            return self.free_misused(start, local, span);
        }
        // SAFETY: a carved slot starts there.
        let slot = unsafe { Slot::new(start) };
        if slot.is_sealed(self.secret()) {
            return self.free_misused(start, local, span);
        }
        if !push_remote(span, slot, self.secret()) {
            return;
        }
        // The owner may have changed since, but it is a heap: the span cannot empty before the slot is collected.
        if let Owner::Heap(bins) = span.owner() {
            // SAFETY: an owner that is a heap is one (H2).
            unsafe { HeapRef::from_bins(bins) }.push_dirty(span);
        }
    }

    /// Null, a further region's, a huge block, or nothing of ours.
    #[cold]
    #[inline(never)]
    pub(crate) fn free_outside<L: Local>(&self, start: *mut u8, local: L) {
        let Some(start) = NonNull::new(start) else {
            return;
        };
        match self.find(local, start.as_ptr().addr()) {
            None => local.report(Misuse::NotAllocated { address: start.as_ptr().addr() }),
            Some(span) if local.is(span.owner_bins()) => self.free_in_further_region(local, span, start),
            Some(span) => self.free_elsewhere(start.as_ptr(), local, span),
        }
    }

    fn free_in_further_region<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) {
        match span.free_local(start, self.secret()) {
            Freed::Quiet => {}
            Freed::CreditSpent => self.free_settle(local, span),
            Freed::Sealed | Freed::NotASlot => self.free_misused(start, local, span),
        }
    }

    /// The program passed what is no live block.
    #[cold]
    #[inline(never)]
    pub(crate) fn free_misused<L: Local>(&self, start: NonNull<u8>, local: L, span: SpanRef) {
        local.report(span.verdict(start.as_ptr().addr()));
    }
}
