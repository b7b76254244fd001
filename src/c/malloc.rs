//! malloc, calloc, realloc, free: the four that every program calls. Manual: malloc(3), ISO C23
//! 7.24.3.

use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};

use tinyalloc_alloc::{Movable, Resizing};

use super::limit_handler::retry_after_limit_handler;
use super::results::{block_or_enomem, out_of_memory};
use crate::lifecycle::process::allocate_slow;
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::retry_at_new_limit;
use crate::process::thread::Thread;

/// At least `bytes` bytes, aligned to 16; null and `ENOMEM` if there is no memory. A request of
/// zero bytes gets a block of its own.
#[cfg_attr(unix, unsafe(no_mangle))]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub extern "C" fn malloc(bytes: usize) -> *mut c_void {
    match ALLOCATOR.allocate_hit(Thread, bytes) {
        Some(start) => start.as_ptr().cast(),
        None => malloc_slow(bytes),
    }
}

#[cold]
#[inline(never)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
extern "C" fn malloc_slow(bytes: usize) -> *mut c_void {
    block_or_enomem(retry_after_limit_handler(ALLOCATOR.current_heap(Thread), bytes, || allocate_slow(bytes)))
}

/// Frees a block; null is ignored. For anything but the start of a live block it writes one line to
/// standard error and aborts.
///
/// # Safety
/// The block is not used afterwards.
#[cfg_attr(unix, unsafe(no_mangle))]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub unsafe extern "C" fn free(start: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { ALLOCATOR.free(Thread, start.cast()) };
}

/// `count * bytes` zero bytes; null and `ENOMEM` if the product overflows or there is no memory.
#[cfg_attr(unix, unsafe(no_mangle))]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub extern "C" fn calloc(count: usize, bytes: usize) -> *mut c_void {
    match count.checked_mul(bytes) {
        Some(bytes) => match ALLOCATOR.allocate_zeroed_hit(Thread, bytes) {
            Some(start) => start.as_ptr().cast(),
            None => calloc_slow(bytes),
        },
        None => out_of_memory(),
    }
}

#[cold]
#[inline(never)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
extern "C" fn calloc_slow(bytes: usize) -> *mut c_void {
    let heap = ALLOCATOR.current_heap(Thread);
    block_or_enomem(retry_after_limit_handler(heap, bytes, || ALLOCATOR.allocate_zeroed_slow(Thread, bytes)))
}

/// Changes the size of a block, and moves it if necessary; null and `ENOMEM` leave it unchanged. A
/// null block is allocated. Zero bytes free the block and return null with `errno` unchanged, as in
/// the GNU C library.
///
/// # Safety
/// After success only the returned block is used.
#[cfg_attr(unix, unsafe(no_mangle))]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub unsafe extern "C" fn realloc(start: *mut c_void, bytes: usize) -> *mut c_void {
    let Some(block) = NonNull::new(start.cast::<u8>()) else {
        return malloc(bytes);
    };
    match ALLOCATOR.reallocate_hit(Thread, block, bytes) {
        Resizing::Stays => start,
        // SAFETY: the caller's promise.
        Resizing::Moves(movable) => unsafe { realloc_moving(block, bytes, movable) },
        // SAFETY: the caller's promise.
        Resizing::Unknown => unsafe { realloc_slow(block, bytes) },
    }
}

/// # Safety
/// As for [`realloc`], which found out that the block moves.
#[cold]
#[inline(never)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
unsafe fn realloc_moving(block: NonNull<u8>, bytes: usize, movable: Movable) -> *mut c_void {
    // SAFETY: the caller's promise.
    match unsafe { ALLOCATOR.reallocate_to_hand(Thread, block, bytes, movable) } {
        Some(moved) => moved.as_ptr().cast(),
        // SAFETY: the caller's promise; the block is unchanged.
        None => unsafe { realloc_slow(block, bytes) },
    }
}

/// # Safety
/// As for [`realloc`].
#[cold]
#[inline(never)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
unsafe extern "C" fn realloc_slow(block: NonNull<u8>, bytes: usize) -> *mut c_void {
    if bytes == 0 {
        // SAFETY: the caller's promise.
        unsafe { free(block.as_ptr().cast()) };
        return null_mut();
    }
    // SAFETY: the caller's promise; after a failure the block is unchanged.
    block_or_enomem(retry_at_new_limit(|| unsafe { ALLOCATOR.reallocate_slow(Thread, block, bytes) }))
}

/// `realloc` to `count * bytes`; null and `ENOMEM` if the product overflows.
///
/// # Safety
/// As for [`realloc`].
#[cfg_attr(unix, unsafe(no_mangle))]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub unsafe extern "C" fn reallocarray(start: *mut c_void, count: usize, bytes: usize) -> *mut c_void {
    match count.checked_mul(bytes) {
        // SAFETY: the caller's promise.
        Some(bytes) => unsafe { realloc(start, bytes) },
        None => out_of_memory(),
    }
}

/// An old name of `free`.
///
/// # Safety
/// As for [`free`].
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfree(start: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// The usable bytes of a block, at least as many as requested; 0 for null.
///
/// # Safety
/// The block is live.
#[cfg_attr(unix, unsafe(no_mangle))]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub unsafe extern "C" fn malloc_usable_size(start: *const c_void) -> usize {
    match ALLOCATOR.usable_bytes_hit(Thread, start.cast_mut().cast()) {
        Some(bytes) => bytes,
        None => usable_size_slow(start.cast_mut().cast()),
    }
}

#[cold]
#[inline(never)]
extern "C" fn usable_size_slow(start: *mut u8) -> usize {
    NonNull::new(start).and_then(|block| ALLOCATOR.usable_bytes_slow(Thread, block)).unwrap_or(0)
}
