//! From an address to the block there: its span, its owner, its size, and what is wrong with naming
//! it.

use core::ops::Range;
use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::hardening::guard::{GuardMistake, GuardReport};
use crate::hardening::valgrind::{make_noaccess, malloclike};
use crate::hardening::zero_size::ZeroSizeMistake;
use crate::heap::heap_record::HeapRef;
use crate::report::heap_label::HeapLabel;
use crate::report::misuse::Misuse;
use crate::span::class::SLOT_ALIGN;
use crate::span::owner::Owner;
use crate::span::slot::Slot;
use crate::span::span_ref::SpanRef;

/// Whose a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockOwner {
    /// The global heap's.
    Global,
    /// An isolated heap's.
    Heap(HeapRef),
}

impl<M: Mapper> Allocator<M> {
    /// The live span or block at an address, if there is one.
    pub(crate) fn find_span<C: ThreadContext>(&self, context: C, address: usize) -> Option<SpanRef> {
        let _quiet = self.errors_disabled();
        let found = match self.span_of(address) {
            Some(span) => Some(span),
            None if address == 0 => None,
            None => self.space().look(context.id())?.find(address),
        };
        found.filter(|span| !matches!(span.owner(), Owner::Nobody | Owner::Kept))
    }

    /// The record of the live block at `start`; `None`, and a report, for anything else.
    pub(crate) fn live_span<C: ThreadContext>(&self, context: C, start: NonNull<u8>) -> Option<SpanRef> {
        let _quiet = self.errors_disabled();
        let address = start.as_ptr().addr();
        let span = match self.span_of(address) {
            Some(span) => span,
            // A signal handler that may not look it up gets no memory, not a report of a mistake.
            None => {
                let found = self.space().look(context.id())?.look_up(address);
                match found {
                    Ok(span) => span,
                    Err(misuse) => {
                        context.report(misuse);
                        return None;
                    }
                }
            }
        };
        let live = match span.owner() {
            Owner::Nobody | Owner::Kept => false,
            Owner::Large => span.is_slot(address),
            Owner::Emergency => span.is_slot(address) && span.emergency_is_taken(address),
            Owner::Heap(_) => span.is_slot(address) && !self.is_free_slot(start, span.slot_bytes()),
        };
        let live = self.defined(live);
        if !live {
            context.report(self.verdict(context, span, address));
        }
        live.then_some(span)
    }

    /// The record of the live block at `start`, if the hit path knows of it: one of the first
    /// region's, and no check beyond the default is on. `None` for every mistake, and for what
    /// takes a closer look.
    #[inline(always)]
    pub(crate) fn block_at_hand(&self, start: *mut u8) -> Option<SpanRef> {
        let address = start.addr();
        let span = self.span_in_first_region(address).filter(|span| span.is_slot_before_holes(address))?;
        // SAFETY: the first region is never at null.
        let start = unsafe { NonNull::new_unchecked(start) };
        let is_live = match span.owner() {
            // SAFETY: a carved slot starts there.
            Owner::Heap(_) => !unsafe { Slot::new(start) }.is_signed(self.hit_secret()),
            Owner::Large => true,
            Owner::Nobody | Owner::Kept | Owner::Emergency => false,
        };
        is_live.then_some(span)
    }

    /// As [`Allocator::block_at_hand`], of a slot of this thread's current heap.
    #[inline(always)]
    pub(crate) fn own_block_at_hand<C: ThreadContext>(&self, context: C, start: NonNull<u8>) -> Option<SpanRef> {
        let (near, address) = (self.near(context), start.as_ptr().addr());
        let span = near.span_in_first_region(address).filter(|span| context.is(span.owner_bins()))?;
        // SAFETY: its owner is this thread's heap (H1).
        let is_slot = unsafe { span.owned() }.is_own_slot(address);
        // SAFETY: a carved slot starts there.
        (is_slot && !unsafe { Slot::new(start) }.is_signed(near.hit_secret())).then_some(span)
    }

    /// Usable bytes of a live block; `None`, and a report, for anything else.
    pub fn usable_bytes<C: ThreadContext>(&self, context: C, start: NonNull<u8>) -> Option<usize> {
        self.usable_bytes_hit(context, start.as_ptr()).or_else(|| self.usable_bytes_slow(context, start))
    }

    /// As [`Allocator::usable_bytes`], but only if the hit path knows the block: never of null.
    /// What it cannot tell, [`Allocator::usable_bytes_slow`] can.
    #[inline(always)]
    pub fn usable_bytes_hit<C: ThreadContext>(&self, context: C, start: *mut u8) -> Option<usize> {
        Some(self.near(context).block_at_hand(start)?.slot_bytes())
    }

    /// As [`Allocator::usable_bytes`], for what [`Allocator::usable_bytes_hit`] does not know.
    #[cold]
    #[inline(never)]
    pub fn usable_bytes_slow<C: ThreadContext>(&self, context: C, start: NonNull<u8>) -> Option<usize> {
        if let Some(bytes) = self.emergency().block_bytes(start.as_ptr().addr()) {
            return Some(bytes);
        }
        if self.zero_size().contains(start.as_ptr().addr()) {
            return self.is_zero_size_block(context, start.as_ptr().addr()).then_some(0);
        }
        if let Some(guarded) = self.guarded_bytes(context, start.as_ptr().addr()) {
            return guarded;
        }
        self.usable_of(context, self.live_span(context, start)?, start)
    }

    /// What is wrong with freeing `address`.
    pub(crate) fn verdict<C: ThreadContext>(&self, context: C, span: SpanRef, address: usize) -> Misuse {
        match span.owner() {
            Owner::Nobody => {
                self.space().look(context.id()).map_or(Misuse::NotAllocated { address }, |space| space.verdict(address))
            }
            Owner::Heap(_) | Owner::Large | Owner::Kept | Owner::Emergency => span.verdict(address),
        }
    }

    /// Whose the block at an address is, or the span that the address lies in; `None` if it has no
    /// owner.
    pub fn owner_of<C: ThreadContext>(&self, context: C, address: usize) -> Option<BlockOwner> {
        let _quiet = self.errors_disabled();
        if self.zero_size().contains(address) || self.guard_range().contains(address) {
            return Some(BlockOwner::Global);
        }
        let span = self.find_span(context, address).or_else(|| self.space().look(context.id())?.block_around(address))?;
        match span.owner() {
            Owner::Nobody | Owner::Kept => None,
            _ => Some(programs_heap(span).map_or(BlockOwner::Global, BlockOwner::Heap)),
        }
    }

    /// How much of a mapping of the process is the allocator's.
    pub fn bytes_in_mapping<C: ThreadContext>(&self, context: C, mapping: &Range<usize>) -> usize {
        self.space().look(context.id()).map_or(0, |space| space.bytes_in(mapping))
            + self.profile().lock(context.id()).map_or(0, |profile| profile.bytes_in(mapping))
    }

    /// Whether it is a live heap.
    pub fn is_heap<C: ThreadContext>(&self, context: C, heap: HeapRef) -> bool {
        self.space().look(context.id()).is_some_and(|space| space.is_isolated(heap))
    }

    /// What is wrong with naming `heap` for a block: it is another one's.
    pub(crate) fn wrong_heap<C: ThreadContext>(&self, context: C, heap: Option<HeapRef>, start: *mut u8) -> Option<Misuse> {
        let is_global = self.guard_range().contains(start.addr()) || self.zero_size().contains(start.addr());
        let span = if is_global { None } else { Some(self.find_span(context, start.addr())?) };
        // A slot for emergencies served whatever heap there was.
        if span.is_some_and(|span| span.owner() == Owner::Emergency) {
            return None;
        }
        let owner = span.and_then(programs_heap);
        if owner == heap {
            return None;
        }
        let heap = heap.filter(|heap| self.is_heap(context, *heap));
        Some(Misuse::WrongHeap { address: start.addr(), heap: heap.map(HeapRef::label), owner: owner.map(HeapRef::label) })
    }
}

/// Zero-size allocations and guarded blocks.
impl<M: Mapper> Allocator<M> {
    /// Whether a zero-size allocation is there; a report if none is.
    pub(crate) fn is_zero_size_block<C: ThreadContext>(&self, context: C, address: usize) -> bool {
        let found = self.zero_size().look_up(address);
        if let Err(mistake) = found {
            context.report(zero_size_misuse(mistake, address));
        }
        found.is_ok()
    }

    /// Bytes that were asked for, of a guarded block; `None`, and a report, if there is none at an
    /// address in their range.
    pub(crate) fn guarded_bytes<C: ThreadContext>(&self, context: C, address: usize) -> Option<Option<usize>> {
        if !self.guard_range().contains(address) {
            return None;
        }
        let found =
            self.guards().look(context.id()).map(|guards| guards.usable(self.guard_range(), address, self.mapper().page_bytes()));
        Some(match found {
            None => None,
            Some(Ok(bytes)) => Some(bytes),
            Some(Err(mistake)) => {
                context.report(self.guard_misuse(mistake, address));
                None
            }
        })
    }

    pub(crate) fn guard_misuse(&self, mistake: GuardMistake, address: usize) -> Misuse {
        let slot_bytes = self.mapper().page_bytes();
        match mistake {
            GuardMistake::Freed => Misuse::DoubleFree { address, slot_bytes },
            GuardMistake::Inside { start } => Misuse::Interior { address, slot_start: start, slot_bytes },
            GuardMistake::NoBlock => Misuse::NotAllocated { address },
            GuardMistake::Overflown => Misuse::Overflow { address, slot_bytes },
        }
    }

    /// What a trapped access at an address was meant for; `None` if no guarded block was. For
    /// signal handlers.
    pub fn explain_trap(&self, address: usize) -> Option<GuardReport> {
        // SAFETY: a place is plain data that always stays mapped.
        unsafe { self.guards().peek(|guards| guards.look(self.guard_range(), address, self.mapper().page_bytes())) }
    }
}

/// A block begins.
impl<M: Mapper> Allocator<M> {
    /// A block of `bytes` bytes begins to live.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn malloclike<C: ThreadContext>(&self, context: C, start: NonNull<u8>, bytes: usize) {
        if !self.policy().tells_memcheck() {
            return;
        }
        // Slots that serve signal handlers are unknown to memcheck: it must not learn of them
        // half-way through a call.
        let Some(span) = self.find_span(context, start.as_ptr().addr()) else {
            return;
        };
        if let Owner::Heap(_) | Owner::Large = span.owner() {
            hide(span);
            make_noaccess(start.as_ptr().addr() + bytes, span.slot_bytes() - bytes);
            malloclike(start, bytes);
        }
    }

    /// As [`Allocator::begin_life`], for a block that a signal handler may have got, and then it is
    /// no heap's.
    pub(crate) fn begin_any_life<C: ThreadContext>(&self, context: C, start: NonNull<u8>, bytes: usize) {
        if self.policy().has_canaries() {
            let span = self.find_span(context, start.as_ptr().addr());
            if let Some(span) = span.filter(|span| span.has_heap()) {
                self.begin_life(context, start, span.slot_bytes(), bytes);
            }
        }
    }
}

/// The heap of a span, if the program made it. (To the program, partitions are the global heap's.)
fn programs_heap(span: SpanRef) -> Option<HeapRef> {
    HeapRef::of_span(span).filter(|heap| !heap.is_partition())
}

/// Records hold the addresses of blocks: a leak checker must not find them there.
fn hide(span: SpanRef) {
    make_noaccess(span.address_field(), size_of::<usize>());
}

impl BlockOwner {
    /// How messages name it; `None` for the global heap.
    #[must_use]
    pub fn label(self) -> Option<HeapLabel> {
        match self {
            BlockOwner::Global => None,
            BlockOwner::Heap(heap) => Some(heap.label()),
        }
    }
}

pub(crate) fn zero_size_misuse(mistake: ZeroSizeMistake, address: usize) -> Misuse {
    match mistake {
        ZeroSizeMistake::Free => Misuse::DoubleFree { address, slot_bytes: 0 },
        ZeroSizeMistake::Inside => Misuse::Interior { address, slot_start: address & !(SLOT_ALIGN - 1), slot_bytes: 0 },
    }
}
