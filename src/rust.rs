//! The face for Rust: a global allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};

use tinyalloc_alloc::{SLOT_ALIGN, Stats};

use crate::process::{ALLOCATOR, allocate_slow};
use crate::thread::Thread;

/// The global heap as Rust's global allocator.
#[derive(Clone, Copy, Debug, Default)]
pub struct TinyAlloc;

impl TinyAlloc {
    /// Counts what the heap holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        ALLOCATOR.stats(Thread)
    }

    /// Gives all free memory back to the system at once; true if there was any.
    pub fn purge(&self) -> bool {
        ALLOCATOR.purge_all(Thread)
    }
}

fn or_null(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(null_mut(), NonNull::as_ptr)
}

// SAFETY: blocks are distinct, live until freed, and aligned as asked for.
unsafe impl GlobalAlloc for TinyAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= SLOT_ALIGN {
            or_null(ALLOCATOR.allocate_hit(Thread, layout.size()).or_else(|| allocate_slow(layout.size())))
        } else {
            or_null(ALLOCATOR.allocate_aligned(Thread, layout.size(), layout.align()))
        }
    }

    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, _layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { ALLOCATOR.free(Thread, start) };
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= SLOT_ALIGN {
            return or_null(ALLOCATOR.allocate_zeroed(Thread, layout.size()));
        }
        let block = ALLOCATOR.allocate_aligned(Thread, layout.size(), layout.align());
        if let Some(start) = block {
            // SAFETY: the block holds that much.
            unsafe { start.write_bytes(0, layout.size()) };
        }
        or_null(block)
    }

    #[inline]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        if layout.align() <= SLOT_ALIGN
            && let Some(start) = NonNull::new(start)
        {
            // SAFETY: the caller's promise.
            return or_null(unsafe { ALLOCATOR.reallocate(Thread, start, new_bytes) });
        }
        let moved = or_null(ALLOCATOR.allocate_aligned(Thread, new_bytes, layout.align()));
        if !moved.is_null() {
            // SAFETY: both blocks are live, distinct, and hold that much.
            unsafe { start.copy_to_nonoverlapping(moved, layout.size().min(new_bytes)) };
            // SAFETY: the caller's promise.
            unsafe { ALLOCATOR.free(Thread, start) };
        }
        moved
    }
}
