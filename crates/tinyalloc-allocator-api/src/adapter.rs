//! What the traits of all versions ask for, in terms of a [`Source`]. A block of size zero is an
//! aligned address and nothing else.

#![allow(missing_docs, reason = "for the macro alone")]

use core::alloc::Layout;
use core::ptr::{NonNull, without_provenance_mut};

use crate::source::Source;

#[inline]
pub fn allocate<S: Source>(source: &S, layout: Layout) -> Option<NonNull<[u8]>> {
    if layout.size() == 0 {
        return Some(block(dangling(layout), layout));
    }
    Some(NonNull::slice_from_raw_parts(source.allocate(layout)?, source.usable_bytes(layout)))
}

#[inline]
pub fn allocate_zeroed<S: Source>(source: &S, layout: Layout) -> Option<NonNull<[u8]>> {
    let start = if layout.size() == 0 { dangling(layout) } else { source.allocate_zeroed(layout)? };
    Some(block(start, layout))
}

/// # Safety
/// As `Allocator::deallocate`.
#[inline]
pub unsafe fn deallocate<S: Source>(source: &S, start: NonNull<u8>, layout: Layout) {
    if layout.size() != 0 {
        // SAFETY: the caller's promise.
        unsafe { source.deallocate(start, layout) };
    }
}

/// # Safety
/// As `Allocator::grow`.
#[inline]
pub unsafe fn grow<S: Source>(source: &S, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<[u8]>> {
    // SAFETY: the caller's promise.
    unsafe { resize(source, start, old, new) }
}

/// # Safety
/// As `Allocator::grow_zeroed`.
#[inline]
pub unsafe fn grow_zeroed<S: Source>(source: &S, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<[u8]>> {
    // SAFETY: the caller's promise.
    let grown = block(unsafe { resize(source, start, old, new) }?.cast(), new);
    // SAFETY: a block that grew is at least as large as it was.
    let beyond = unsafe { grown.cast::<u8>().add(old.size()) };
    // SAFETY: S1.
    unsafe { beyond.write_bytes(0, new.size() - old.size()) };
    Some(grown)
}

/// # Safety
/// As `Allocator::shrink`.
#[inline]
pub unsafe fn shrink<S: Source>(source: &S, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<[u8]>> {
    // SAFETY: the caller's promise.
    unsafe { resize(source, start, old, new) }
}

#[inline]
unsafe fn resize<S: Source>(source: &S, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<[u8]>> {
    if old.align() != new.align() || old.size() == 0 || new.size() == 0 {
        // SAFETY: the caller's promise.
        return unsafe { move_elsewhere(source, start, old, new) };
    }
    // SAFETY: the caller's promise; neither size is zero, and the alignment stays.
    let start = unsafe { source.reallocate(start, old, new.size()) }?;
    Some(NonNull::slice_from_raw_parts(start, source.usable_bytes(new)))
}

unsafe fn move_elsewhere<S: Source>(source: &S, start: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<[u8]>> {
    let moved = allocate(source, new)?;
    // SAFETY: S1: both blocks are live, distinct, and hold that much.
    unsafe { start.copy_to_nonoverlapping(moved.cast(), old.size().min(new.size())) };
    // SAFETY: the caller's promise.
    unsafe { deallocate(source, start, old) };
    Some(moved)
}

/// What is beyond it, if anything, need not be zero.
fn block(start: NonNull<u8>, layout: Layout) -> NonNull<[u8]> {
    NonNull::slice_from_raw_parts(start, layout.size())
}

fn dangling(layout: Layout) -> NonNull<u8> {
    NonNull::new(without_provenance_mut(layout.align())).unwrap_or(NonNull::dangling())
}
