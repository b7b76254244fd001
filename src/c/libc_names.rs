//! The family under the GNU C library's internal names, which some wrappers and old dynamic linkers
//! bind.
//!
//! musl has functions of these names for its own memory: under its locks, which a fork takes after
//! ours. They stay its own.

use core::ffi::{c_int, c_void};

use super::aligned::{memalign, posix_memalign, pvalloc, valloc};
use super::malloc::{calloc, cfree, free, malloc, realloc};

/// `malloc`.
#[unsafe(no_mangle)]
pub extern "C" fn __libc_malloc(bytes: usize) -> *mut c_void {
    malloc(bytes)
}

/// `calloc`.
#[unsafe(no_mangle)]
pub extern "C" fn __libc_calloc(count: usize, bytes: usize) -> *mut c_void {
    calloc(count, bytes)
}

/// `realloc`.
///
/// # Safety
/// As for `realloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __libc_realloc(start: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe { realloc(start, bytes) }
}

/// `free`.
///
/// # Safety
/// As for `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __libc_free(start: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `cfree`.
///
/// # Safety
/// As for `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __libc_cfree(start: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { cfree(start) };
}

/// `memalign`.
#[unsafe(no_mangle)]
pub extern "C" fn __libc_memalign(align: usize, bytes: usize) -> *mut c_void {
    memalign(align, bytes)
}

/// `valloc`.
#[unsafe(no_mangle)]
pub extern "C" fn __libc_valloc(bytes: usize) -> *mut c_void {
    valloc(bytes)
}

/// `pvalloc`.
#[unsafe(no_mangle)]
pub extern "C" fn __libc_pvalloc(bytes: usize) -> *mut c_void {
    pvalloc(bytes)
}

/// `posix_memalign`.
///
/// # Safety
/// As for `posix_memalign`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __posix_memalign(block: *mut *mut c_void, align: usize, bytes: usize) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { posix_memalign(block, align, bytes) }
}
