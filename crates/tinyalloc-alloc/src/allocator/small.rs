//! The slow half of small requests: refilling a bin, and frees that change more than a list.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::{current, heap_in_use, is_own};
use super::hit_paths::Allocator;
use super::local::{Local, Mode};
use crate::heap::HeapRef;
use crate::heap::spare::Keeping;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::region::purpose::Purpose;
use crate::report::misuse::Misuse;
use crate::space::decay::Due;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::free_list::Freed;
use crate::span::owned::OwnedSpan;
use crate::span::owner::Owner;
use crate::span::remote::push_remote;
use crate::span::slot::Slot;
use crate::span::span_ref::SpanRef;
use crate::support::lock::Patience;

/// How a refill ended: with a slot, without one, or with a free slot that somebody wrote to.
type Refilled = Result<Option<Slot>, Slot>;

impl<M: Mapper> Allocator<M> {
    #[cold]
    #[inline(never)]
    pub(crate) fn allocate_small_slow<L: Local>(&self, local: L, class: SizeClass) -> Option<NonNull<u8>> {
        match local.mode() {
            Mode::Attached => self.allocate_attached(local, current(local), class),
            Mode::Unattached | Mode::Visiting => self.allocate_unattached(local, class),
            Mode::Busy => self.allocate_in_emergency(class),
            Mode::Detached => self.allocate_borrowed(local, class, Mode::Detached),
        }
    }

    fn allocate_unattached<L: Local>(&self, local: L, class: SizeClass) -> Option<NonNull<u8>> {
        if !local.is_end_told() {
            return self.allocate_visiting(local, class);
        }
        let refusals = self.refusals();
        if self.attach(local, Patience::None).is_none() {
            return self.slot_or_report(local, class, Ok(None), refusals);
        }
        let start = self.allocate_attached(local, current(local), class);
        local.arm_detach();
        start
    }

    /// The second call arms the thread, and the third finds it armed, or arms it again: the first may be a part of what forgets that.
    #[cold]
    fn allocate_visiting<L: Local>(&self, local: L, class: SizeClass) -> Option<NonNull<u8>> {
        if local.mode() == Mode::Visiting {
            // What that allocates itself must not come back here.
            local.set_mode(Mode::Detached);
            local.arm_detach();
        }
        self.allocate_borrowed(local, class, Mode::Visiting)
    }

    /// Allocates in one of this thread's heaps.
    pub(crate) fn allocate_attached<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Option<NonNull<u8>> {
        let refusals = self.refusals();
        let visit = self.enter_on(local, heap);
        let slot = self.refill(local, visit.heap(), class);
        self.empty_bin(visit.heap(), class);
        let due = self.release_spare(local, visit.heap(), Keeping::Some);
        self.leave(local, visit);
        self.purge(local, due);
        self.free_left(local);
        self.slot_or_report(local, class, slot, refusals)
    }

    /// A thread that may not have a heap borrows one for one call, and is in `mode` afterwards.
    fn allocate_borrowed<L: Local>(&self, local: L, class: SizeClass, mode: Mode) -> Option<NonNull<u8>> {
        let refusals = self.refusals();
        local.set_mode(Mode::Busy);
        let slot = self.borrow_heap(local, Patience::None).map_or(Ok(None), |heap| {
            heap.set_busy(true);
            let slot = self.refill(local, heap, class);
            self.empty_bin(heap, class);
            let _ = self.release_spare(local, heap, Keeping::Some);
            heap.set_busy(false);
            self.return_heap(local, heap);
            slot
        });
        local.set_mode(mode);
        self.slot_or_report(local, class, slot, refusals)
    }

    /// `refusals` are those before the refill began.
    fn slot_or_report<L: Local>(&self, local: L, class: SizeClass, slot: Refilled, refusals: usize) -> Option<NonNull<u8>> {
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

    /// Aligned as a slot of the class is at least: an alignment may be why it was chosen.
    fn allocate_in_emergency(&self, class: SizeClass) -> Option<NonNull<u8>> {
        let align = (1 << class.bytes().trailing_zeros()).min(SLICE_BYTES);
        self.emergency().allocate(self.mapper(), class.bytes(), align)
    }

    fn refill<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Refilled {
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

    /// Gives spans without live slots back to the space, but for those that the heap keeps; what is due to be purged then, once no lock is held.
    #[must_use = "purge it"]
    pub(crate) fn release_spare<L: Local>(&self, local: L, heap: HeapRef, keeping: Keeping) -> Due {
        if !heap.has_spare(keeping) {
            return Due::Nothing;
        }
        if heap.is_hardened() {
            self.purge_spare(local, heap, keeping);
            return Due::Nothing;
        }
        // Refused to a signal handler: they stay where they are until the next time.
        let Some(mut space) = self.space().lock(local.id()) else {
            return Due::Nothing;
        };
        while let Some(span) = heap.pop_spare(keeping) {
            space.release_span(*span);
        }
        self.due(&mut space)
    }
}

/// Frees.
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

    /// The span is not this thread's.
    #[cold]
    #[inline(never)]
    pub(crate) fn free_elsewhere<L: Local>(&self, start: *mut u8, local: L, span: SpanRef) {
        let Some(start) = NonNull::new(start) else {
            return;
        };
        match span.owner() {
            Owner::Heap(bins) => match heap_in_use(local, bins) {
                Some(heap) => self.free_own(local, heap, span, start),
                None => self.free_remote(local, span, start),
            },
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
        if self.checks().any() || self.guard_range().contains(start.as_ptr().addr()) {
            return self.free_checked(local, start);
        }
        if self.empty().contains(start.as_ptr().addr()) {
            return self.free_nothing(local, start.as_ptr().addr());
        }
        let address = start.as_ptr().expose_provenance();
        if self.emergency().release_block(self.mapper(), address) {
            return;
        }
        let Some(space) = self.space().look(local.id()) else {
            return self.emergency().leave(self.mapper(), address);
        };
        let found = space.look_up(address);
        drop(space);
        match found {
            Err(misuse) => local.report(misuse),
            Ok(span) if local.is(span.owner_bins()) => self.free_in_further_region(local, span, start),
            Ok(span) => self.free_elsewhere(start.as_ptr(), local, span),
        }
    }

    /// Frees what signal handlers left, and what threads could not free beside a fork.
    pub(crate) fn free_left<L: Local>(&self, local: L) {
        if self.is_inside(local) {
            return;
        }
        while !self.is_stalled()
            && let Some(start) = self.emergency().take_left()
        {
            // SAFETY: a signal handler gave the block up.
            unsafe { self.free(local, start.as_ptr()) };
        }
    }

    fn free_in_further_region<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) {
        // SAFETY: its owner is this thread's heap (H1).
        match unsafe { span.owned() }.free_local(start, self.secret()) {
            Freed::Quiet => {}
            Freed::CreditSpent => self.free_settle(local, span),
            Freed::Sealed | Freed::NotASlot => self.free_misused(start, local, span),
        }
    }

    /// The pointer failed a check.
    #[cold]
    #[inline(never)]
    pub(crate) fn free_misused<L: Local>(&self, start: NonNull<u8>, local: L, span: SpanRef) {
        // What waits in quarantine is on no list.
        let may_be_live = !self.checks().keep_slots_waiting() && is_own(local, span);
        // SAFETY: then it is one of this thread's heap (H1).
        let is_free = |span: SpanRef| unsafe { span.owned() }.lists(start, self.secret());
        if may_be_live && span.is_slot(start.as_ptr().addr()) && !is_free(span) {
            return self.free_unsealed(start, local, span);
        }
        local.report(self.verdict(local, span, start.as_ptr().addr()));
    }

    /// What is wrong with freeing `address`.
    pub(crate) fn verdict<L: Local>(&self, local: L, span: SpanRef, address: usize) -> Misuse {
        match span.owner() {
            Owner::Nobody => {
                self.space().look(local.id()).map_or(Misuse::NotAllocated { address }, |space| space.verdict(address))
            }
            Owner::Heap(_) | Owner::Large | Owner::Emergency => span.verdict(address),
        }
    }

    /// A live slot whose contents look like a free one's: a copy, made by the program while it was free.
    fn free_unsealed<L: Local>(&self, start: NonNull<u8>, local: L, span: SpanRef) {
        // SAFETY: a carved slot starts there, and it is live.
        unsafe { Slot::new(start) }.unseal();
        // SAFETY: the caller of free gave the block up.
        unsafe { self.free(local, start.as_ptr()) };
        // SAFETY: the span is this thread's (H1).
        debug_assert!(unsafe { span.owned() }.lists(start, self.secret()));
    }
}
