//! The ways of a program that wants more checks than the default: every call comes here, and not to the hit path.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::{attachments_of, current};
use super::hit_paths::Allocator;
use super::local::{Local, Mode};
use super::request::Request;
use crate::hardening::canary::{CANARY_BYTES, Canary, HARDENED_SLOT_BYTES_MIN};
use crate::hardening::quarantine::Quarantine;
use crate::heap::HeapRef;
use crate::heap::spare::Keeping;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::report::misuse::Misuse;
use crate::span::class::{SLICE_BYTES, SLOT_ALIGN, SizeClass};
use crate::span::free_list::Freed;
use crate::span::owner::Owner;
use crate::span::remote::push_remote;
use crate::span::slot::Slot;
use crate::span::span_ref::SpanRef;
use crate::support::lock::Patience;
use crate::support::memory::is_clear;

/// Allocating.
impl<M: Mapper> Allocator<M> {
    /// Whether every call is to be checked: known once the allocator has started, and so it does.
    pub(crate) fn checks_all<L: Local>(&self, local: L) -> bool {
        if self.secret().is_none()
            && let Some(mut space) = self.space().lock(local.id())
        {
            let _ = self.start(local, &mut space);
        }
        self.checks().any()
    }

    /// A slot of the current heap that lies ready, for what is asked for most: no guards, no alignment.
    #[inline(never)]
    pub(crate) fn take_checked<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        let checks = self.checks();
        if checks.guard_every > 0 || local.mode() != Mode::Attached {
            return None;
        }
        let class = SizeClass::of(self.slot_need(bytes)?)?;
        let start = self.take_whole(local, current(local), class)?;
        if checks.hardened {
            self.begin_life(local, start, class.bytes(), bytes);
        }
        Some(start)
    }

    /// A slot that lies ready, as if in one instruction: a signal handler that frees what it allocates does not leave a list as it found it when
    /// freed slots wait.
    #[inline(always)]
    fn take_whole<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Option<NonNull<u8>> {
        let visit = self.enter_on(local, heap);
        let start = self.take_slot_with(heap.as_bins(), class, self.secret());
        self.leave(local, visit);
        start
    }

    /// Serves a request from the current heap.
    #[cold]
    pub(crate) fn allocate_checked<L: Local>(&self, local: L, request: Request) -> Option<NonNull<u8>> {
        let _quiet = self.quiet();
        let _ = self.attach_in_time(local, Patience::None);
        if local.mode() != Mode::Attached {
            let class = self.class_of(request);
            return self.cleared(
                local,
                request,
                match class {
                    Some(class) => self.allocate_small_slow(local, class).inspect(|start| {
                        self.begin_any_life(local, *start, request.bytes());
                        self.announce(local, *start, request.bytes());
                    }),
                    None => self.allocate_large_aligned(local, None, request.bytes(), request.align()),
                },
            );
        }
        self.allocate_checked_on(local, current(local), request)
    }

    /// As [`Allocator::allocate_checked`], from one of this thread's heaps.
    pub(crate) fn allocate_checked_on<L: Local>(&self, local: L, heap: HeapRef, request: Request) -> Option<NonNull<u8>> {
        let _quiet = self.quiet();
        if IsolatedRef::of(heap).is_none()
            && let Some(start) = self.sampled(local, heap, request)
        {
            return self.cleared(local, request, Some(start));
        }
        let Some(class) = self.class_of(request) else {
            let start = self.allocate_large_aligned(local, IsolatedRef::of(heap), request.bytes(), request.align());
            return self.cleared(local, request, start);
        };
        let start = match self.take_whole(local, heap, class) {
            Some(start) => {
                if self.checks().hardened {
                    self.begin_life(local, start, class.bytes(), request.bytes());
                }
                start
            }
            None => {
                let start = self.allocate_attached(local, heap, class)?;
                self.begin_any_life(local, start, request.bytes());
                start
            }
        };
        self.announce(local, start, request.bytes());
        self.cleared(local, request, Some(start))
    }

    /// A free slot becomes a block: nobody may have written to it since it was freed, or first cut, and it gets its canary.
    #[inline(always)]
    fn begin_life<L: Local>(&self, local: L, start: NonNull<u8>, slot_bytes: usize, bytes: usize) {
        // SAFETY: it is a slot, and taken off its list.
        unsafe { Slot::new(start) }.clear();
        // SAFETY: the whole of the slot, which is nobody's yet.
        if !unsafe { is_clear(start, slot_bytes) } {
            local.report(Misuse::WriteAfterFree { address: start.as_ptr().addr() });
        }
        self.canary(start, slot_bytes).sign(bytes);
    }

    pub(crate) fn cleared<L: Local>(&self, local: L, request: Request, start: Option<NonNull<u8>>) -> Option<NonNull<u8>> {
        if let Some(start) = start.filter(|_| request.is_zeroed()) {
            self.clear(local, start, request.bytes());
        }
        start
    }

    /// Traps what lies behind a large block, up to the end of its slices.
    pub(crate) fn guard_end(&self, span: SpanRef) {
        let bytes = span.slot_bytes();
        // SAFETY: the block ends within its slices, with a page.
        let end = unsafe { span.start().add(bytes) };
        // SAFETY: nothing is there. Refused, there is no guard, and everything else holds.
        let _ = unsafe { self.trap_whole_pages(end, span.slices() as usize * SLICE_BYTES - bytes) };
    }

    /// Makes the last slice of a new span a guard, and sees to it that the rest reads as zero.
    pub(crate) fn harden(&self, span: SpanRef) {
        let bytes = (span.slices() as usize - 1) * SLICE_BYTES;
        // SAFETY: the guard is the last slice of the span.
        let guard = unsafe { span.start().add(bytes) };
        if !span.is_zeroed() {
            // SAFETY: the span is new, and nobody else's.
            unsafe { span.start().write_bytes(0, bytes) };
        }
        // SAFETY: nothing is there. Refused, there is no guard, and everything else holds.
        let _ = unsafe { self.trap_whole_pages(guard, SLICE_BYTES) };
    }

    /// Gives the memory of empty spans back to the system, but not their addresses, which stay with their class.
    pub(crate) fn purge_spare<L: Local>(&self, local: L, heap: HeapRef, keeping: Keeping) {
        if M::RECOMMITS || self.mapper().page_bytes() > SLICE_BYTES {
            return;
        }
        let mut bytes = 0;
        while heap.purge_spare(keeping, |span| {
            let before_guard = (span.slices() as usize - 1) * SLICE_BYTES;
            // SAFETY: the span is this heap's, and nothing lives in it.
            if unsafe { self.mapper().decommit(span.start(), before_guard) }.is_ok() {
                bytes += before_guard;
                return;
            }
            // A part of it may be gone, such as what comes before a page that the program locked.
            // SAFETY: as above, and it is accessible up to the guard.
            unsafe { span.start().write_bytes(0, before_guard) };
        }) {}
        if let Some(mut space) = self.space().lock(local.id()).filter(|_| bytes > 0) {
            space.count_purge(bytes);
        }
    }

    /// The class of a request, with room for the canary.
    pub(crate) fn class_of(&self, request: Request) -> Option<SizeClass> {
        let bytes = self.slot_need(request.bytes())?;
        if request.align() <= SLOT_ALIGN {
            return SizeClass::of(bytes);
        }
        if request.align() <= SLICE_BYTES { SizeClass::of_aligned(bytes, request.align()) } else { None }
    }

    /// Bytes of the slot that a request of so many needs.
    #[inline(always)]
    pub(crate) fn slot_need(&self, bytes: usize) -> Option<usize> {
        let bytes = bytes.checked_add(self.canary_bytes())?;
        Some(if self.checks().hardened { bytes.max(HARDENED_SLOT_BYTES_MIN) } else { bytes })
    }

    /// Bytes of a small slot that are not the program's.
    pub(crate) fn canary_bytes(&self) -> usize {
        if self.checks().hardened { CANARY_BYTES } else { self.redzone_bytes() }
    }

    /// Bytes of a live block that the program may use; `None`, and a report, if somebody wrote beyond them.
    pub(crate) fn usable_of<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) -> Option<usize> {
        let slot_bytes = span.slot_bytes();
        if !self.checks().hardened || !span.has_heap() {
            return Some(self.announced_bytes(start, slot_bytes));
        }
        let asked = self.canary(start, slot_bytes).asked_for();
        if asked.is_none() {
            local.report(Misuse::Overflow { address: start.as_ptr().addr(), slot_bytes });
        }
        asked
    }

    /// As [`Allocator::usable_of`], for who only looks: of a block that somebody wrote beyond, all that it could have.
    pub(crate) fn told_bytes(&self, span: SpanRef, start: NonNull<u8>) -> usize {
        if !self.checks().hardened || !span.has_heap() {
            return self.announced_bytes(start, span.slot_bytes());
        }
        self.canary(start, span.slot_bytes()).asked_for().unwrap_or_else(|| self.room_of(span))
    }

    /// Bytes that a live block could have where it stands.
    pub(crate) fn room_of(&self, span: SpanRef) -> usize {
        if span.has_heap() { span.slot_bytes() - self.canary_bytes() } else { span.slot_bytes() }
    }

    /// The block stays where it is, and has another size: within its room, of `before` bytes so far.
    pub(crate) fn resign(&self, span: SpanRef, start: NonNull<u8>, before: usize, bytes: usize) {
        if !self.checks().hardened || !span.has_heap() {
            return;
        }
        if let Some(grown) = bytes.checked_sub(before) {
            // SAFETY: within the slot.
            let end = unsafe { start.add(before) };
            // SAFETY: as above; these bytes were filled, not the program's.
            unsafe { end.write_bytes(0, grown) };
        }
        self.canary(start, span.slot_bytes()).sign(bytes);
    }

    /// As [`Allocator::begin_life`], for a block that a signal handler may have got, and then it is no heap's.
    fn begin_any_life<L: Local>(&self, local: L, start: NonNull<u8>, bytes: usize) {
        if self.checks().hardened
            && let Some(span) = self.find_span(local, start.as_ptr().addr())
            && span.has_heap()
        {
            self.begin_life(local, start, span.slot_bytes(), bytes);
        }
    }

    /// The last word of a slot of a hardened heap.
    #[inline(always)]
    fn canary(&self, start: NonNull<u8>, slot_bytes: usize) -> Canary {
        // SAFETY: callers name slots. (The secret is not the one that free slots give away to who reads them.)
        unsafe { Canary::of(start, slot_bytes, self.canary_secret()) }
    }

    /// Whether a carved slot is free, or waits to be.
    pub(crate) fn is_free_slot(&self, start: NonNull<u8>, slot_bytes: usize) -> bool {
        // SAFETY: callers name carved slots.
        let is_sealed = unsafe { Slot::new(start) }.is_sealed(self.secret());
        if !self.checks().hardened {
            return is_sealed;
        }
        let canary = self.canary(start, slot_bytes);
        canary.is_waiting() || (is_sealed && canary.is_clear())
    }
}

/// Frees.
impl<M: Mapper> Allocator<M> {
    /// Frees a block, of whatever kind.
    #[cold]
    pub(crate) fn free_checked<L: Local>(&self, local: L, start: NonNull<u8>) {
        let _quiet = self.quiet();
        match self.span_of(start.as_ptr().addr()) {
            Some(span) if span.has_heap() => self.free_slot_checked(local, span, start),
            _ => self.free_other_checked(local, start),
        }
    }

    /// Frees what is not known to be a slot of a heap.
    fn free_other_checked<L: Local>(&self, local: L, start: NonNull<u8>) {
        let address = start.as_ptr().expose_provenance();
        if self.empty().contains(address) {
            return self.free_nothing(local, address);
        }
        if self.guard_range().contains(address) {
            return self.free_guarded(local, address);
        }
        if self.emergency().release_block(self.mapper(), address) {
            return;
        }
        let span = match self.span_of(address) {
            Some(span) => span,
            None => match self.space().look(local.id()).map(|space| space.look_up(address)) {
                None => return self.emergency().leave(self.mapper(), address),
                Some(Err(misuse)) => return local.report(misuse),
                Some(Ok(span)) => span,
            },
        };
        if span.has_heap() {
            self.free_slot_checked(local, span, start)
        } else {
            self.free_elsewhere(start.as_ptr(), local, span)
        }
    }

    fn free_slot_checked<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) {
        let (address, slot_bytes, checks) = (start.as_ptr().addr(), span.slot_bytes(), self.checks());
        if !span.is_slot(address) {
            return self.free_misused(start, local, span);
        }
        if checks.hardened {
            return self.free_hardened(local, span, start);
        }
        // SAFETY: a carved slot starts there.
        if unsafe { Slot::new(start) }.is_sealed(self.secret()) {
            return self.free_misused(start, local, span);
        }
        self.withdraw(start);
        if checks.zero_on_free {
            // SAFETY: the slot is live, and the program gave it up.
            unsafe { start.write_bytes(0, slot_bytes) };
        }
        if !checks.keep_slots_waiting() || span.is_isolated() {
            return self.free_now(local, span, start);
        }
        match self.quarantine(local) {
            Some((heap, quarantine)) => {
                // SAFETY: a carved slot starts there; sealed, it is freed by nobody.
                unsafe { Slot::new(start) }.seal(Slot::END, self.secret());
                self.free_later(local, heap, quarantine, span, start);
            }
            None => self.free_now(local, span, start),
        }
    }

    /// A slot of a hardened heap: whatever was in it is cleared.
    #[inline(always)]
    fn free_hardened<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) {
        let (address, slot_bytes) = (start.as_ptr().addr(), span.slot_bytes());
        let canary = self.canary(start, slot_bytes);
        if canary.asked_for().is_none() {
            if self.is_free_slot(start, slot_bytes) {
                return self.free_misused(start, local, span);
            }
            return local.report(Misuse::Overflow { address, slot_bytes });
        }
        if address > span.address() {
            // SAFETY: a slot lies before this one.
            let before = unsafe { start.sub(slot_bytes) };
            if !self.canary(before, slot_bytes).is_whole() {
                return local.report(Misuse::Underflow { address, slot_bytes });
            }
        }
        // SAFETY: the slot is live, and the program gave it up.
        unsafe { start.write_bytes(0, slot_bytes - CANARY_BYTES) };
        if !span.is_isolated()
            && let Some((heap, quarantine)) = self.quarantine(local)
        {
            canary.wait();
            return self.free_later(local, heap, quarantine, span, start);
        }
        canary.clear();
        self.free_now(local, span, start);
    }

    /// Puts a slot into quarantine, and frees those that have waited.
    fn free_later<L: Local>(&self, local: L, heap: HeapRef, quarantine: &Quarantine, span: SpanRef, start: NonNull<u8>) {
        let visit = self.enter_on(local, heap);
        quarantine.put(start, span.slot_bytes());
        let mut next = quarantine.overflow(self.checks().quarantine_bytes, heap.random());
        self.leave(local, visit);
        while let Some(waited) = next {
            self.free_waited(local, quarantine, waited);
            let visit = self.enter_on(local, heap);
            next = quarantine.overflow(self.checks().quarantine_bytes, heap.random());
            self.leave(local, visit);
        }
    }

    /// A slot has waited long enough.
    fn free_waited<L: Local>(&self, local: L, quarantine: &Quarantine, start: NonNull<u8>) {
        let address = start.as_ptr().addr();
        let Some(span) = self.span_of(address).or_else(|| self.find_span(local, address)) else {
            return;
        };
        quarantine.forget(span.slot_bytes());
        if !self.ends_waiting(start, span.slot_bytes()) {
            return local.report(Misuse::WriteAfterFree { address });
        }
        self.free_now(local, span, start);
    }

    /// A slot that waited is about to be put on a list; false if somebody wrote to it. It may be long until it is wanted, and looked at, again.
    fn ends_waiting(&self, start: NonNull<u8>, slot_bytes: usize) -> bool {
        // SAFETY: a carved slot starts there.
        let slot = unsafe { Slot::new(start) };
        if !self.checks().hardened {
            let is_sealed = slot.next(self.secret()) == Some(Slot::END);
            slot.unseal();
            return is_sealed;
        }
        let canary = self.canary(start, slot_bytes);
        // SAFETY: the slot is nobody's.
        let is_whole = canary.is_waiting() && unsafe { is_clear(start, slot_bytes - CANARY_BYTES) };
        canary.clear();
        is_whole
    }

    /// Gives a slot back to its heap.
    fn free_now<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) {
        if let Owner::Heap(bins) = span.owner()
            && local.mode() == Mode::Attached
        {
            // SAFETY: an owner that is a heap is one (H2).
            let heap = unsafe { HeapRef::from_bins(bins) };
            if local.is(bins.as_ptr()) || heap.is_of(local.id()) {
                let visit = self.enter_on(local, heap);
                // SAFETY: its owner is a heap of this thread (H1).
                let freed = unsafe { span.owned() }.free_local(start, self.secret());
                self.leave(local, visit);
                return match freed {
                    Freed::Quiet => {}
                    Freed::CreditSpent => self.free_settle_on(local, heap, span),
                    Freed::Sealed | Freed::NotASlot => self.free_misused(start, local, span),
                };
            }
        }
        // SAFETY: a carved slot starts there.
        let slot = unsafe { Slot::new(start) };
        if push_remote(span, slot, self.secret())
            && let Owner::Heap(bins) = span.owner()
        {
            // SAFETY: an owner that is a heap is one (H2).
            unsafe { HeapRef::from_bins(bins) }.push_dirty(span);
        }
    }

    /// This thread's quarantine, and its part in the global heap; `None` when it has none, or is inside the allocator.
    fn quarantine<L: Local>(&self, local: L) -> Option<(HeapRef, &'static Quarantine)> {
        let home = self.home(local)?;
        let quarantine = match home.quarantine() {
            Some(quarantine) => quarantine,
            None => {
                let page = self.space().lock(local.id())?.pages().take(self.mapper())?;
                // SAFETY: the page was taken for this heap, which keeps it.
                let quarantine = unsafe { Quarantine::init(page) };
                home.set_quarantine(quarantine);
                quarantine
            }
        };
        // SAFETY: pages stay mapped (I1), and the heap is this thread's (Q1).
        Some((home, unsafe { quarantine.as_ref() }))
    }

    /// This thread's part in the global heap.
    fn home<L: Local>(&self, local: L) -> Option<HeapRef> {
        let is_attached = local.mode() == Mode::Attached;
        is_attached.then(|| attachments_of(local).map_or_else(|| current(local), |attachments| attachments.home()))
    }

    /// The thread is ending: nothing of its waits any longer.
    pub(crate) fn end_quarantine<L: Local>(&self, local: L) {
        if !self.checks().keep_slots_waiting() {
            return;
        }
        if self.home(local).is_some_and(|home| home.quarantine().is_none()) {
            return;
        }
        if let Some((_, quarantine)) = self.quarantine(local) {
            for waited in quarantine.take_all() {
                self.free_waited(local, quarantine, waited);
            }
        }
    }
}
