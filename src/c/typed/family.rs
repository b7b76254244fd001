//! The malloc family with tokens.

use core::ffi::{c_int, c_void};
use core::ptr::NonNull;

use libc::{EINVAL, ENOMEM};
use tinyalloc_sys::{Mapper, SystemMapper};

use super::super::aligned::{ALIGN_MAX, aligned_alloc, memalign, posix_memalign, pvalloc, valloc};
use super::super::limit_handler::retry_after_limit_handler;
use super::super::malloc::{calloc, malloc, realloc};
use super::super::partition::allocate_on_route;
use super::super::results::{block_or_enomem, null_and, out_of_memory};
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::retry_at_new_limit;
use crate::process::thread::Thread;
use crate::support::errno::set_errno;

/// A block of a token's partition.
#[inline(never)]
fn allocate(bytes: usize, align: usize, token: usize) -> Option<NonNull<u8>> {
    allocate_on_route(ALLOCATOR.route(Thread, token), bytes, align)
}

/// `malloc`.
#[unsafe(no_mangle)]
pub extern "C" fn __alloc_token_malloc(bytes: usize, token: usize) -> *mut c_void {
    if !ALLOCATOR.may_have_partitions() {
        return malloc(bytes);
    }
    match ALLOCATOR.allocate_typed_hit(Thread, token, bytes) {
        Some(start) => start.as_ptr().cast(),
        None => malloc_slow(bytes, token),
    }
}

#[cold]
#[inline(never)]
extern "C" fn malloc_slow(bytes: usize, token: usize) -> *mut c_void {
    block_or_enomem(allocate(bytes, 1, token))
}

/// `calloc`.
#[unsafe(no_mangle)]
pub extern "C" fn __alloc_token_calloc(count: usize, bytes: usize, token: usize) -> *mut c_void {
    if !ALLOCATOR.may_have_partitions() {
        return calloc(count, bytes);
    }
    match count.checked_mul(bytes) {
        Some(bytes) => {
            let attempt = || ALLOCATOR.allocate_zeroed_typed(Thread, token, bytes);
            block_or_enomem(retry_after_limit_handler(ALLOCATOR.current_heap(Thread), bytes, attempt))
        }
        None => out_of_memory(),
    }
}

/// `realloc`; the block moves to the token's partition, unless it is of a heap that the program
/// made.
///
/// # Safety
/// As for `realloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __alloc_token_realloc(start: *mut c_void, bytes: usize, token: usize) -> *mut c_void {
    match NonNull::new(start.cast::<u8>()) {
        None => __alloc_token_malloc(bytes, token),
        Some(block) if bytes > 0 && ALLOCATOR.may_have_partitions() => {
            // SAFETY: the caller's promise; after a failure the block is unchanged.
            block_or_enomem(retry_at_new_limit(|| unsafe { ALLOCATOR.reallocate_typed(Thread, token, block, bytes) }))
        }
        // SAFETY: the caller's promise.
        Some(_) => unsafe { realloc(start, bytes) },
    }
}

/// `reallocarray`.
///
/// # Safety
/// As for `realloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __alloc_token_reallocarray(start: *mut c_void, count: usize, bytes: usize, token: usize) -> *mut c_void {
    match count.checked_mul(bytes) {
        // SAFETY: the caller's promise.
        Some(bytes) => unsafe { __alloc_token_realloc(start, bytes, token) },
        None => out_of_memory(),
    }
}

/// `aligned_alloc`.
#[unsafe(no_mangle)]
pub extern "C" fn __alloc_token_aligned_alloc(align: usize, bytes: usize, token: usize) -> *mut c_void {
    if !ALLOCATOR.may_have_partitions() {
        return aligned_alloc(align, bytes);
    }
    if align.is_power_of_two() { block_or_enomem(allocate(bytes, align, token)) } else { null_and(EINVAL) }
}

/// `memalign`.
#[unsafe(no_mangle)]
pub extern "C" fn __alloc_token_memalign(align: usize, bytes: usize, token: usize) -> *mut c_void {
    if !ALLOCATOR.may_have_partitions() || align > ALIGN_MAX {
        return memalign(align, bytes);
    }
    block_or_enomem(allocate(bytes, align.max(1).next_power_of_two(), token))
}

/// `posix_memalign`.
///
/// # Safety
/// As for `posix_memalign`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __alloc_token_posix_memalign(
    block: *mut *mut c_void,
    align: usize,
    bytes: usize,
    token: usize,
) -> c_int {
    if !ALLOCATOR.may_have_partitions() || !align.is_power_of_two() || align < size_of::<*mut c_void>() {
        // SAFETY: the caller's promise.
        return unsafe { posix_memalign(block, align, bytes) };
    }
    let Some(start) = allocate(bytes, align, token) else {
        set_errno(ENOMEM);
        return ENOMEM;
    };
    // SAFETY: the caller's promise.
    unsafe { block.write(start.as_ptr().cast()) };
    0
}

/// `valloc`.
#[unsafe(no_mangle)]
pub extern "C" fn __alloc_token_valloc(bytes: usize, token: usize) -> *mut c_void {
    if !ALLOCATOR.may_have_partitions() {
        return valloc(bytes);
    }
    block_or_enomem(allocate(bytes, SystemMapper::new().page_bytes(), token))
}

/// `pvalloc`.
#[unsafe(no_mangle)]
pub extern "C" fn __alloc_token_pvalloc(bytes: usize, token: usize) -> *mut c_void {
    let page_bytes = SystemMapper::new().page_bytes();
    match bytes.max(1).checked_next_multiple_of(page_bytes) {
        Some(whole) if ALLOCATOR.may_have_partitions() => block_or_enomem(allocate(whole, page_bytes, token)),
        _ => pvalloc(bytes),
    }
}
