//! malloc and its family under names of their own: a Windows program names the library of each
//! function that it calls, and no other comes before it.

use core::ffi::c_void;

use super::aligned::aligned_alloc;
use super::malloc::{calloc, free, malloc, malloc_usable_size, realloc, reallocarray};

/// On Windows, malloc of the global heap, aligned to 16.
///
/// cbindgen:postfix=TA_MALLOC TA_ALLOC_SIZE(1)
#[cfg(windows)]
#[unsafe(no_mangle)]
pub extern "C" fn ta_malloc(bytes: usize) -> *mut c_void {
    malloc(bytes)
}

/// On Windows, calloc of the global heap.
///
/// cbindgen:postfix=TA_MALLOC TA_ALLOC_SIZE2(1, 2)
#[cfg(windows)]
#[unsafe(no_mangle)]
pub extern "C" fn ta_calloc(count: usize, bytes: usize) -> *mut c_void {
    calloc(count, bytes)
}

/// On Windows, realloc of a block of ours: zero bytes free it.
///
/// # Safety
/// As for realloc.
/// cbindgen:postfix=TA_CHECK_RESULT TA_ALLOC_SIZE(2)
#[cfg(windows)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_realloc(block: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe { realloc(block, bytes) }
}

/// On Windows, as `ta_realloc`, to `count * bytes`; null and errno ENOMEM if that overflows.
///
/// # Safety
/// As for realloc.
/// cbindgen:postfix=TA_CHECK_RESULT TA_ALLOC_SIZE2(2, 3)
#[cfg(windows)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_reallocarray(block: *mut c_void, count: usize, bytes: usize) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe { reallocarray(block, count, bytes) }
}

/// On Windows, aligned_alloc of C11, which the C runtime lacks; `ta_free` frees the block.
///
/// cbindgen:postfix=TA_MALLOC TA_ALLOC_ALIGN(1) TA_ALLOC_SIZE(2)
#[cfg(windows)]
#[unsafe(no_mangle)]
pub extern "C" fn ta_aligned_alloc(alignment: usize, bytes: usize) -> *mut c_void {
    aligned_alloc(alignment, bytes)
}

/// On Windows, frees a block of ours; null is ignored. Anything else is reported, and the process
/// aborted: a block of the C runtime's malloc, too.
///
/// # Safety
/// As for free.
#[cfg(windows)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_free(block: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(block) };
}

/// On Windows, the bytes of a block, at least as many as were asked for; 0 for null.
///
/// # Safety
/// The block is live.
#[cfg(windows)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_usable_size(block: *const c_void) -> usize {
    // SAFETY: the caller's promise.
    unsafe { malloc_usable_size(block) }
}
