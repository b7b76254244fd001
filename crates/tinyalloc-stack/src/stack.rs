use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::mem::MaybeUninit;
use core::ptr::{NonNull, without_provenance_mut};

use crate::blocks::Blocks;
use crate::buffer::Buffer;
use crate::misuse::freed_twice_or_never_allocated;
use crate::nothing::Nothing;

/// An allocator of `N` bytes that it contains. What does not fit comes from `Then`, which by
/// default has nothing.
///
/// It is a global allocator, and `&StackAllocator` is an `Allocator` (features `allocator-api2-02`
/// and `allocator-api2-04`).
/// [The crate](crate) says what it does with the bytes.
#[repr(C, align(16))]
pub struct StackAllocator<const N: usize, Then = Nothing> {
    buffer: UnsafeCell<MaybeUninit<[u8; N]>>,
    blocks: Blocks,
    then: Then,
}

// SAFETY: blocks are handed out to one caller each, and what is shared is so by B2.
unsafe impl<const N: usize, Then: Sync> Sync for StackAllocator<N, Then> {}

impl<const N: usize> StackAllocator<N> {
    /// An empty one. In a `static` it costs no space in the program's file.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_overflow(Nothing)
    }
}

impl<const N: usize> Default for StackAllocator<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize, Then> StackAllocator<N, Then> {
    /// An empty one that takes from `then` what does not fit into the buffer.
    ///
    /// ```
    /// use std::alloc::System;
    /// # use tinyalloc_stack as stack;
    /// use stack::StackAllocator;
    ///
    /// #[global_allocator]
    /// static ALLOCATOR: StackAllocator<65536, System> = StackAllocator::with_overflow(System);
    ///
    /// let large = vec![1; 100_000];
    /// assert!(!ALLOCATOR.contains(large.as_ptr().cast()));
    /// ```
    #[must_use]
    pub const fn with_overflow(then: Then) -> Self {
        const { assert!(N <= i32::MAX as usize, "offsets are 32 bits, less one") };
        Self { buffer: UnsafeCell::new(MaybeUninit::uninit()), blocks: Blocks::new(), then }
    }

    /// The bytes from the bottom of the buffer to the end of the topmost block: blocks, eight bytes
    /// for each, padding between them, and blocks that are free but lie below live ones. Zero when
    /// all are free.
    #[must_use]
    pub fn used(&self) -> usize {
        self.blocks.used()
    }

    /// The bytes of the buffer: `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// The most bytes that were ever [used](Self::used) at once: the `N` that this program could
    /// have done with.
    #[must_use]
    pub fn high_water(&self) -> usize {
        self.blocks.used_most()
    }

    /// Whether an address lies in the buffer.
    #[must_use]
    pub fn contains(&self, address: *const u8) -> bool {
        self.buffer().contains(address.addr())
    }

    /// The second allocator.
    #[must_use]
    pub const fn overflow(&self) -> &Then {
        &self.then
    }

    /// Empties the buffer at once, whatever is in it. False, and nothing done, if it interrupted a
    /// thread inside. Blocks of the second allocator stay as they are.
    ///
    /// # Safety
    /// No thread uses a block of the buffer any more, or will free or reallocate one.
    pub unsafe fn reset(&self) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.blocks.forget(self.buffer()) }
    }

    #[inline]
    fn buffer(&self) -> Buffer {
        let start = NonNull::from(&self.buffer).cast();
        // SAFETY: F1: it lies here while `self` is borrowed, first in an aligned struct, and
        // nothing else looks into it.
        unsafe { Buffer::new(start, N) }
    }
}

impl<const N: usize, Then: GlobalAlloc> StackAllocator<N, Then> {
    #[inline]
    pub(crate) fn allocate(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return Some(dangling(layout));
        }
        self.blocks.allocate(self.buffer(), layout).or_else(|| {
            // SAFETY: the layout is not empty.
            NonNull::new(unsafe { self.then.alloc(layout) })
        })
    }

    #[inline]
    pub(crate) fn allocate_zeroed(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return Some(dangling(layout));
        }
        let Some(start) = self.blocks.allocate(self.buffer(), layout) else {
            // SAFETY: the layout is not empty.
            return NonNull::new(unsafe { self.then.alloc_zeroed(layout) });
        };
        // SAFETY: the block holds that much.
        unsafe { start.write_bytes(0, layout.size()) };
        Some(start)
    }

    /// # Safety
    /// It is a live block of this layout, and no thread uses it any more.
    #[inline]
    pub(crate) unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        if layout.size() == 0 {
            return;
        }
        if !self.contains(start.as_ptr()) {
            // SAFETY: the caller's promise: what is not ours is the second allocator's.
            return unsafe { self.then.dealloc(start.as_ptr(), layout) };
        }
        // SAFETY: the caller's promise.
        if unsafe { self.blocks.free(self.buffer(), start) }.is_err() {
            freed_twice_or_never_allocated();
        }
    }

    /// # Safety
    /// It is a live block of this layout; when this succeeds, no thread uses it any more. The new
    /// size with the same alignment is a valid layout.
    #[inline]
    pub(crate) unsafe fn reallocate(&self, start: NonNull<u8>, layout: Layout, bytes: usize) -> Option<NonNull<u8>> {
        if layout.size() != 0 && bytes != 0 {
            if !self.contains(start.as_ptr()) {
                // SAFETY: the caller's promise: what is not ours is the second allocator's.
                return NonNull::new(unsafe { self.then.realloc(start.as_ptr(), layout, bytes) });
            }
            // SAFETY: the caller's promise.
            if unsafe { self.blocks.resize(self.buffer(), start, bytes) } || bytes <= layout.size() {
                return Some(start);
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.move_elsewhere(start, layout, bytes) }
    }

    unsafe fn move_elsewhere(&self, start: NonNull<u8>, layout: Layout, bytes: usize) -> Option<NonNull<u8>> {
        let moved = self.allocate(Layout::from_size_align(bytes, layout.align()).ok()?)?;
        // SAFETY: both blocks are live, distinct, and hold that much.
        unsafe { start.copy_to_nonoverlapping(moved, layout.size().min(bytes)) };
        // SAFETY: the caller's promise.
        unsafe { self.free(start, layout) };
        Some(moved)
    }
}

impl<const N: usize, Then> Debug for StackAllocator<N, Then> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        let mut shown = formatter.debug_struct("StackAllocator");
        shown.field("used", &self.used()).field("capacity", &N).field("high_water", &self.high_water()).finish_non_exhaustive()
    }
}

fn dangling(layout: Layout) -> NonNull<u8> {
    NonNull::new(without_provenance_mut(layout.align())).unwrap_or(NonNull::dangling())
}
