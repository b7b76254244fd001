//! Requests of a program that wants more checks than the default: every call comes here, and not to
//! the hit path.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::{current, trace};
use super::request::Request;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::heap::heap_record::HeapRef;
use crate::span::class::{SLOT_ALIGN, SizeClass};
use crate::support::lock::Patience;
use crate::thread_heap::ThreadHeapRef;

impl<M: Mapper> Allocator<M> {
    /// A slot of the current heap that lies ready, for what is asked for most: no guards, no
    /// alignment.
    #[inline(never)]
    pub(crate) fn take_checked<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        let policy = self.policy();
        if policy.guarded_one_in() > 0 || context.mode() != Mode::Attached {
            return None;
        }
        let class = SizeClass::of(policy.slot_need(bytes)?)?;
        let start = self.take_whole(context, current(context), class)?;
        if policy.has_canaries() {
            self.begin_life(context, start, class.bytes(), bytes);
        }
        Some(start)
    }

    /// Serves a request from the current heap.
    #[cold]
    pub(crate) fn allocate_checked<C: ThreadContext>(&self, context: C, request: Request) -> Option<NonNull<u8>> {
        let _quiet = self.errors_disabled();
        let _ = self.attach_in_time(context, Patience::None);
        if context.mode() != Mode::Attached {
            let class = self.class_of(request);
            return self.cleared(
                context,
                request,
                match class {
                    Some(class) => self.allocate_small_slow(context, request.small(class)).inspect(|start| {
                        self.begin_any_life(context, *start, request.bytes());
                        self.malloclike(context, *start, request.bytes());
                    }),
                    None => self.allocate_large_aligned(context, None, request.bytes(), request.align()),
                },
            );
        }
        self.allocate_checked_on(context, current(context), request)
    }

    /// As [`Allocator::allocate_checked`], from one of this thread's heaps.
    pub(crate) fn allocate_checked_on<C: ThreadContext>(
        &self,
        context: C,
        heap: ThreadHeapRef,
        request: Request,
    ) -> Option<NonNull<u8>> {
        let _quiet = self.errors_disabled();
        if HeapRef::of(heap).is_none() {
            if let Some(start) = self.sampled(context, heap, request) {
                return self.cleared(context, request, Some(start));
            }
        }
        let Some(class) = self.class_of(request) else {
            let start = self.allocate_large_aligned(context, HeapRef::of(heap), request.bytes(), request.align());
            return self.cleared(context, request, start);
        };
        let start = match self.take_whole(context, heap, class) {
            Some(start) => {
                if self.policy().has_canaries() {
                    self.begin_life(context, start, class.bytes(), request.bytes());
                }
                start
            }
            None => {
                let start = self.allocate_attached(context, heap, request.small(class))?;
                self.begin_any_life(context, start, request.bytes());
                start
            }
        };
        self.malloclike(context, start, request.bytes());
        self.cleared(context, request, Some(start))
    }

    pub(crate) fn cleared<C: ThreadContext>(
        &self,
        context: C,
        request: Request,
        start: Option<NonNull<u8>>,
    ) -> Option<NonNull<u8>> {
        if let Some(start) = start.filter(|_| request.is_zeroed()) {
            self.clear(context, start, request.bytes());
        }
        start
    }

    /// A guarded block, for one in so many.
    pub(crate) fn sampled<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, request: Request) -> Option<NonNull<u8>> {
        let every = self.policy().guarded_one_in();
        if every == 0 || !heap.is_sampled(every) {
            return None;
        }
        let maker = (context.id().0, trace(context));
        self.guards().lock(context.id())?.allocate(self.mapper(), self.guard_range(), request.bytes(), request.align(), maker)
    }

    /// As [`Allocator::sampled`], for a request that found no free slot: it represents all those
    /// that did since the last one.
    pub(crate) fn sampled_at_refill<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        if context.mode() != Mode::Attached || self.current_heap(context).is_some() {
            return None;
        }
        let heap = current(context);
        if !heap.is_sampled_at_refill(self.policy().guarded_one_in()) {
            return None;
        }
        let maker = (context.id().0, trace(context));
        self.guards().lock(context.id())?.allocate(self.mapper(), self.guard_range(), bytes, SLOT_ALIGN, maker)
    }
}
