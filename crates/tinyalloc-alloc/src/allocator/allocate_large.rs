//! Large requests: their zeros and their alignment.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::large::{LargeBlock, REQUEST_BYTES_MAX, admits_grown};
use super::request::Request;
use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::config::policy::HUGE_BYTES_MIN;
use crate::heap::heap_record::HeapRef;
use crate::region::layout::RUN_ALIGN_MAX;
use crate::span::class::SLICE_BYTES;

impl<M: Mapper> Allocator<M> {
    #[cold]
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn allocate_large<C: ThreadContext>(&self, context: C, bytes: usize) -> Option<NonNull<u8>> {
        self.large(context, self.current_heap(context), bytes, 1).map(|block| block.start())
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn large<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        bytes: usize,
        align: usize,
    ) -> Option<LargeBlock> {
        if heap.is_none() && align <= SLICE_BYTES {
            if let Some(span) = self.take_kept(context, bytes) {
                self.draw_large(context, None, span.start(), Request::new(bytes).aligned(align));
                return Some(LargeBlock::new(span.start(), false));
            }
        }
        self.new_large(context, heap, bytes, Request::new(bytes).aligned(align), BlockPlace::of(bytes, align))
    }

    /// A block of `bytes` bytes, for one that has grown to that.
    pub(crate) fn allocate_grown<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        // A partition keeps its addresses, and a mapping does not.
        if heap.is_some_and(|heap| heap.is_partition()) {
            return None;
        }
        if bytes > REQUEST_BYTES_MAX / 2 || !self.space().lock(context.id())?.maps_grown(bytes) {
            return None;
        }
        let grown = self.grown(bytes);
        if !admits_grown(heap, grown) {
            return None;
        }
        self.new_large(context, heap, grown, Request::new(bytes), BlockPlace::Mapping).map(|block| block.start())
    }

    /// A block of `bytes` bytes, which may be more than was asked for.
    fn new_large<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        bytes: usize,
        request: Request,
        place: BlockPlace,
    ) -> Option<LargeBlock> {
        let align = request.align();
        if bytes > REQUEST_BYTES_MAX - SLICE_BYTES || align > REQUEST_BYTES_MAX / 2 {
            return None;
        }
        if self.is_inside(context) {
            if heap.is_some() {
                return None;
            }
            let start = self.emergency().allocate(self.mapper(), bytes, align)?;
            return Some(LargeBlock::new(start, false));
        }
        let (wanted, refusals, _quiet) = (bytes, self.refusals(), self.errors_disabled());
        let bytes = self.mapper().page_ceiling(bytes.max(1));
        if let Some(heap) = heap {
            if !self.charge(context, heap, bytes) {
                return None;
            }
        }
        let in_region = if place == BlockPlace::Region { self.large_in_region(context, heap, bytes, align) } else { None };
        // Nor is there a mapping for a partition where no region has room.
        let may_map = place == BlockPlace::Mapping || !heap.is_some_and(|heap| heap.is_partition());
        let mapped = || if may_map { self.huge(context, heap, bytes, align) } else { None };
        let block = in_region.or_else(mapped).or_else(|| {
            let is_worth_it = place == BlockPlace::Mapping && self.makes_room(context);
            if is_worth_it { self.huge(context, heap, bytes, align) } else { None }
        });
        if let Some(heap) = heap.filter(|_| block.is_none()) {
            heap.quota().uncharge(bytes);
        }
        if block.is_none() && self.refusals() != refusals {
            let start = self.emergency().allocate_block(self.mapper(), bytes, align)?;
            return Some(LargeBlock::new(start, true));
        }
        self.free_left(context);
        if let Some(block) = block {
            self.malloclike(context, block.start(), wanted);
            self.draw_large(context, heap, block.start(), request);
        }
        block
    }

    /// As [`Allocator::allocate_aligned`], with a span or a mapping of its own.
    pub(crate) fn allocate_large_aligned<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        bytes: usize,
        align: usize,
    ) -> Option<NonNull<u8>> {
        self.large(context, heap, bytes, align).map(|block| block.start())
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn allocate_large_zeroed<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        let block = self.large(context, heap, bytes, 1)?;
        if block.is_zeroed() {
            self.make_defined(block.start(), bytes);
        } else {
            self.clear(context, block.start(), bytes);
        }
        Some(block.start())
    }
}

/// Where a block is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlockPlace {
    /// A run of slices, or a mapping where there is none.
    Region,
    /// A mapping of its own.
    Mapping,
}

impl BlockPlace {
    const fn of(bytes: usize, align: usize) -> BlockPlace {
        if bytes < HUGE_BYTES_MIN && align <= RUN_ALIGN_MAX { BlockPlace::Region } else { BlockPlace::Mapping }
    }
}
