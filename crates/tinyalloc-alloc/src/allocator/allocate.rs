//! Allocate: the hit path, and which way a request takes beyond it.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::local::Local;
use super::request::Request;
use super::state::Allocator;
use crate::span::class::{SLICE_BYTES, SLOT_ALIGN, SizeClass};

impl<M: Mapper> Allocator<M> {
    /// At least `bytes` bytes, aligned to 16, or `None` when no memory is to be had.
    #[inline(always)]
    pub fn allocate<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        self.allocate_hit(local, bytes).or_else(|| self.allocate_slow(local, bytes))
    }

    /// As [`Allocator::allocate`], for what [`Allocator::allocate_hit`] could not serve.
    pub fn allocate_slow<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        if bytes == 0
            && let Some(start) = self.allocate_nothing(local, SLOT_ALIGN)
        {
            return Some(start);
        }
        if self.checks_all(local) {
            return self.take_checked(local, bytes).or_else(|| self.allocate_checked(local, Request::new(bytes)));
        }
        if self.policy().guarded_one_in() > 0
            && let Some(start) = self.sampled_at_refill(local, bytes)
        {
            return Some(start);
        }
        match SizeClass::of(bytes) {
            Some(class) => self.allocate_small_slow(local, class),
            None => self.allocate_large(local, bytes),
        }
    }

    /// A block of no bytes; `None` where a slot must do: in an isolated heap, for an alignment beyond a page,
    /// and where there is no room for more.
    #[cold]
    pub(crate) fn allocate_nothing<L: Local>(&self, local: L, align: usize) -> Option<NonNull<u8>> {
        if self.current_heap(local).is_some() || align > self.mapper().page_bytes() {
            return None;
        }
        if !self.empty().has_begun() {
            let _space = self.space().lock(local.id())?;
            self.empty().begin(self.mapper())?;
        }
        self.empty().allocate(align)
    }

    /// As [`Allocator::allocate`], with every byte zero, also those that are usable beyond `bytes`.
    #[inline]
    pub fn allocate_zeroed<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        let Some(class) = SizeClass::at_hand(bytes) else {
            return self.allocate_large_zeroed(local, self.current_heap(local), bytes);
        };
        let Some(start) = self.take_slot(local, class) else {
            return self.allocate_zeroed_slow(local, bytes);
        };
        // SAFETY: the slot is of that class.
        unsafe { start.write_bytes(0, class.bytes()) };
        Some(start)
    }

    #[cold]
    fn allocate_zeroed_slow<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        self.allocate_slow(local, bytes).inspect(|start| self.clear(local, *start, bytes))
    }

    /// At least `bytes` bytes, aligned to `align`, a power of two.
    pub fn allocate_aligned<L: Local>(&self, local: L, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        if bytes > 0
            && align <= SLICE_BYTES
            && let Some(class) = SizeClass::of_aligned(bytes, align)
            && let Some(start) = self.take_slot(local, class)
        {
            return Some(start);
        }
        self.allocate_aligned_slow(local, bytes, align)
    }

    #[cold]
    #[inline(never)]
    fn allocate_aligned_slow<L: Local>(&self, local: L, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        if bytes == 0
            && let Some(start) = self.allocate_nothing(local, align)
        {
            return Some(start);
        }
        if self.checks_all(local) {
            return self.allocate_checked(local, Request::new(bytes).aligned(align));
        }
        if align <= SLICE_BYTES
            && let Some(class) = SizeClass::of_aligned(bytes, align)
        {
            return self.allocate_small_slow(local, class);
        }
        self.allocate_large_aligned(local, self.current_heap(local), bytes, align)
    }
}
