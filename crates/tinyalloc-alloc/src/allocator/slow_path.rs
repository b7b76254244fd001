//! The slow path: the thread that is inside is not interrupted by what a signal handler does.

use core::hint::spin_loop;
use core::ptr::{NonNull, null};

use tinyalloc_sys::Mapper;

use super::caller::{current, heap_table_of};
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::heap::heap_record::HeapRef;
use crate::heap::heap_table::HeapTable;
use crate::span::bins::Bins;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::sync::are_others_gone;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::state::Inside;

/// A stay in the slow path, and what to put back after it.
#[derive(Clone, Copy)]
pub(crate) struct SlowPath {
    heap: ThreadHeapRef,
    bins: NonNull<Bins>,
    heap_table: *const HeapTable,
    mode: Mode,
    before: Inside,
}

impl<M: Mapper> Allocator<M> {
    /// Whether this thread holds a lock: it is a signal handler then, one that interrupted the
    /// holder.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn is_inside<C: ThreadContext>(&self, context: C) -> bool {
        let (thread, pool) = (context.id(), self.pool());
        self.space().is_inside(thread)
            || pool.is_inside(thread)
            || self.guards().is_inside(thread)
            || self.profile().is_inside(thread)
    }

    /// Enters the slow path: from here to [`Allocator::end_slow_path`] this thread's frees are
    /// remote and its allocations emergencies.
    pub(crate) fn begin_slow_path<C: ThreadContext>(&self, context: C) -> SlowPath {
        self.begin_slow_path_on(context, current(context))
    }

    /// As [`Allocator::begin_slow_path`], for one of this thread's heaps that need not be the
    /// current one.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn begin_slow_path_on<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef) -> SlowPath {
        let (bins, heap_table) = (context.bins(), context.heap_table());
        let mode = context.mode();
        // First: from here on a signal handler does not come here as well.
        context.set_mode(Mode::InSlowPath);
        context.set_bins(Self::NO_BINS);
        context.set_heap_table(null());
        SlowPath { heap, bins, heap_table, mode, before: self.enter_thread_heap(context, heap) }
    }

    #[inline(always)]
    pub(crate) fn enter_thread_heap<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef) -> Inside {
        heap.enter().unwrap_or_else(|| self.wait_for_trim(context, heap))
    }

    /// Waits for a trim that is in the heap, which holds the pool's lock meanwhile. Not for one
    /// that the system has ended there: no other thread will touch the heap.
    #[cold]
    #[inline(never)]
    fn wait_for_trim<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef) -> Inside {
        loop {
            drop(self.pool().lock(context.id()));
            spin_loop();
            if let Some(before) = heap.enter() {
                return before;
            }
            if are_others_gone() {
                return Inside::NO_THREAD;
            }
        }
    }

    /// Leaves things as they were found.
    pub(crate) fn end_slow_path<C: ThreadContext>(&self, context: C, slow_path: SlowPath) {
        slow_path.heap.leave(slow_path.before);
        context.set_heap_table(slow_path.heap_table);
        context.set_bins(slow_path.bins);
        context.set_mode(slow_path.mode);
    }

    /// The heap that serves this thread's calls that name none; `None` is the global one.
    pub fn current_heap<C: ThreadContext>(&self, context: C) -> Option<HeapRef> {
        heap_table_of(context).filter(|_| context.mode() == Mode::Attached)?;
        HeapRef::of(current(context))
    }

    /// A slot that lies ready, as if in one instruction: a signal handler that frees what it
    /// allocates does not leave a list as it found it when freed slots wait.
    #[inline(always)]
    pub(crate) fn take_whole<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, class: SizeClass) -> Option<NonNull<u8>> {
        let slow_path = self.begin_slow_path_on(context, heap);
        let start = self.take_slot_with(heap.as_bins(), class, self.secret());
        self.end_slow_path(context, slow_path);
        start
    }

    /// Aligned as a slot of the class is at least: an alignment may be why it was chosen.
    pub(crate) fn allocate_in_emergency(&self, class: SizeClass) -> Option<NonNull<u8>> {
        let align = (1 << class.bytes().trailing_zeros()).min(SLICE_BYTES);
        self.emergency().allocate(self.mapper(), class.bytes(), align)
    }
}

impl SlowPath {
    pub(crate) fn heap(self) -> ThreadHeapRef {
        self.heap
    }
}
