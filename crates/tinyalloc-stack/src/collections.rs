//! The API for collections: `&StackAllocator` as an `Allocator` of allocator-api2.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;

use tinyalloc_allocator_api::{Source, implement_allocator};

use crate::stack::StackAllocator;

// SAFETY: what `Source` asks for, a global allocator promises as well. A live block of the buffer
// borrows the allocator, which so stays where it is.
unsafe impl<const N: usize, Then: GlobalAlloc> Source for StackAllocator<N, Then> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate(layout)
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate_zeroed(layout)
    }

    #[inline]
    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { self.free(start, layout) };
    }

    #[inline]
    unsafe fn reallocate(&self, start: NonNull<u8>, layout: Layout, bytes: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller's promise.
        unsafe { self.reallocate(start, layout, bytes) }
    }
}

implement_allocator!(impl[const N: usize, Then: GlobalAlloc] for &StackAllocator<N, Then>);
