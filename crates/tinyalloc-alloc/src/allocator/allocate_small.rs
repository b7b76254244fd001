//! Small requests that the hit path could not serve, by what the thread has.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::current;
use super::local::{Local, Mode};
use super::state::Allocator;
use crate::config::policy::{ATTACHED_AT_ONCE, VISITS_MAX};
use crate::heap::HeapRef;
use crate::heap::spare::Keeping;
use crate::span::class::SizeClass;
use crate::support::lock::Patience;

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
        let visits = local.visits();
        if visits < VISITS_MAX && self.attached().load(Ordering::Relaxed) >= ATTACHED_AT_ONCE {
            return self.allocate_borrowed(local, class, Mode::Unattached);
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

    /// A thread without a heap borrows one for one call, and is in `mode` afterwards.
    #[inline(never)]
    fn allocate_borrowed<L: Local>(&self, local: L, class: SizeClass, mode: Mode) -> Option<NonNull<u8>> {
        let (refusals, visits) = (self.refusals(), local.visits());
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
        // One store either way: a signal handler finds it undone or done.
        match mode {
            Mode::Unattached => local.set_visits(visits + 1),
            _ => local.set_mode(mode),
        }
        self.slot_or_report(local, class, slot, refusals)
    }
}
