//! Large requests: their zeros and their alignment.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::large::{HUGE_BYTES_MIN, LargeBlock, REQUEST_BYTES_MAX};
use super::local::Local;
use super::state::Allocator;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::region::layout::RUN_ALIGN_MAX;
use crate::span::class::SLICE_BYTES;

impl<M: Mapper> Allocator<M> {
    #[cold]
    #[inline(never)]
    pub(crate) fn allocate_large<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        self.large(local, self.current_heap(local), bytes, 1).map(|block| block.start())
    }

    pub(crate) fn large<L: Local>(&self, local: L, heap: Option<IsolatedRef>, bytes: usize, align: usize) -> Option<LargeBlock> {
        if bytes > REQUEST_BYTES_MAX - SLICE_BYTES || align > REQUEST_BYTES_MAX / 2 {
            return None;
        }
        if self.is_inside(local) {
            if heap.is_some() {
                return None;
            }
            let start = self.emergency().allocate(self.mapper(), bytes, align)?;
            return Some(LargeBlock::new(start, false));
        }
        let (wanted, refusals, _quiet) = (bytes, self.refusals(), self.quiet());
        let bytes = bytes.max(1).next_multiple_of(self.mapper().page_bytes());
        if let Some(heap) = heap
            && !self.charge(local, heap, bytes)
        {
            return None;
        }
        let is_for_region = bytes < HUGE_BYTES_MIN && align <= RUN_ALIGN_MAX;
        let in_region = if is_for_region { self.large_in_region(local, heap, bytes, align) } else { None };
        let block = in_region.or_else(|| self.huge(local, heap, bytes, align));
        if let Some(heap) = heap.filter(|_| block.is_none()) {
            heap.quota().give_back(bytes);
        }
        if block.is_none() && self.refusals() != refusals {
            let start = self.emergency().allocate_block(self.mapper(), bytes, align)?;
            return Some(LargeBlock::new(start, true));
        }
        self.free_left(local);
        if let Some(block) = block {
            self.announce(local, block.start(), wanted);
        }
        block
    }

    /// Clears a new block of at least `bytes` bytes, whatever kind of block it became.
    pub(crate) fn clear<L: Local>(&self, local: L, start: NonNull<u8>, bytes: usize) {
        let usable = self.usable_bytes(local, start).unwrap_or(bytes);
        // SAFETY: the block holds that much.
        unsafe { start.write_bytes(0, usable) };
    }

    /// As [`Allocator::allocate_aligned`], with a span or a mapping of its own.
    pub(crate) fn allocate_large_aligned<L: Local>(
        &self,
        local: L,
        heap: Option<IsolatedRef>,
        bytes: usize,
        align: usize,
    ) -> Option<NonNull<u8>> {
        self.large(local, heap, bytes, align).map(|block| block.start())
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn allocate_large_zeroed<L: Local>(
        &self,
        local: L,
        heap: Option<IsolatedRef>,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        let block = self.large(local, heap, bytes, 1)?;
        if block.is_zeroed() {
            self.announce_zeroed(block.start(), bytes);
        } else {
            self.clear(local, block.start(), bytes);
        }
        Some(block.start())
    }
}
