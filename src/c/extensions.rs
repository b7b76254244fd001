//! Functions of other C libraries and allocators: reallocarr (NetBSD), recallocarray and freezero
//! (OpenBSD), nallocx and sdallocx (jemalloc), malloc_good_size (macOS).

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

use libc::{EINVAL, ENOMEM, EOVERFLOW, memcpy};
use tinyalloc_alloc::{HUGE_BYTES_MIN, REQUEST_BYTES_MAX, SLICE_BYTES, SLOT_ALIGN, SMALL_BYTES_MAX, SizeClass};
use tinyalloc_sys::{Mapper, SystemMapper};

use super::malloc::{calloc, free, malloc_usable_size, realloc};
use super::results::{null_and, out_of_memory};
use super::sized::free_hinted;
use crate::rust::request::slots_are_whole;
use crate::support::errno::{errno, set_errno};

/// Bytes that a request for `bytes` bytes really gets. A zero-size allocation has none, and any
/// access to it faults.
///
/// cbindgen:postfix=TA_CONST
#[unsafe(no_mangle)]
pub extern "C" fn malloc_good_size(bytes: usize) -> usize {
    match SizeClass::of(bytes) {
        Some(_) if bytes == 0 => 0,
        // With checks on demand a block may end in a canary: bytes beyond the request do not belong
        // to the program.
        Some(_) if !slots_are_whole() => bytes,
        Some(class) => class.bytes(),
        None if bytes > REQUEST_BYTES_MAX - HUGE_BYTES_MIN => bytes,
        None => SystemMapper::new().page_ceiling(bytes),
    }
}

/// As [`malloc_good_size`], with the logarithm of the alignment in the low six bits of `flags`; 0
/// if there is no such block.
#[unsafe(no_mangle)]
pub extern "C" fn nallocx(bytes: usize, flags: c_int) -> usize {
    let align = 1usize << (flags & 0x3f);
    if bytes == 0 || bytes > REQUEST_BYTES_MAX || align > REQUEST_BYTES_MAX / 2 {
        return 0;
    }
    if align <= SLOT_ALIGN || bytes > SMALL_BYTES_MAX {
        return malloc_good_size(bytes);
    }
    match SizeClass::of_aligned(bytes, align) {
        Some(_) if align <= SLICE_BYTES && !slots_are_whole() => bytes,
        Some(class) if align <= SLICE_BYTES => class.bytes(),
        _ => SystemMapper::new().page_ceiling(bytes),
    }
}

/// `free` with a size and flags, which are hints unless the option check_sizes is on.
///
/// # Safety
/// As for `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sdallocx(start: *mut c_void, bytes: usize, flags: c_int) {
    // SAFETY: the caller's promise.
    unsafe { free_hinted(start, bytes, 1 << (flags & 0x3f)) };
}

/// Changes the array that `*array` points at to `count` elements of `bytes` bytes. Returns 0,
/// `EOVERFLOW` or `ENOMEM`, and does not change `errno`. Zero elements free the array.
///
/// # Safety
/// `array` points at a null pointer or at a pointer to a block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reallocarr(array: *mut c_void, count: usize, bytes: usize) -> c_int {
    let mut block: *mut c_void = null_mut();
    // SAFETY: the caller's promise; the pointer may be unaligned, as in NetBSD.
    unsafe { memcpy((&raw mut block).cast(), array, size_of::<*mut c_void>()) };
    let Some(total) = count.checked_mul(bytes) else {
        return EOVERFLOW;
    };
    let error_before = errno();
    // SAFETY: the caller's promise.
    let moved = unsafe { realloc(block, total) };
    set_errno(error_before);
    if moved.is_null() && total != 0 {
        return ENOMEM;
    }
    // SAFETY: as above.
    unsafe { memcpy(array, (&raw const moved).cast(), size_of::<*mut c_void>()) };
    0
}

/// As `reallocarray`, but new elements are zeroed, and old memory is cleared before it is freed.
/// `EINVAL` if the old size overflows.
///
/// # Safety
/// The block holds `old_count * bytes` bytes; after success only the returned one is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn recallocarray(block: *mut c_void, old_count: usize, count: usize, bytes: usize) -> *mut c_void {
    if block.is_null() {
        return calloc(count, bytes);
    }
    let Some(total) = count.checked_mul(bytes) else {
        return out_of_memory();
    };
    let Some(old_total) = old_count.checked_mul(bytes) else {
        return null_and(EINVAL);
    };
    let moved = calloc(total, 1);
    if !moved.is_null() {
        // SAFETY: both blocks hold that much.
        unsafe { memcpy(moved, block, old_total.min(total)) };
        // SAFETY: the caller's promise.
        unsafe { freezero(block, old_total) };
    }
    moved
}

/// Clears the first `bytes` bytes, and frees the block.
///
/// # Safety
/// As for `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn freezero(start: *mut c_void, bytes: usize) {
    if start.is_null() {
        return;
    }
    // SAFETY: the caller's promise.
    let usable = unsafe { malloc_usable_size(start) };
    for at in 0..bytes.min(usable) {
        // SAFETY: within the block; volatile, so that the compiler does not remove the store.
        unsafe { start.cast::<u8>().wrapping_add(at).write_volatile(0) };
    }
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}
