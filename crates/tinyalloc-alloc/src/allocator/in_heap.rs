//! Allocating in a heap that the caller names.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::{attached_thread_heap, heap_table_of};
use super::request::Request;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::heap::heap_record::HeapRef;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::support::lock::Patience;
use crate::thread_heap::ThreadHeapRef;

impl<M: Mapper> Allocator<M> {
    /// As [`Allocator::allocate`], in `heap`. `None` also for a signal handler that interrupted the
    /// allocator.
    #[inline(always)]
    pub fn allocate_in<C: ThreadContext>(&self, context: C, heap: HeapRef, bytes: usize) -> Option<NonNull<u8>> {
        self.allocate_in_hit(context, heap, bytes).or_else(|| self.allocate_in_slow(context, heap, bytes))
    }

    /// As [`Allocator::allocate_in`], but only if a free slot lies ready.
    #[inline(always)]
    pub fn allocate_in_hit<C: ThreadContext>(&self, context: C, heap: HeapRef, bytes: usize) -> Option<NonNull<u8>> {
        self.take_slot_of(attached_thread_heap(context, heap)?.as_bins(), SizeClass::at_hand(bytes)?)
    }

    /// As [`Allocator::allocate_in`], for what [`Allocator::allocate_in_hit`] could not serve.
    pub fn allocate_in_slow<C: ThreadContext>(&self, context: C, heap: HeapRef, bytes: usize) -> Option<NonNull<u8>> {
        let request = Request::new(bytes);
        if heap.is_partition() {
            return self.allocate_in_partition(context, heap, request);
        }
        self.allocate_in_thread_heap(context, heap, request)
    }

    /// In the heap of a partition; beside a fork, and in a signal handler that interrupted the
    /// allocator, a block that is no heap's.
    pub(crate) fn allocate_in_partition<C: ThreadContext>(
        &self,
        context: C,
        heap: HeapRef,
        request: Request,
    ) -> Option<NonNull<u8>> {
        let refusals = self.refusals();
        let start = self.allocate_in_thread_heap(context, heap, request);
        if start.is_some() || context.mode() != Mode::InSlowPath && !self.is_inside(context) && self.refusals() == refusals {
            return start;
        }
        self.allocate_anywhere(context, request)
    }

    /// As a request that names no heap.
    pub(crate) fn allocate_anywhere<C: ThreadContext>(&self, context: C, request: Request) -> Option<NonNull<u8>> {
        match (request.is_zeroed(), request.align()) {
            (true, _) => self.allocate_zeroed(context, request.bytes()),
            (false, 1) => self.allocate(context, request.bytes()),
            (false, align) => self.allocate_aligned(context, request.bytes(), align),
        }
    }

    /// As [`Allocator::allocate_zeroed`], in `heap`.
    pub fn allocate_zeroed_in<C: ThreadContext>(&self, context: C, heap: HeapRef, bytes: usize) -> Option<NonNull<u8>> {
        if !self.policy().checks_frees() {
            if let Some((class, start)) = SizeClass::of(bytes).zip(self.allocate_in_hit(context, heap, bytes)) {
                // SAFETY: the slot is of that class.
                unsafe { start.write_bytes(0, class.bytes()) };
                return Some(start);
            }
        }
        self.allocate_in_thread_heap(context, heap, Request::new(bytes).zeroed())
    }

    /// As [`Allocator::allocate_aligned`], in `heap`.
    pub fn allocate_aligned_in<C: ThreadContext>(
        &self,
        context: C,
        heap: HeapRef,
        bytes: usize,
        align: usize,
    ) -> Option<NonNull<u8>> {
        if !self.policy().checks_frees() && align <= SLICE_BYTES {
            let class = SizeClass::of_aligned(bytes, align);
            if let Some(start) = class.and_then(|class| self.allocate_in_hit(context, heap, class.bytes())) {
                return Some(start);
            }
        }
        self.allocate_in_thread_heap(context, heap, Request::new(bytes).aligned(align))
    }

    /// In the global heap, whichever is current.
    pub(crate) fn allocate_in_default_heap<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        match heap_table_of(context).filter(|_| context.mode() == Mode::Attached) {
            Some(heap_table) => self.allocate_on(context, heap_table.default_heap(), Request::new(bytes)),
            None => self.allocate(context, bytes),
        }
    }

    /// In one of this thread's heaps.
    fn allocate_on<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, request: Request) -> Option<NonNull<u8>> {
        if self.policy().checks_frees() {
            return self.allocate_checked_on(context, heap, request);
        }
        let (default_heap, bytes) = (HeapRef::of(heap), request.bytes());
        let start = match self.class_of(request) {
            Some(class) => {
                self.take_slot_of(heap.as_bins(), class).or_else(|| self.allocate_attached(context, heap, request.small(class)))
            }
            None if request.is_zeroed() => return self.allocate_large_zeroed(context, default_heap, bytes),
            None => self.allocate_large_aligned(context, default_heap, bytes, request.align()),
        };
        self.cleared(context, request, start)
    }

    /// With this thread's part in `heap`; a thread that is ending borrows one for the one call.
    #[cold]
    #[inline(never)]
    fn allocate_in_thread_heap<C: ThreadContext>(&self, context: C, heap: HeapRef, request: Request) -> Option<NonNull<u8>> {
        let _quiet = self.errors_disabled();
        // A program that names a heap holds no lock that a fork waits for; one that names none may.
        let patience = if heap.is_partition() { Patience::None } else { Patience::WithForks };
        self.attach_in_time(context, patience)?;
        match context.mode() {
            Mode::Attached => self.allocate_on(context, self.thread_heap(context, heap, patience)?, request),
            Mode::Unattached | Mode::Visiting | Mode::Detached => {
                let attachment = self.borrow_thread_heap(context, heap, patience)?;
                let start = self.allocate_on(context, attachment.thread_heap(), request);
                self.return_thread_heap(context, attachment);
                start
            }
            Mode::InSlowPath => None,
        }
    }
}
