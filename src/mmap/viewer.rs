//! Allocation in a child of a fork that may only read its parent's file: a mapping for each block,
//! until the child runs another program.

use core::alloc::Layout;
use core::ptr::null_mut;

use tinyalloc_sys::{Mapper, PosixMapper};

const PAGES: PosixMapper = PosixMapper::new();

/// A zeroed block, never freed.
#[cold]
pub(super) fn allocate(layout: Layout) -> *mut u8 {
    let bytes = layout.size().max(1).next_multiple_of(PAGES.page_bytes());
    PAGES.map(bytes, layout.align()).map_or(null_mut(), |start| start.as_ptr())
}

/// # Safety
/// `start` is a block of this layout.
#[cold]
pub(super) unsafe fn reallocate(start: *mut u8, layout: Layout, new: Layout) -> *mut u8 {
    let moved = allocate(new);
    if !moved.is_null() {
        // SAFETY: both blocks hold that much, and the new one was just allocated.
        unsafe { start.copy_to_nonoverlapping(moved, layout.size().min(new.size())) };
    }
    moved
}
