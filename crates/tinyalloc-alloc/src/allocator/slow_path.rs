//! The slow path: whoever is inside is not interrupted by what a signal handler does.

use core::ptr::{NonNull, null};

use tinyalloc_sys::Mapper;

use super::caller::{attachments_of, current};
use super::local::{Local, Mode};
use super::state::Allocator;
use crate::heap::HeapRef;
use crate::isolated::attachments::Attachments;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::span::bins::Bins;
use crate::span::class::{SLICE_BYTES, SizeClass};

/// A stay in the slow path, and what to put back after it.
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    heap: HeapRef,
    bins: NonNull<Bins>,
    attachments: *const Attachments,
    mode: Mode,
    busy: bool,
}

impl<M: Mapper> Allocator<M> {
    /// Whether this thread holds a lock: it is a signal handler then, one that interrupted the holder.
    pub(crate) fn is_inside<L: Local>(&self, local: L) -> bool {
        self.space().is_inside(local.id()) || self.pool().is_inside(local.id()) || self.guards().is_inside(local.id())
    }

    /// Enters the slow path: from here to [`Allocator::leave`] this thread's frees are remote and its allocations emergencies.
    pub(crate) fn enter<L: Local>(&self, local: L) -> Visit {
        self.enter_on(local, current(local))
    }

    /// As [`Allocator::enter`], for one of this thread's heaps that need not be the current one.
    pub(crate) fn enter_on<L: Local>(&self, local: L, heap: HeapRef) -> Visit {
        let (bins, attachments) = (local.bins(), local.attachments());
        let visit = Visit { heap, bins, attachments, mode: local.mode(), busy: heap.is_busy() };
        heap.set_busy(true);
        local.set_mode(Mode::Busy);
        local.set_bins(Self::NO_BINS);
        local.set_attachments(null());
        visit
    }

    /// Leaves things as they were found: the visitor may be a signal handler that interrupted `enter` half-way.
    pub(crate) fn leave<L: Local>(&self, local: L, visit: Visit) {
        local.set_attachments(visit.attachments);
        local.set_bins(visit.bins);
        local.set_mode(visit.mode);
        visit.heap.set_busy(visit.busy);
    }

    /// The heap that serves this thread's calls that name none; `None` is the global one.
    pub fn current_heap<L: Local>(&self, local: L) -> Option<IsolatedRef> {
        attachments_of(local).filter(|_| local.mode() == Mode::Attached)?;
        IsolatedRef::of(current(local))
    }

    /// A slot that lies ready, as if in one instruction: a signal handler that frees what it allocates does not leave a list as it found it when
    /// freed slots wait.
    #[inline(always)]
    pub(crate) fn take_whole<L: Local>(&self, local: L, heap: HeapRef, class: SizeClass) -> Option<NonNull<u8>> {
        let visit = self.enter_on(local, heap);
        let start = self.take_slot_with(heap.as_bins(), class, self.secret());
        self.leave(local, visit);
        start
    }

    /// Aligned as a slot of the class is at least: an alignment may be why it was chosen.
    pub(crate) fn allocate_in_emergency(&self, class: SizeClass) -> Option<NonNull<u8>> {
        let align = (1 << class.bytes().trailing_zeros()).min(SLICE_BYTES);
        self.emergency().allocate(self.mapper(), class.bytes(), align)
    }
}

impl Visit {
    pub(crate) fn heap(self) -> HeapRef {
        self.heap
    }
}
