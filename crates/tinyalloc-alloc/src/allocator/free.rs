//! Free: the hit path, and every way beyond it. They call each other, so they are one file.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::{attached_thread_heap, heap_in_use, is_own, trace};
use super::lookup::zero_size_misuse;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::hardening::canary::CANARY_BYTES;
use crate::hardening::quarantine::Quarantine;
use crate::heap::heap_record::HeapRef;
use crate::report::misuse::Misuse;
use crate::space::Space;
use crate::span::free_list::Freed;
use crate::span::owner::Owner;
use crate::span::remote::push_remote;
use crate::span::slot::Slot;
use crate::span::span_ref::SpanRef;
use crate::thread_heap::ThreadHeapRef;

impl<M: Mapper> Allocator<M> {
    /// Frees a block. Anything else than the start of a live block is reported, and changes
    /// nothing.
    ///
    /// # Safety
    /// If `start` is the start of a live block, no thread uses the block any more.
    #[inline(always)]
    pub unsafe fn free<C: ThreadContext>(&self, context: C, start: *mut u8) {
        let near = self.near(context);
        let Some(span) = near.span_in_first_region(start.addr()) else {
            return self.free_outside(start, context);
        };
        if !context.is(span.owner_bins()) {
            return self.free_elsewhere(start, context, span);
        }
        // SAFETY: the first region is never at null.
        let start = unsafe { NonNull::new_unchecked(start) };
        // SAFETY: its owner is this thread's heap (H1).
        match unsafe { span.owned() }.free_local(start, near.hit_secret()) {
            Freed::Done => {}
            Freed::CountdownZero => self.free_relist(context, span),
            Freed::AlreadyFree | Freed::NotASlot => self.free_misused(start, context, span),
        }
    }

    /// As [`Allocator::free`], which is copied to wherever it is called.
    ///
    /// # Safety
    /// As for [`Allocator::free`].
    #[cold]
    #[inline(never)]
    unsafe fn free_rarely<C: ThreadContext>(&self, context: C, start: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { self.free(context, start) };
    }

    /// Null, a further region's, a huge block, or nothing of ours. Programs free null often: it
    /// needs no frame.
    #[cold]
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn free_outside<C: ThreadContext>(&self, start: *mut u8, context: C) {
        if let Some(start) = NonNull::new(start) {
            self.free_block_outside(start, context);
        }
    }

    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn free_block_outside<C: ThreadContext>(&self, start: NonNull<u8>, context: C) {
        if self.policy().checks_frees() || self.guard_range().contains(start.as_ptr().addr()) {
            return self.free_checked(context, start);
        }
        if self.zero_size().contains(start.as_ptr().addr()) {
            return self.free_zero_size(context, start.as_ptr().addr());
        }
        let address = start.as_ptr().expose_provenance();
        if self.emergency().release_block(self.mapper(), address) {
            return;
        }
        let Some(space) = self.space().look(context.id()) else {
            return self.emergency().defer_free(self.mapper(), address);
        };
        let found = space.look_up(address);
        drop(space);
        match found {
            Err(misuse) => context.report(misuse),
            Ok(span) if context.is(span.owner_bins()) => self.free_in_further_region(context, span, start),
            Ok(span) => self.free_elsewhere(start.as_ptr(), context, span),
        }
    }

    /// The span is not this thread's.
    #[cold]
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn free_elsewhere<C: ThreadContext>(&self, start: *mut u8, context: C, span: SpanRef) {
        let Some(start) = NonNull::new(start) else {
            return;
        };
        match span.owner() {
            Owner::Heap(bins) => match heap_in_use(context, bins) {
                Some(heap) => self.free_own(context, heap, span, start),
                None => self.free_remote(context, span, start),
            },
            Owner::Large => self.free_large_block(context, span, start),
            Owner::Emergency if span.is_slot(start.as_ptr().addr()) => {
                if !span.emergency_release(start.as_ptr().addr()) {
                    context.report(Misuse::DoubleFree { address: start.as_ptr().addr(), slot_bytes: span.slot_bytes() });
                }
            }
            Owner::Kept | Owner::Emergency | Owner::Nobody => self.free_misused(start, context, span),
        }
    }

    fn free_in_further_region<C: ThreadContext>(&self, context: C, span: SpanRef, start: NonNull<u8>) {
        // SAFETY: its owner is a heap of this thread (H1).
        match unsafe { span.owned() }.free_local(start, self.secret()) {
            Freed::Done => {}
            Freed::CountdownZero => self.free_relist(context, span),
            Freed::AlreadyFree | Freed::NotASlot => self.free_misused(start, context, span),
        }
    }

    fn free_remote<C: ThreadContext>(&self, context: C, span: SpanRef, start: NonNull<u8>) {
        if !span.is_slot(start.as_ptr().addr()) {
            return self.free_misused(start, context, span);
        }
        // SAFETY: a carved slot starts there.
        let slot = unsafe { Slot::new(start) };
        if slot.is_signed(self.secret()) {
            return self.free_misused(start, context, span);
        }
        if self.is_profiled(span) {
            let _ = self.end_sample(context, start.as_ptr().addr());
        }
        if !push_remote(span, slot, self.secret()) {
            return;
        }
        // The owner may have changed since, but it is a heap: the span cannot empty before the slot
        // is collected.
        if let Owner::Heap(bins) = span.owner() {
            // SAFETY: an owner that is a heap is one (H2).
            unsafe { ThreadHeapRef::from_bins(bins) }.push_dirty(span);
        }
    }

    /// Frees a block of a span that is this thread's, though perhaps not of the current heap.
    #[inline(always)]
    pub(crate) fn free_own<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, span: SpanRef, start: NonNull<u8>) {
        // SAFETY: its owner is a heap of this thread (H1).
        match unsafe { span.owned() }.free_local(start, self.secret()) {
            Freed::Done => {}
            Freed::CountdownZero => self.free_relist_on(context, heap, span),
            Freed::AlreadyFree | Freed::NotASlot => self.free_misused(start, context, span),
        }
    }

    fn free_large_block<C: ThreadContext>(&self, context: C, span: SpanRef, start: NonNull<u8>) {
        if span.is_sampled() && span.is_slot(start.as_ptr().addr()) {
            // Refused, it is tried again where the block waits to be freed.
            span.set_sampled(!self.end_sample(context, start.as_ptr().addr()));
        }
        self.free_large(context, span, start);
    }

    pub(crate) fn free_large<C: ThreadContext>(&self, context: C, span: SpanRef, start: NonNull<u8>) {
        let address = start.as_ptr().addr();
        if !span.is_slot(address) {
            return self.free_misused(start, context, span);
        }
        if self.keep(context, span, address) {
            return;
        }
        let Some(mut space) = self.space().lock(context.id()) else {
            return self.emergency().defer_free(self.mapper(), address);
        };
        // The thread that takes the block away from its owner frees it; of two threads at once, the
        // other made a mistake.
        if !span.is_slot(address) || !span.claim_large() {
            drop(space);
            return context.report(Misuse::DoubleFree { address, slot_bytes: span.slot_bytes() });
        }
        self.freelike(start);
        if let Some(heap) = HeapRef::of_span(span) {
            heap.quota().uncharge(span.slot_bytes());
        }
        if Space::is_huge(span) {
            space.learn_from_mapping(span.slot_bytes());
            let block = space.remove_huge(span);
            return self.unmap_huge_beside(context, space, block);
        }
        let traps_all = self.policy().traps_every_freed_block();
        if traps_all || space.affords_trap(self.mapper(), span) {
            let ended = space.end_large(span);
            return self.trap_freed(context, space, &ended, |this| {
                if traps_all {
                    // SAFETY: no other thread takes the block's run before it is taken back.
                    unsafe { this.trap_whole_pages(ended.start(), ended.bytes()) }
                } else {
                    // SAFETY: as above, and it is committed.
                    unsafe { this.mapper().trap_by_rights(ended.start(), ended.bytes()) }.is_ok()
                }
            });
        }
        self.license_keeping(context, &mut space, span);
        space.release_span(span);
        let due = self.due(&mut space);
        drop(space);
        self.attach_for_blocks(context);
        self.purge(context, due);
    }

    /// Frees an address of the range of zero-size allocations.
    #[cold]
    pub(crate) fn free_zero_size<C: ThreadContext>(&self, context: C, address: usize) {
        if let Err(mistake) = self.zero_size().free(address) {
            context.report(zero_size_misuse(mistake, address));
        }
    }

    pub(crate) fn free_guarded<C: ThreadContext>(&self, context: C, address: usize) {
        let freer = (context.id().0, trace(context));
        let Some(mut guards) = self.guards().lock(context.id()) else {
            return self.emergency().defer_free(self.mapper(), address);
        };
        let freed = guards.free(self.mapper(), self.guard_range(), address, freer);
        drop(guards);
        if let Err(mistake) = freed {
            context.report(self.guard_misuse(mistake, address));
        }
    }

    /// The pointer failed a check.
    #[cold]
    #[inline(never)]
    pub(crate) fn free_misused<C: ThreadContext>(&self, start: NonNull<u8>, context: C, span: SpanRef) {
        // What waits in quarantine is on no list.
        let may_be_live = !self.policy().keeps_freed_waiting() && is_own(context, span);
        if may_be_live && span.is_slot(start.as_ptr().addr()) {
            // SAFETY: a carved slot starts there.
            let is_signed = unsafe { Slot::new(start) }.is_signed(self.secret());
            if !is_signed && span.has_holes() {
                return self.free_among_holes(start, context, span);
            }
            // SAFETY: it is one of this thread's heap (H1).
            if is_signed && !unsafe { span.owned() }.lists(start, self.secret()) && !self.is_guest(start, span) {
                return self.free_lookalike(start, context, span);
            }
        }
        context.report(self.verdict(context, span, start.as_ptr().addr()));
    }

    /// Whether a slot of a span of this thread's waits in the bin of its heap, though the span is
    /// not current there.
    fn is_guest(&self, start: NonNull<u8>, span: SpanRef) -> bool {
        match span.owner() {
            // SAFETY: an owner that is a heap is one (H2).
            Owner::Heap(bins) => unsafe { ThreadHeapRef::from_bins(bins) }.has_in_bin(start, span.class(), self.secret()),
            Owner::Nobody | Owner::Large | Owner::Kept | Owner::Emergency => false,
        }
    }

    /// The hit path does not know the slots behind a span's first hole.
    fn free_among_holes<C: ThreadContext>(&self, start: NonNull<u8>, context: C, span: SpanRef) {
        // SAFETY: it is one of this thread's heap (H1).
        let owned = unsafe { span.owned() };
        // SAFETY: the slot was looked up.
        let freed = unsafe { owned.free_slot(start, self.secret()) };
        if let Owner::Heap(bins) = span.owner() {
            if freed == Freed::CountdownZero {
                // SAFETY: an owner that is a heap is one (H2).
                self.free_relist_on(context, unsafe { ThreadHeapRef::from_bins(bins) }, span);
            }
        }
    }

    /// A live slot whose contents look like a free one's: a copy, made by the program while it was
    /// free.
    fn free_lookalike<C: ThreadContext>(&self, start: NonNull<u8>, context: C, span: SpanRef) {
        // SAFETY: a carved slot starts there, and it is live.
        unsafe { Slot::new(start) }.unsign();
        // SAFETY: the caller of free gave the block up.
        unsafe { self.free_rarely(context, start.as_ptr()) };
        // SAFETY: the span is this thread's (H1).
        debug_assert!(unsafe { span.owned() }.lists(start, self.secret()));
    }

    /// Frees what signal handlers left, and what threads could not free beside a fork.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn free_left<C: ThreadContext>(&self, context: C) {
        if self.is_inside(context) {
            return;
        }
        while !self.is_stalled() {
            let Some(start) = self.emergency().take_left() else { return };
            // SAFETY: a signal handler gave the block up.
            unsafe { self.free_rarely(context, start.as_ptr()) };
        }
    }
}

/// In a heap that the caller names.
impl<M: Mapper> Allocator<M> {
    /// As [`Allocator::free`], and reported if the block is another heap's.
    ///
    /// # Safety
    /// As for [`Allocator::free`].
    #[inline(always)]
    pub unsafe fn free_in<C: ThreadContext>(&self, context: C, heap: HeapRef, start: *mut u8) {
        // SAFETY: the caller's promise.
        if !unsafe { self.free_in_hit(context, heap, start) } {
            // SAFETY: the caller's promise.
            unsafe { self.free_in_slow(context, Some(heap), start) };
        }
    }

    /// As [`Allocator::free_in`], but only if the block's span is this thread's; false, and nothing
    /// was done, if it is not.
    ///
    /// # Safety
    /// As for [`Allocator::free`].
    #[inline(always)]
    pub unsafe fn free_in_hit<C: ThreadContext>(&self, context: C, heap: HeapRef, start: *mut u8) -> bool {
        let Some(span) = self.span_in_first_region(start.addr()) else { return false };
        let Some(thread_heap) = attached_thread_heap(context, heap) else { return false };
        let is_own = span.owner_bins() == thread_heap.as_bins().as_ptr().cast_const();
        if is_own {
            // SAFETY: the first region is never at null.
            self.free_own(context, thread_heap, span, unsafe { NonNull::new_unchecked(start) });
        }
        is_own
    }

    /// As [`Allocator::free_in`], for what is not this thread's; `None` names the global heap.
    ///
    /// # Safety
    /// As for [`Allocator::free`].
    #[cold]
    #[inline(never)]
    pub unsafe fn free_in_slow<C: ThreadContext>(&self, context: C, heap: Option<HeapRef>, start: *mut u8) {
        if let Some(misuse) = self.wrong_heap(context, heap, start) {
            return context.report(misuse);
        }
        // SAFETY: the caller's promise.
        unsafe { self.free_rarely(context, start) };
    }
}

/// Where every free is checked.
impl<M: Mapper> Allocator<M> {
    /// Frees a block, of whatever kind.
    #[cold]
    pub(crate) fn free_checked<C: ThreadContext>(&self, context: C, start: NonNull<u8>) {
        let _quiet = self.errors_disabled();
        match self.span_of(start.as_ptr().addr()) {
            Some(span) if span.has_heap() => self.free_slot_checked(context, span, start),
            _ => self.free_other_checked(context, start),
        }
    }

    /// Frees what is not known to be a slot of a heap.
    fn free_other_checked<C: ThreadContext>(&self, context: C, start: NonNull<u8>) {
        let address = start.as_ptr().expose_provenance();
        if self.zero_size().contains(address) {
            return self.free_zero_size(context, address);
        }
        if self.guard_range().contains(address) {
            return self.free_guarded(context, address);
        }
        if self.emergency().release_block(self.mapper(), address) {
            return;
        }
        let span = match self.span_of(address) {
            Some(span) => span,
            None => match self.space().look(context.id()).map(|space| space.look_up(address)) {
                None => return self.emergency().defer_free(self.mapper(), address),
                Some(Err(misuse)) => return context.report(misuse),
                Some(Ok(span)) => span,
            },
        };
        if span.has_heap() {
            self.free_slot_checked(context, span, start)
        } else {
            self.free_elsewhere(start.as_ptr(), context, span)
        }
    }

    fn free_slot_checked<C: ThreadContext>(&self, context: C, span: SpanRef, start: NonNull<u8>) {
        let (address, slot_bytes, policy) = (start.as_ptr().addr(), span.slot_bytes(), self.policy());
        if !span.is_slot(address) {
            return self.free_misused(start, context, span);
        }
        if policy.has_canaries() {
            return self.free_hardened(context, span, start);
        }
        // SAFETY: a carved slot starts there.
        if unsafe { Slot::new(start) }.is_signed(self.secret()) {
            return self.free_misused(start, context, span);
        }
        self.freelike(start);
        if policy.clears_freed() {
            // SAFETY: the slot is live, and the program gave it up.
            unsafe { start.write_bytes(0, slot_bytes) };
        }
        if !policy.keeps_freed_waiting() || may_end(span) {
            return self.free_now(context, span, start);
        }
        match self.quarantine(context) {
            Some((heap, quarantine)) => {
                // SAFETY: a carved slot starts there; signed, it is free already.
                unsafe { Slot::new(start) }.sign(Slot::END, self.secret());
                self.free_later(context, heap, quarantine, span, start);
            }
            None => self.free_now(context, span, start),
        }
    }

    /// A slot of a hardened heap: whatever was in it is cleared.
    #[inline(always)]
    fn free_hardened<C: ThreadContext>(&self, context: C, span: SpanRef, start: NonNull<u8>) {
        let (address, slot_bytes) = (start.as_ptr().addr(), span.slot_bytes());
        let canary = self.canary(start, slot_bytes);
        if canary.asked_for().is_none() {
            if self.is_free_slot(start, slot_bytes) {
                return self.free_misused(start, context, span);
            }
            return context.report(Misuse::Overflow { address, slot_bytes });
        }
        if address > span.address() {
            // SAFETY: a slot lies before this one.
            let before = unsafe { start.sub(slot_bytes) };
            if !self.canary(before, slot_bytes).is_whole() {
                return context.report(Misuse::Underflow { address, slot_bytes });
            }
        }
        // SAFETY: the slot is live, and the program gave it up.
        unsafe { start.write_bytes(0, slot_bytes - CANARY_BYTES) };
        if !may_end(span) {
            if let Some((heap, quarantine)) = self.quarantine(context) {
                canary.wait();
                return self.free_later(context, heap, quarantine, span, start);
            }
        }
        canary.clear();
        self.free_now(context, span, start);
    }

    /// Puts a slot into quarantine, and frees those that have waited.
    fn free_later<C: ThreadContext>(
        &self,
        context: C,
        heap: ThreadHeapRef,
        quarantine: &Quarantine,
        span: SpanRef,
        start: NonNull<u8>,
    ) {
        let slow_path = self.begin_slow_path_on(context, heap);
        quarantine.put(start, span.slot_bytes());
        let mut next = quarantine.overflow(self.policy().quarantine_bytes(), heap.random());
        self.end_slow_path(context, slow_path);
        while let Some(waited) = next {
            self.free_waited(context, quarantine, waited);
            let slow_path = self.begin_slow_path_on(context, heap);
            next = quarantine.overflow(self.policy().quarantine_bytes(), heap.random());
            self.end_slow_path(context, slow_path);
        }
    }

    /// A slot has waited long enough.
    fn free_waited<C: ThreadContext>(&self, context: C, quarantine: &Quarantine, start: NonNull<u8>) {
        let address = start.as_ptr().addr();
        let Some(span) = self.span_of(address).or_else(|| self.find_span(context, address)) else {
            return;
        };
        quarantine.forget(span.slot_bytes());
        if !self.ends_waiting(start, span.slot_bytes()) {
            return context.report(Misuse::WriteAfterFree { address });
        }
        self.free_now(context, span, start);
    }

    /// Returns a slot to its heap.
    fn free_now<C: ThreadContext>(&self, context: C, span: SpanRef, start: NonNull<u8>) {
        if let Owner::Heap(bins) = span.owner() {
            if context.mode() == Mode::Attached {
                // SAFETY: an owner that is a heap is one (H2).
                let heap = unsafe { ThreadHeapRef::from_bins(bins) };
                if context.is(bins.as_ptr()) || heap.is_of(context.id()) {
                    let slow_path = self.begin_slow_path_on(context, heap);
                    // SAFETY: its owner is a heap of this thread (H1).
                    let freed = unsafe { span.owned() }.free_local(start, self.secret());
                    self.end_slow_path(context, slow_path);
                    return match freed {
                        Freed::Done => {}
                        Freed::CountdownZero => self.free_relist_on(context, heap, span),
                        Freed::AlreadyFree | Freed::NotASlot => self.free_misused(start, context, span),
                    };
                }
            }
        }
        // SAFETY: a carved slot starts there.
        let slot = unsafe { Slot::new(start) };
        if push_remote(span, slot, self.secret()) {
            if let Owner::Heap(bins) = span.owner() {
                // SAFETY: an owner that is a heap is one (H2).
                unsafe { ThreadHeapRef::from_bins(bins) }.push_dirty(span);
            }
        }
    }

    /// The thread is ending: nothing of its waits any longer.
    pub(crate) fn end_quarantine<C: ThreadContext>(&self, context: C) {
        if !self.policy().keeps_freed_waiting() {
            return;
        }
        if self.default_heap(context).is_some_and(|default_heap| default_heap.quarantine().is_none()) {
            return;
        }
        if let Some((_, quarantine)) = self.quarantine(context) {
            for waited in quarantine.take_all() {
                self.free_waited(context, quarantine, waited);
            }
        }
    }
}

/// Whether a span is of a heap that may end before what waits in quarantine.
fn may_end(span: SpanRef) -> bool {
    HeapRef::of_span(span).is_some_and(|heap| !heap.is_partition())
}
