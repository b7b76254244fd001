//! Requests with a token: each is served in the partition that its token leads to, by a heap that
//! is the allocator's own, whose slices no other block ever gets.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::caller::heap_table_of;
use super::request::Request;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use super::tokens::Route;
use crate::heap::heap_record::HeapRef;
use crate::span::class::{SLICE_BYTES, SizeClass};

impl<M: Mapper> Allocator<M> {
    /// Whether tokens may count: if not, a request with one is as any other.
    #[inline(always)]
    pub fn may_have_partitions(&self) -> bool {
        self.tokens().may_count()
    }

    /// As [`Allocator::allocate_hit`], for a request with a token. What it cannot serve,
    /// [`Allocator::allocate_typed`] can.
    #[inline(always)]
    pub fn allocate_typed_hit<C: ThreadContext>(&self, context: C, token: usize, bytes: usize) -> Option<NonNull<u8>> {
        let heap = self.routes().heap(self.tokens().route(token))?;
        let heap_table = heap_table_of(context).filter(|heap_table| !heap_table.has_pushed())?;
        self.take_slot_of(heap_table.thread_heap(heap)?.as_bins(), SizeClass::at_hand(bytes)?)
    }

    /// As [`Allocator::allocate_aligned`], in the partition of a token.
    pub fn allocate_typed<C: ThreadContext>(&self, context: C, token: usize, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        if !self.policy().checks_frees() && align <= SLICE_BYTES {
            let class = SizeClass::of_aligned(bytes, align);
            if let Some(start) = class.and_then(|class| self.allocate_typed_hit(context, token, class.bytes())) {
                return Some(start);
            }
        }
        self.allocate_on_route(context, self.route(context, token), bytes, align)
    }

    /// The way of a token, for good: the allocator starts, if it has not.
    pub fn route<C: ThreadContext>(&self, context: C, token: usize) -> Route {
        self.checks_all(context);
        self.tokens().route(token)
    }

    /// As [`Allocator::allocate_typed`], by the way of the token.
    #[cold]
    pub fn allocate_on_route<C: ThreadContext>(
        &self,
        context: C,
        route: Route,
        bytes: usize,
        align: usize,
    ) -> Option<NonNull<u8>> {
        self.allocate_typed_slow(context, route, Request::new(bytes).aligned(align))
    }

    /// As [`Allocator::allocate_zeroed`], in the partition of a token.
    pub fn allocate_zeroed_typed<C: ThreadContext>(&self, context: C, token: usize, bytes: usize) -> Option<NonNull<u8>> {
        if !self.policy().checks_frees() {
            if let Some((class, start)) = SizeClass::of(bytes).zip(self.allocate_typed_hit(context, token, bytes)) {
                // SAFETY: the slot is of that class.
                unsafe { start.write_bytes(0, class.bytes()) };
                return Some(start);
            }
        }
        self.allocate_typed_slow(context, self.route(context, token), Request::new(bytes).zeroed())
    }

    /// As [`Allocator::reallocate`]; the block moves to the partition of the token, unless it is of
    /// a heap that the program made.
    ///
    /// # Safety
    /// As for [`Allocator::reallocate`].
    pub unsafe fn reallocate_typed<C: ThreadContext>(
        &self,
        context: C,
        token: usize,
        start: NonNull<u8>,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        let heap = self.partition_heap(context, self.route(context, token));
        if heap.is_none()
            || heap == self.block_at_hand(start.as_ptr()).and_then(HeapRef::of_span)
            || heap_table_of(context).is_some_and(|heap_table| heap_table.has_pushed())
        {
            // SAFETY: the caller's promise.
            return unsafe { self.reallocate_slow(context, start, bytes) };
        }
        // SAFETY: the caller's promise.
        unsafe { self.reallocate_for(context, heap, start, bytes) }
    }

    #[cold]
    #[inline(never)]
    fn allocate_typed_slow<C: ThreadContext>(&self, context: C, route: Route, request: Request) -> Option<NonNull<u8>> {
        let refusals = self.refusals();
        match self.partition_heap(context, route) {
            Some(heap) => self.allocate_in_partition(context, heap, request),
            None if self.tokens().count() && !self.serves_any(context) && self.refusals() == refusals => None,
            None => self.allocate_anywhere(context, request),
        }
    }

    /// Whether tokens do not count for the calling thread now: it entered a heap, or is a signal
    /// handler that interrupted the allocator.
    fn serves_any<C: ThreadContext>(&self, context: C) -> bool {
        context.mode() == Mode::InSlowPath
            || self.is_inside(context)
            || heap_table_of(context).is_some_and(|heap_table| heap_table.has_pushed())
    }

    /// The heap that a route leads to; `None` if there are no partitions, or tokens do not count
    /// now, or there is no memory for one.
    fn partition_heap<C: ThreadContext>(&self, context: C, route: Route) -> Option<HeapRef> {
        if !self.tokens().count() || self.serves_any(context) {
            return None;
        }
        self.routes().heap(route).or_else(|| {
            // There was no memory when the allocator started.
            self.start(context, &mut *self.space().lock(context.id())?)?;
            self.routes().heap(route)
        })
    }
}
