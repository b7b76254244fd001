//! The C++ operators: eight of `new`, and of the twelve of `delete` those without a size; `sized`
//! has the other four. ISO C++20 17.6.3.
//!
//! An exception may pass through `new`, from the new-handler or as `std::bad_alloc`. It must not
//! pass through a Rust frame, so the loop around the handler is in assembly, in `throwing`.
//! `replaced` says which operator calls which other one, and why.

use core::arch::{asm, naked_asm};
use core::ffi::c_void;

use super::aligned::allocate_aligned;
use super::malloc::free;
use super::replaced::{self, jump_to};
use super::throwing::{tinyalloc_new_nothrow_by, tinyalloc_new_nothrow_slow, tinyalloc_new_slow};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// The compiler merges functions that do the same, and calls the result by either name. Our own
/// calls of `free` must not become calls of an operator, because the program may replace it.
#[inline(always)]
fn be_another_function() {
    // SAFETY: does nothing.
    unsafe { asm!("", options(nomem, nostack, preserves_flags)) };
}

/// `operator new(std::size_t)`
#[unsafe(export_name = "_Znwm")]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub extern "C-unwind" fn new(bytes: usize) -> *mut c_void {
    match ALLOCATOR.allocate_hit(Thread, bytes) {
        Some(start) => start.as_ptr().cast(),
        // SAFETY: the function takes any size.
        None => unsafe { tinyalloc_new_slow(bytes, 1) },
    }
}

/// `operator new(std::size_t, const std::nothrow_t&)`
#[unsafe(export_name = "_ZnwmRKSt9nothrow_t")]
pub extern "C-unwind" fn new_nothrow(bytes: usize, _tag: *const c_void) -> *mut c_void {
    let new = replaced::new();
    if new.is_replaced() {
        // SAFETY: it is that operator.
        return unsafe { tinyalloc_new_nothrow_by(bytes, 1, new.address()) };
    }
    match ALLOCATOR.allocate_hit(Thread, bytes) {
        Some(start) => start.as_ptr().cast(),
        // SAFETY: the function takes any size.
        None => unsafe { tinyalloc_new_nothrow_slow(bytes, 1) },
    }
}

/// `operator new(std::size_t, std::align_val_t)`
#[unsafe(export_name = "_ZnwmSt11align_val_t")]
pub extern "C-unwind" fn new_aligned(bytes: usize, align: usize) -> *mut c_void {
    match allocate_aligned(bytes, align) {
        Some(start) => start.as_ptr().cast(),
        // SAFETY: the function takes any size.
        None => unsafe { tinyalloc_new_slow(bytes, align) },
    }
}

/// `operator new(std::size_t, std::align_val_t, const std::nothrow_t&)`
#[unsafe(export_name = "_ZnwmSt11align_val_tRKSt9nothrow_t")]
pub extern "C-unwind" fn new_aligned_nothrow(bytes: usize, align: usize, _tag: *const c_void) -> *mut c_void {
    let new = replaced::new_aligned();
    if new.is_replaced() {
        // SAFETY: it is that operator.
        return unsafe { tinyalloc_new_nothrow_by(bytes, align, new.address()) };
    }
    match allocate_aligned(bytes, align) {
        Some(start) => start.as_ptr().cast(),
        // SAFETY: the function takes any size.
        None => unsafe { tinyalloc_new_nothrow_slow(bytes, align) },
    }
}

/// `operator new[](std::size_t)`
#[unsafe(naked)]
#[unsafe(export_name = "_Znam")]
pub extern "C-unwind" fn new_array(bytes: usize) -> *mut c_void {
    jump_to!("_Znwm")
}

/// `operator new[](std::size_t, const std::nothrow_t&)`
#[unsafe(export_name = "_ZnamRKSt9nothrow_t")]
pub extern "C-unwind" fn new_array_nothrow(bytes: usize, _tag: *const c_void) -> *mut c_void {
    let new = replaced::new_array();
    if new.is_replaced() {
        // SAFETY: it is that operator.
        return unsafe { tinyalloc_new_nothrow_by(bytes, 1, new.address()) };
    }
    // SAFETY: the function takes any size.
    unsafe { tinyalloc_new_nothrow_slow(bytes, 1) }
}

/// `operator new[](std::size_t, std::align_val_t)`
#[unsafe(naked)]
#[unsafe(export_name = "_ZnamSt11align_val_t")]
pub extern "C-unwind" fn new_array_aligned(bytes: usize, align: usize) -> *mut c_void {
    jump_to!("_ZnwmSt11align_val_t")
}

/// `operator new[](std::size_t, std::align_val_t, const std::nothrow_t&)`
#[unsafe(export_name = "_ZnamSt11align_val_tRKSt9nothrow_t")]
pub extern "C-unwind" fn new_array_aligned_nothrow(bytes: usize, align: usize, _tag: *const c_void) -> *mut c_void {
    let new = replaced::new_array_aligned();
    if new.is_replaced() {
        // SAFETY: it is that operator.
        return unsafe { tinyalloc_new_nothrow_by(bytes, align, new.address()) };
    }
    // SAFETY: the function takes any size.
    unsafe { tinyalloc_new_nothrow_slow(bytes, align) }
}

/// `operator delete(void*)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdlPv")]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub unsafe extern "C" fn delete(start: *mut c_void) {
    be_another_function();
    // SAFETY: the caller's promise.
    unsafe { ALLOCATOR.free(Thread, start.cast()) };
}

/// `operator delete(void*, const std::nothrow_t&)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdlPvRKSt9nothrow_t")]
pub unsafe extern "C" fn delete_nothrow(start: *mut c_void, tag: *const c_void) {
    jump_to!("_ZdlPv")
}

/// `operator delete(void*, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdlPvSt11align_val_t")]
pub unsafe extern "C" fn delete_aligned(start: *mut c_void, _align: usize) {
    be_another_function();
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete(void*, std::align_val_t, const std::nothrow_t&)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdlPvSt11align_val_tRKSt9nothrow_t")]
pub unsafe extern "C" fn delete_aligned_nothrow(start: *mut c_void, align: usize, tag: *const c_void) {
    jump_to!("_ZdlPvSt11align_val_t")
}

/// `operator delete[](void*)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdaPv")]
pub unsafe extern "C" fn delete_array(start: *mut c_void) {
    jump_to!("_ZdlPv")
}

/// `operator delete[](void*, const std::nothrow_t&)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdaPvRKSt9nothrow_t")]
pub unsafe extern "C" fn delete_array_nothrow(start: *mut c_void, tag: *const c_void) {
    jump_to!("_ZdaPv")
}

/// `operator delete[](void*, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdaPvSt11align_val_t")]
pub unsafe extern "C" fn delete_array_aligned(start: *mut c_void, align: usize) {
    jump_to!("_ZdlPvSt11align_val_t")
}

/// `operator delete[](void*, std::align_val_t, const std::nothrow_t&)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdaPvSt11align_val_tRKSt9nothrow_t")]
pub unsafe extern "C" fn delete_array_aligned_nothrow(start: *mut c_void, align: usize, tag: *const c_void) {
    jump_to!("_ZdaPvSt11align_val_t")
}
