use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;

use crate::misuse::freed_twice_or_never_allocated;

/// No second allocator: what does not fit into the buffer is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nothing;

// SAFETY: there are no blocks.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
        null_mut()
    }

    unsafe fn dealloc(&self, _start: *mut u8, _layout: Layout) {
        freed_twice_or_never_allocated();
    }

    unsafe fn realloc(&self, _start: *mut u8, _layout: Layout, _bytes: usize) -> *mut u8 {
        freed_twice_or_never_allocated();
    }
}
