//! The ways of a program that wants more checks than the default: every call comes here, and not to the hit path.

use core::ops::Range;
use core::ptr::NonNull;
use core::slice::from_raw_parts;

use tinyalloc_sys::Mapper;

use crate::allocator::Allocator;
use crate::attached::attachments_of;
use crate::class::{SLICE_BYTES, SLOT_ALIGN, SizeClass};
use crate::guard::{GuardMistake, GuardReport, TRACE_LENGTH, Trace};
use crate::heap::HeapRef;
use crate::isolated::IsolatedRef;
use crate::local::{Local, Mode};
use crate::misuse::Misuse;
use crate::quarantine::Quarantine;
use crate::remote::push_remote;
use crate::slot::Slot;
use crate::small::current;
use crate::span::{Freed, Owner, SpanRef};

/// Bytes at the end of a hardened slot that only we write.
const CANARY_BYTES: usize = size_of::<u64>();
/// The words of a free slot.
const LINK_BYTES: usize = 2 * size_of::<usize>();

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    bytes: usize,
    align: usize,
    zeroed: bool,
}

impl Wish {
    pub(crate) const fn new(bytes: usize) -> Wish {
        Wish { bytes, align: 1, zeroed: false }
    }

    pub(crate) const fn aligned(self, align: usize) -> Wish {
        Wish { align, ..self }
    }

    pub(crate) const fn zeroed(self) -> Wish {
        Wish { zeroed: true, ..self }
    }
}

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

    /// Serves a request from the current heap.
    #[cold]
    pub(crate) fn allocate_checked<L: Local>(&self, local: L, wish: Wish) -> Option<NonNull<u8>> {
        if local.mode() == Mode::Unattached {
            self.attach(local)?;
            local.arm_detach();
        }
        if local.mode() != Mode::Attached {
            let class = self.class_of(wish);
            return self.cleared(
                wish,
                match class {
                    Some(class) => self.allocate_small_slow(local, class).inspect(|start| self.sign(*start)),
                    None => self.allocate_large_aligned(local, None, wish.bytes, wish.align),
                },
            );
        }
        self.allocate_checked_on(local, current(local), wish)
    }

    /// As [`Allocator::allocate_checked`], from one of this thread's heaps.
    pub(crate) fn allocate_checked_on<L: Local>(&self, local: L, heap: HeapRef, wish: Wish) -> Option<NonNull<u8>> {
        if IsolatedRef::of(heap).is_none()
            && let Some(start) = self.sampled(local, heap, wish)
        {
            return self.cleared(wish, Some(start));
        }
        let Some(class) = self.class_of(wish) else {
            let start = self.allocate_large_aligned(local, IsolatedRef::of(heap), wish.bytes, wish.align);
            return self.cleared(wish, start);
        };
        let slot = self.take_slot_with(heap.as_bins(), class, self.secret());
        let start = slot.or_else(|| self.allocate_attached(local, heap, class))?;
        if self.checks().hardened {
            self.check_untouched(local, start, LINK_BYTES..class.bytes());
            self.sign(start);
        }
        self.cleared(wish, Some(start))
    }

    /// A guarded block, for one in so many.
    fn sampled<L: Local>(&self, local: L, heap: HeapRef, wish: Wish) -> Option<NonNull<u8>> {
        let every = self.checks().guard_every;
        if every == 0 || !heap.is_sampled(every) {
            return None;
        }
        let maker = (local.id().0, trace(local));
        self.guards().lock(local.id())?.allocate(self.mapper(), self.guard_range(), wish.bytes, wish.align, maker)
    }

    /// As [`Allocator::sampled`], for a request that found no free slot: it stands for all those that did since the last one.
    pub(crate) fn sampled_at_refill<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        if local.mode() != Mode::Attached || self.current_heap(local).is_some() {
            return None;
        }
        let heap = current(local);
        let slots = SizeClass::of(bytes).map_or(1, |class| self.mapper().page_bytes() / class.bytes()).max(1);
        if !heap.is_sampled_among(u32::try_from(slots).unwrap_or(1), self.checks().guard_every) {
            return None;
        }
        let maker = (local.id().0, trace(local));
        self.guards().lock(local.id())?.allocate(self.mapper(), self.guard_range(), bytes, SLOT_ALIGN, maker)
    }

    fn cleared(&self, wish: Wish, start: Option<NonNull<u8>>) -> Option<NonNull<u8>> {
        if let Some(start) = start.filter(|_| wish.zeroed) {
            // SAFETY: the block holds that much.
            unsafe { start.write_bytes(0, wish.bytes) };
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

    /// The class of a request, with room for the canary.
    pub(crate) fn class_of(&self, wish: Wish) -> Option<SizeClass> {
        let bytes = wish.bytes.checked_add(self.canary_bytes())?;
        if wish.align <= SLOT_ALIGN {
            return SizeClass::of(bytes);
        }
        if wish.align <= SLICE_BYTES { SizeClass::of_aligned(bytes, wish.align) } else { None }
    }

    /// Bytes of a small slot that are not the program's.
    pub(crate) fn canary_bytes(&self) -> usize {
        if self.checks().hardened { CANARY_BYTES } else { 0 }
    }

    /// Bytes of a live block that the program may use.
    pub(crate) fn usable_of(&self, span: SpanRef) -> usize {
        match span.owner() {
            Owner::Heap(_) => span.slot_bytes() - self.canary_bytes(),
            Owner::Nobody | Owner::Large | Owner::Emergency => span.slot_bytes(),
        }
    }

    /// Puts the canary at the end of a slot.
    fn sign(&self, start: NonNull<u8>) {
        if let Some(end) = self.canary_of(start) {
            // SAFETY: it is the end of the slot.
            unsafe { end.write_unaligned(self.canary(start)) };
        }
    }

    fn is_signed(&self, start: NonNull<u8>) -> bool {
        // SAFETY: it is the end of the slot.
        self.canary_of(start).is_none_or(|end| unsafe { end.read_unaligned() } == self.canary(start))
    }

    fn canary_of(&self, start: NonNull<u8>) -> Option<NonNull<u64>> {
        let span = self.span_of(start.as_ptr().addr()).filter(|span| matches!(span.owner(), Owner::Heap(_)))?;
        let at = span.slot_bytes().checked_sub(self.canary_bytes()).filter(|_| self.checks().hardened)?;
        // SAFETY: it lies in the slot.
        Some(unsafe { start.add(at) }.cast())
    }

    fn canary(&self, start: NonNull<u8>) -> u64 {
        // Not of the secret that free slots give away to who reads them.
        (self.canary_secret() ^ start.as_ptr().addr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1
    }

    /// Nobody may have written to a slot since it was freed, or first cut.
    fn check_untouched<L: Local>(&self, local: L, start: NonNull<u8>, within: Range<usize>) {
        let first = within.start / size_of::<u64>();
        // SAFETY: the slot is free, and whole words of it.
        let words = unsafe { from_raw_parts(start.cast::<u64>().as_ptr(), within.end / size_of::<u64>()) };
        let is_untouched = words.iter().skip(first).fold(0, |sum, word| sum | word) == 0;
        if !is_untouched {
            local.report(Misuse::WriteAfterFree { address: start.as_ptr().addr() });
        }
    }
}

/// Frees.
impl<M: Mapper> Allocator<M> {
    /// Frees a block, of whatever kind.
    #[cold]
    pub(crate) fn free_checked<L: Local>(&self, local: L, start: NonNull<u8>) {
        let address = start.as_ptr().expose_provenance();
        if self.guard_range().contains(address) {
            return self.free_guarded(local, address);
        }
        if self.emergency().release_block(self.mapper(), address) {
            return;
        }
        let span = match self.span_of(address) {
            Some(span) => span,
            None => match self.space().lock(local.id()).map(|space| space.look_up(address)) {
                None => return self.emergency().leave(address),
                Some(Err(misuse)) => return local.report(misuse),
                Some(Ok(span)) => span,
            },
        };
        match span.owner() {
            Owner::Heap(_) => self.free_slot_checked(local, span, start),
            Owner::Large | Owner::Emergency | Owner::Nobody => self.free_elsewhere(start.as_ptr(), local, span),
        }
    }

    fn free_slot_checked<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) {
        let address = start.as_ptr().addr();
        // SAFETY: a carved slot starts there.
        if !span.is_slot(address) || unsafe { Slot::new(start) }.is_sealed(self.secret()) {
            return self.free_misused(start, local, span);
        }
        if self.checks().hardened && !self.is_signed(start) {
            return local.report(Misuse::Overflow { address, slot_bytes: span.slot_bytes() });
        }
        if self.checks().hardened || self.checks().zero_on_free {
            // SAFETY: the slot is live, and the program gave it up.
            unsafe { start.write_bytes(0, span.slot_bytes()) };
        }
        if !self.checks().hardened || span.is_isolated() {
            return self.free_now(local, span, start);
        }
        match self.quarantine(local) {
            Some((heap, quarantine)) => self.free_later(local, heap, quarantine, span, start),
            None => self.free_now(local, span, start),
        }
    }

    /// Puts a slot into quarantine, and frees those that have waited.
    fn free_later<L: Local>(&self, local: L, heap: HeapRef, quarantine: &Quarantine, span: SpanRef, start: NonNull<u8>) {
        // SAFETY: a carved slot starts there; sealed, it is freed by nobody.
        unsafe { Slot::new(start) }.seal(Slot::END, self.secret());
        let mut next = quarantine.replace(start, span.slot_bytes(), heap.random());
        loop {
            if let Some(waited) = next {
                self.free_waited(local, quarantine, waited);
            }
            next = quarantine.overflow(self.checks().quarantine_bytes, heap.random());
            if next.is_none() {
                return;
            }
        }
    }

    /// A slot has waited long enough.
    fn free_waited<L: Local>(&self, local: L, quarantine: &Quarantine, start: NonNull<u8>) {
        let Some(span) = self.find_span(local, start.as_ptr().addr()) else {
            return;
        };
        quarantine.forget(span.slot_bytes());
        // SAFETY: a carved slot starts there.
        let slot = unsafe { Slot::new(start) };
        if slot.next(self.secret()) != Some(Slot::END) {
            return local.report(Misuse::WriteAfterFree { address: start.as_ptr().addr() });
        }
        self.check_untouched(local, start, LINK_BYTES..span.slot_bytes());
        slot.unseal();
        self.free_now(local, span, start);
    }

    /// Gives a slot back to its heap.
    fn free_now<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) {
        if let Owner::Heap(bins) = span.owner()
            && local.mode() == Mode::Attached
        {
            // SAFETY: an owner that is a heap is one (H2).
            let heap = unsafe { HeapRef::from_bins(bins) };
            if heap.is_of(local.id()) {
                return match span.free_local(start, self.secret()) {
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
        if !self.checks().hardened {
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

/// Guarded blocks.
impl<M: Mapper> Allocator<M> {
    fn free_guarded<L: Local>(&self, local: L, address: usize) {
        let freer = (local.id().0, trace(local));
        let Some(mut guards) = self.guards().lock(local.id()) else {
            return;
        };
        let freed = guards.free(self.mapper(), self.guard_range(), address, freer);
        drop(guards);
        if let Err(mistake) = freed {
            local.report(self.guard_misuse(mistake, address));
        }
    }

    fn guard_misuse(&self, mistake: GuardMistake, address: usize) -> Misuse {
        let slot_bytes = self.mapper().page_bytes();
        match mistake {
            GuardMistake::Freed => Misuse::DoubleFree { address, slot_bytes },
            GuardMistake::Inside { start } => Misuse::Interior { address, slot_start: start, slot_bytes },
            GuardMistake::NoBlock => Misuse::NotAllocated { address },
            GuardMistake::Overflown => Misuse::Overflow { address, slot_bytes },
        }
    }

    /// Bytes that were asked for, of a guarded block; `None`, and a report, if there is none at an address in their range.
    pub(crate) fn guarded_bytes<L: Local>(&self, local: L, address: usize) -> Option<Option<usize>> {
        if !self.guard_range().contains(address) {
            return None;
        }
        let found =
            self.guards().lock(local.id()).map(|guards| guards.usable(self.guard_range(), address, self.mapper().page_bytes()));
        Some(match found {
            None => None,
            Some(Ok(bytes)) => Some(bytes),
            Some(Err(mistake)) => {
                local.report(self.guard_misuse(mistake, address));
                None
            }
        })
    }

    /// What a trapped access at an address was meant for; `None` if no guarded block was. For signal handlers.
    pub fn explain_trap(&self, address: usize) -> Option<GuardReport> {
        // SAFETY: a place is plain data that always stays mapped.
        unsafe { self.guards().peek(|guards| guards.look(self.guard_range(), address, self.mapper().page_bytes())) }
    }
}

fn trace<L: Local>(local: L) -> Trace {
    let mut trace = [0; TRACE_LENGTH];
    local.trace(&mut trace);
    trace
}
