//! The API for Rust: a global allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};

use crate::stack::StackAllocator;

// SAFETY: blocks are distinct, live until freed, and aligned as asked for.
unsafe impl<const N: usize, Then: GlobalAlloc> GlobalAlloc for StackAllocator<N, Then> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        or_null(self.allocate(layout))
    }

    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        if let Some(start) = NonNull::new(start) {
            // SAFETY: the caller's promise.
            unsafe { self.free(start, layout) };
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        or_null(self.allocate_zeroed(layout))
    }

    #[inline]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        let Some(start) = NonNull::new(start) else {
            return null_mut();
        };
        // SAFETY: the caller's promise.
        or_null(unsafe { self.reallocate(start, layout, bytes) })
    }
}

fn or_null(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(null_mut(), NonNull::as_ptr)
}
