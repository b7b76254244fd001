//! The malloc family in a heap.

use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};

use libc::{EINVAL, ENOMEM};
use tinyalloc_alloc::{Heap, HeapRef, SLOT_ALIGN};

use super::super::aligned::aligned_alloc;
use super::super::limit_handler::retry_after_limit_handler;
use super::super::malloc::{calloc, malloc};
use super::super::results::{block_or_enomem, null_and, out_of_memory};
use super::handle::{Named, TaHeap, named};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// As malloc(3), in a heap.
///
/// Returns null and errno ENOMEM when there is no memory, or not within the limit; EINVAL for what
/// is no heap. ENOMEM also in a signal handler that interrupted the allocator.
///
/// # Safety
/// `heap` is null or a heap.
/// cbindgen:postfix=TA_MALLOC TA_ALLOC_SIZE(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_malloc(heap: *mut TaHeap, bytes: usize) -> *mut c_void {
    if let Some(pointer) = NonNull::new(heap.cast::<Heap>()) {
        // SAFETY: the global handle equals no heap that a thread is attached to.
        let heap = unsafe { HeapRef::from_ptr(pointer) };
        if let Some(start) = ALLOCATOR.allocate_in_hit(Thread, heap, bytes) {
            return start.as_ptr().cast();
        }
    }
    malloc_slow(heap, bytes)
}

#[cold]
#[inline(never)]
extern "C" fn malloc_slow(heap: *mut TaHeap, bytes: usize) -> *mut c_void {
    match named(heap) {
        Some(Named::Heap(heap)) => allocate_in(heap, bytes, || ALLOCATOR.allocate_in_slow(Thread, heap, bytes)),
        Some(Named::Global) => malloc(bytes),
        None => null_mut(),
    }
}

/// A block from the heap; null with `EINVAL` if the heap is gone, else with `ENOMEM`.
fn allocate_in(heap: HeapRef, bytes: usize, attempt: impl FnMut() -> Option<NonNull<u8>>) -> *mut c_void {
    match retry_after_limit_handler(Some(heap), bytes, attempt) {
        Some(start) => start.as_ptr().cast(),
        None => refuse(heap),
    }
}

#[cold]
#[inline(never)]
fn refuse(heap: HeapRef) -> *mut c_void {
    null_and(if ALLOCATOR.is_heap(Thread, heap) { ENOMEM } else { EINVAL })
}

/// As calloc(3), in a heap. Errors as for `ta_heap_malloc`, and ENOMEM when the product overflows.
///
/// # Safety
/// `heap` is null or a heap.
/// cbindgen:postfix=TA_MALLOC TA_ALLOC_SIZE2(2, 3)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_calloc(heap: *mut TaHeap, count: usize, bytes: usize) -> *mut c_void {
    let Some(total) = count.checked_mul(bytes) else {
        return out_of_memory();
    };
    match named(heap) {
        Some(Named::Heap(heap)) => allocate_in(heap, total, || ALLOCATOR.allocate_zeroed_in(Thread, heap, total)),
        Some(Named::Global) => calloc(count, bytes),
        None => null_mut(),
    }
}

/// As realloc(3): the block stays in its heap, which must be `heap`. A null block is allocated in
/// it; 0 bytes free the block and return null. A block of another heap ends the program with a
/// message that names both heaps. Errors as for `ta_heap_malloc`; the block is then as it was.
///
/// # Safety
/// As for realloc.
/// cbindgen:postfix=TA_CHECK_RESULT TA_ALLOC_SIZE(3)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_realloc(heap: *mut TaHeap, block: *mut c_void, bytes: usize) -> *mut c_void {
    let Some(name) = named(heap) else {
        return null_mut();
    };
    let Some(start) = NonNull::new(block.cast::<u8>()) else {
        // SAFETY: the caller's promise.
        return unsafe { ta_heap_malloc(heap, bytes) };
    };
    if bytes == 0 {
        // SAFETY: the caller's promise.
        unsafe { ta_heap_free(heap, block) };
        return null_mut();
    }
    match name {
        Named::Heap(heap) => allocate_in(heap, bytes, || {
            // SAFETY: the caller's promise.
            unsafe { ALLOCATOR.reallocate_in(Thread, Some(heap), start, bytes) }
        }),
        // SAFETY: the caller's promise.
        Named::Global => block_or_enomem(unsafe { ALLOCATOR.reallocate_in(Thread, None, start, bytes) }),
    }
}

/// As reallocarray(3), in a heap. Errors as for `ta_heap_realloc`, and ENOMEM when the product
/// overflows.
///
/// # Safety
/// As for realloc.
/// cbindgen:postfix=TA_CHECK_RESULT TA_ALLOC_SIZE2(3, 4)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_reallocarray(heap: *mut TaHeap, block: *mut c_void, count: usize, bytes: usize) -> *mut c_void {
    match count.checked_mul(bytes) {
        // SAFETY: the caller's promise.
        Some(total) => unsafe { ta_heap_realloc(heap, block, total) },
        None => out_of_memory(),
    }
}

/// As aligned_alloc(3), in a heap. Errors as for `ta_heap_malloc`, and EINVAL when `alignment` is
/// no power of two.
///
/// # Safety
/// `heap` is null or a heap.
/// cbindgen:postfix=TA_MALLOC TA_ALLOC_ALIGN(2) TA_ALLOC_SIZE(3)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_aligned_alloc(heap: *mut TaHeap, alignment: usize, bytes: usize) -> *mut c_void {
    let Some(name) = named(heap) else {
        return null_mut();
    };
    if !alignment.is_power_of_two() {
        return null_and(EINVAL);
    }
    match name {
        // SAFETY: the caller's promise.
        Named::Heap(_) if alignment <= SLOT_ALIGN => unsafe { ta_heap_malloc(heap, bytes) },
        Named::Heap(heap) => allocate_in(heap, bytes, || ALLOCATOR.allocate_aligned_in(Thread, heap, bytes, alignment)),
        Named::Global => aligned_alloc(alignment, bytes),
    }
}

/// Frees a block of a heap; a null block is ignored. A block of another heap ends the program with
/// a message that names both, as does whatever free(3) would not take. Plain free takes blocks of
/// every heap.
///
/// # Safety
/// As for free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_free(heap: *mut TaHeap, block: *mut c_void) {
    if let Some(pointer) = NonNull::new(heap.cast::<Heap>()) {
        // SAFETY: no thread is attached to the global handle.
        let isolated = unsafe { HeapRef::from_ptr(pointer) };
        // SAFETY: the caller's promise.
        if unsafe { ALLOCATOR.free_in_hit(Thread, isolated, block.cast()) } {
            return;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { free_slow(heap, block) };
}

#[cold]
#[inline(never)]
unsafe extern "C" fn free_slow(heap: *mut TaHeap, block: *mut c_void) {
    let heap = match named(heap) {
        Some(Named::Heap(heap)) => Some(heap),
        Some(Named::Global) => None,
        None => return,
    };
    // SAFETY: the caller's promise.
    unsafe { ALLOCATOR.free_in_slow(Thread, heap, block.cast()) };
}
