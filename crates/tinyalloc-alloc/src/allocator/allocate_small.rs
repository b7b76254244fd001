//! Small requests that the hit path could not serve, by what the thread has.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::current;
use super::request::SmallRequest;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::config::policy::{ATTACHED_AT_ONCE, VISITS_MAX};
use crate::heap::heap_record::HeapRef;
use crate::support::lock::Patience;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::spare::SpareLimit;

impl<M: Mapper> Allocator<M> {
    #[cold]
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn allocate_small_slow<C: ThreadContext>(&self, context: C, request: SmallRequest) -> Option<NonNull<u8>> {
        match context.mode() {
            Mode::Attached => self.allocate_attached(context, current(context), request),
            Mode::Unattached | Mode::Visiting => self.allocate_unattached(context, request),
            Mode::InSlowPath => self.allocate_in_emergency(request.class()),
            Mode::Detached => self.allocate_borrowed(context, request, Mode::Detached),
        }
    }

    fn allocate_unattached<C: ThreadContext>(&self, context: C, request: SmallRequest) -> Option<NonNull<u8>> {
        if !context.is_end_told() {
            return self.allocate_visiting(context, request);
        }
        let visits = context.visits();
        if visits < VISITS_MAX && self.attached().load(Ordering::Relaxed) >= ATTACHED_AT_ONCE {
            return self.allocate_borrowed(context, request, Mode::Unattached);
        }
        let refusals = self.refusals();
        if self.attach(context, Patience::None).is_none() {
            return self.slot_or_report(context, request.class(), Ok(None), refusals);
        }
        let start = self.allocate_attached(context, current(context), request);
        context.arm_detach();
        start
    }

    /// The second call arms the thread, and the third finds it armed, or arms it again: the first
    /// may be a part of what forgets that.
    #[cold]
    fn allocate_visiting<C: ThreadContext>(&self, context: C, request: SmallRequest) -> Option<NonNull<u8>> {
        if context.mode() == Mode::Visiting {
            // What that allocates itself must not come back here.
            context.set_mode(Mode::Detached);
            context.arm_detach();
        }
        self.allocate_borrowed(context, request, Mode::Visiting)
    }

    /// Allocates in one of this thread's heaps.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn allocate_attached<C: ThreadContext>(
        &self,
        context: C,
        heap: ThreadHeapRef,
        request: SmallRequest,
    ) -> Option<NonNull<u8>> {
        let refusals = self.refusals();
        let slow_path = self.begin_slow_path_on(context, heap);
        self.follow_profile(context, slow_path.heap());
        let slot = self.refill(context, slow_path.heap(), request.class());
        let is_marked = heap.has_taken_marked();
        self.empty_bin(slow_path.heap(), request.class());
        let due = self.release_spare(context, slow_path.heap(), SpareLimit::Usual);
        self.end_slow_path(context, slow_path);
        self.purge(context, due);
        self.follow_epoch(context, heap);
        self.free_left(context);
        let start = self.slot_or_report(context, request.class(), slot, refusals);
        if is_marked { self.sampled_instead(context, HeapRef::of(heap), request, start) } else { start }
    }

    /// A block of an isolated heap, or the global one, that got a marked slot is sampled, and lies
    /// where sampled ones do.
    #[cold]
    #[inline(never)]
    fn sampled_instead<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        request: SmallRequest,
        start: Option<NonNull<u8>>,
    ) -> Option<NonNull<u8>> {
        let start = start?;
        let Some(sampled) = self.sample_small(context, heap, request, start) else {
            return Some(start);
        };
        // SAFETY: no thread knows the block yet.
        unsafe { self.free(context, start.as_ptr()) };
        Some(sampled)
    }

    /// A thread without a heap borrows one for one call, and is in `mode` afterwards.
    #[inline(never)]
    fn allocate_borrowed<C: ThreadContext>(&self, context: C, request: SmallRequest, mode: Mode) -> Option<NonNull<u8>> {
        let (refusals, visits) = (self.refusals(), context.visits());
        context.set_mode(Mode::InSlowPath);
        let mut is_marked = false;
        let slot = self.borrow_heap(context, Patience::None).map_or(Ok(None), |heap| {
            let before = self.enter_thread_heap(context, heap);
            self.follow_profile(context, heap);
            let slot = self.refill(context, heap, request.class());
            is_marked = heap.has_taken_marked();
            self.empty_bin(heap, request.class());
            let _ = self.release_spare(context, heap, SpareLimit::Usual);
            heap.leave(before);
            self.return_heap(context, heap);
            slot
        });
        // One store either way: a signal handler finds it undone or done.
        match mode {
            // A signal handler came first, and has attached the thread.
            Mode::Unattached if context.bins() != Self::NO_BINS => context.set_mode(Mode::Attached),
            Mode::Unattached => context.set_visits(visits + 1),
            _ => context.set_mode(mode),
        }
        let start = self.slot_or_report(context, request.class(), slot, refusals);
        if !is_marked {
            return start;
        }
        let start = self.sampled_instead(context, None, request, start);
        // The sample took the slow path in between.
        if mode == Mode::Unattached && context.mode() == mode {
            context.set_visits(visits + 1);
        }
        start
    }
}
