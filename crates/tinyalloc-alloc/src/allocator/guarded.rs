//! Guarded blocks: which allocations become some, and what becomes of them.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::current;
use super::hit_paths::Allocator;
use super::local::{Local, Mode};
use super::request::Request;
use crate::hardening::guard::{GuardMistake, GuardReport, TRACE_LENGTH, Trace};
use crate::heap::HeapRef;
use crate::report::misuse::Misuse;
use crate::span::class::{SLOT_ALIGN, SizeClass};

/// Sampling.
impl<M: Mapper> Allocator<M> {
    /// A guarded block, for one in so many.
    pub(crate) fn sampled<L: Local>(&self, local: L, heap: HeapRef, request: Request) -> Option<NonNull<u8>> {
        let every = self.checks().guard_every;
        if every == 0 || !heap.is_sampled(every) {
            return None;
        }
        let maker = (local.id().0, trace(local));
        self.guards().lock(local.id())?.allocate(self.mapper(), self.guard_range(), request.bytes(), request.align(), maker)
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
}

/// Frees and explanations.
impl<M: Mapper> Allocator<M> {
    pub(crate) fn free_guarded<L: Local>(&self, local: L, address: usize) {
        let freer = (local.id().0, trace(local));
        let Some(mut guards) = self.guards().lock(local.id()) else {
            return self.emergency().leave(self.mapper(), address);
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
            self.guards().look(local.id()).map(|guards| guards.usable(self.guard_range(), address, self.mapper().page_bytes()));
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
