//! `mallocx` and its family: allocation with flags.

use core::ffi::{c_int, c_void};
use core::ptr::{NonNull, copy_nonoverlapping};

use libc::{EINVAL, ENOMEM};
use tinyalloc_alloc::{HeapRef, SLOT_ALIGN};

use super::arenas::{Arena, arena, owner};
use super::flags::Flags;
use crate::c::aligned::allocate_aligned;
use crate::c::malloc::{calloc, free, malloc, malloc_usable_size, realloc};
use crate::c::results::{block_or_enomem, null_and};
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::retry_at_new_limit;
use crate::process::thread::Thread;
use crate::rust::request::{sized, slots_are_whole};

/// At least `bytes` bytes, as `flags` say; null and `ENOMEM` if there is no memory, `EINVAL` if
/// there is no such arena.
#[unsafe(no_mangle)]
pub extern "C" fn mallocx(bytes: usize, flags: c_int) -> *mut c_void {
    if flags != 0 {
        return mallocx_with(bytes, Flags::new(flags));
    }
    match ALLOCATOR.allocate_hit(Thread, bytes) {
        Some(start) => start.as_ptr().cast(),
        None => malloc(bytes),
    }
}

#[inline(never)]
fn mallocx_with(bytes: usize, flags: Flags) -> *mut c_void {
    let Some(number) = flags.arena() else {
        return allocate(bytes, flags);
    };
    match arena(number) {
        Some(Arena::Heap(heap)) => allocate_in(heap, bytes, flags),
        Some(Arena::Global) => allocate_in_global(bytes, flags),
        None => null_and(EINVAL),
    }
}

/// In the thread's arena.
fn allocate(bytes: usize, flags: Flags) -> *mut c_void {
    if flags.is_without_cache() {
        make_dense(bytes, flags);
    }
    match plain(bytes, flags.align()) {
        Some(bytes) if flags.zeroes() => calloc(1, bytes),
        Some(bytes) => malloc(bytes),
        None => cleared(block_or_enomem(allocate_aligned(bytes, flags.align())), flags),
    }
}

/// The bytes to request so that the block has the alignment anyway; `None` if it has to be asked
/// for. With checks on demand, slots are not whole.
fn plain(bytes: usize, align: usize) -> Option<usize> {
    if align <= SLOT_ALIGN {
        return Some(bytes);
    }
    if slots_are_whole() { sized(bytes, align) } else { None }
}

fn make_dense(bytes: usize, flags: Flags) {
    if let Some(bytes) = plain(bytes, flags.align()) {
        ALLOCATOR.prefer_fullest(Thread, bytes);
    }
}

fn allocate_in(heap: HeapRef, bytes: usize, flags: Flags) -> *mut c_void {
    let align = flags.align();
    let block = match plain(bytes, align) {
        Some(bytes) if flags.zeroes() => retry_at_new_limit(|| ALLOCATOR.allocate_zeroed_in(Thread, heap, bytes)),
        Some(bytes) => retry_at_new_limit(|| ALLOCATOR.allocate_in(Thread, heap, bytes)),
        None => retry_at_new_limit(|| ALLOCATOR.allocate_aligned_in(Thread, heap, bytes, align)),
    };
    match plain(bytes, align) {
        Some(_) => block_or_enomem(block),
        None => cleared(block_or_enomem(block), flags),
    }
}

fn allocate_in_global(bytes: usize, flags: Flags) -> *mut c_void {
    if ALLOCATOR.current_heap(Thread).is_none() {
        return allocate(bytes, flags);
    }
    if !ALLOCATOR.push_heap(Thread, None) {
        return null_and(ENOMEM);
    }
    let start = allocate(bytes, flags);
    ALLOCATOR.pop_heap(Thread);
    start
}

/// The block, with all its usable bytes zero if the flags say so.
fn cleared(start: *mut c_void, flags: Flags) -> *mut c_void {
    if flags.zeroes() && !start.is_null() {
        clear_from(start, 0);
    }
    start
}

/// Clears the usable bytes of a new block, or of one that has grown, from one on.
fn clear_from(start: *mut c_void, from: usize) {
    // SAFETY: the block is live.
    let usable = unsafe { malloc_usable_size(start) };
    if usable > from {
        // SAFETY: within the block.
        unsafe { start.cast::<u8>().wrapping_add(from).write_bytes(0, usable - from) };
    }
}

/// Changes the size of a block, and moves it if necessary; null leaves it unchanged. With
/// `MALLOCX_ZERO` what it has more than before is zero.
///
/// # Safety
/// After success only the returned block is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rallocx(start: *mut c_void, bytes: usize, flags: c_int) -> *mut c_void {
    let flags = Flags::new(flags);
    // Of no bytes it would be freed.
    let bytes = bytes.max(1);
    // SAFETY: the caller's promise.
    let before = unsafe { malloc_usable_size(start) };
    let stays_in_its_arena = flags.arena().is_none_or(|arena| owner(start.cast()) == Some(arena));
    let moved = if stays_in_its_arena && flags.align() <= SLOT_ALIGN {
        // SAFETY: the caller's promise.
        unsafe { realloc(start, bytes) }
    } else {
        // SAFETY: as above.
        unsafe { move_with(start, before, bytes, flags) }
    };
    if flags.zeroes() && !moved.is_null() {
        clear_from(moved, before);
    }
    moved
}

/// To an arena, or an alignment, that the block may have already.
///
/// # Safety
/// As for [`rallocx`]; `before` are its usable bytes.
unsafe fn move_with(start: *mut c_void, before: usize, bytes: usize, flags: Flags) -> *mut c_void {
    let is_as_wanted = start.addr() % flags.align() == 0 && flags.arena().is_none_or(|arena| owner(start.cast()) == Some(arena));
    if is_as_wanted {
        // SAFETY: the caller's promise.
        let usable = unsafe { resize_in_place(start, before, bytes) };
        if usable >= bytes && usable / 2 < bytes {
            return start;
        }
    }
    let moved = mallocx_with(bytes, flags);
    if !moved.is_null() {
        // SAFETY: both blocks hold so many bytes.
        unsafe { copy_nonoverlapping(start.cast::<u8>(), moved.cast(), before.min(bytes)) };
        // SAFETY: the caller's promise.
        unsafe { free(start) };
    }
    moved
}

/// # Safety
/// The block is live, and the caller's.
unsafe fn resize_in_place(start: *mut c_void, before: usize, bytes: usize) -> usize {
    // SAFETY: the caller's promise.
    NonNull::new(start.cast()).and_then(|block| unsafe { ALLOCATOR.resize_in_place(Thread, block, bytes) }).unwrap_or(before)
}

/// Changes the size of a block where it is, to at least `bytes`, and to `extra` more if that can be
/// had. Returns its usable bytes, changed or not.
///
/// # Safety
/// The block is live, and the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xallocx(start: *mut c_void, bytes: usize, extra: usize, flags: c_int) -> usize {
    // SAFETY: the caller's promise.
    let before = unsafe { malloc_usable_size(start) };
    // SAFETY: as above.
    let mut usable = unsafe { resize_in_place(start, before, bytes.saturating_add(extra)) };
    if usable < bytes && extra > 0 {
        // SAFETY: as above.
        usable = unsafe { resize_in_place(start, usable, bytes) };
    }
    if Flags::new(flags).zeroes() {
        clear_from(start, before);
    }
    usable
}

/// The usable bytes of a block.
///
/// # Safety
/// The block is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sallocx(start: *const c_void, _flags: c_int) -> usize {
    // SAFETY: the caller's promise.
    unsafe { malloc_usable_size(start) }
}

/// Frees a block.
///
/// # Safety
/// As for `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dallocx(start: *mut c_void, _flags: c_int) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}
