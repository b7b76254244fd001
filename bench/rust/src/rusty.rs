//! [`GlobalAlloc`] for `rusty_alloc`: the registry has its functions, but not the crate that makes
//! a global allocator of them.

use std::alloc::{GlobalAlloc, Layout};

use rusty_alloc::alloc::{free_inline_flags_first, malloc_aligned_pow2, realloc_aligned, zalloc_aligned};

/// Allocates and frees with the functions whose documentation names `GlobalAlloc`.
pub struct RustyAlloc;

// SAFETY: `malloc_aligned_pow2`, `zalloc_aligned` and `realloc_aligned` return null or a block of
// that size and alignment, which stays the caller's until it is freed, on any thread.
unsafe impl GlobalAlloc for RustyAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the alignment of a layout is a power of two.
        unsafe { malloc_aligned_pow2(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        zalloc_aligned(layout.size(), layout.align())
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the caller promises that the block came from here and is freed once.
        unsafe { free_inline_flags_first(block) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller promises that the block came from here and has not been freed.
        unsafe { realloc_aligned(block, bytes, layout.align()) }
    }
}
