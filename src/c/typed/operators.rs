//! The operators `new` with tokens. One that the program replaced is the program's: its `delete`
//! goes with it, and is called without a token.

use core::ffi::c_void;
use core::mem::transmute;

use super::super::replaced::{Replaceable, new, new_aligned, new_array, new_array_aligned};
use super::super::throwing::{
    SizedBlock, tinyalloc_new_nothrow_by, tinyalloc_new_nothrow_slow, tinyalloc_new_sized, tinyalloc_new_slow, typed_align,
};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// Whether a call is one of the operator without a token.
#[inline(always)]
fn is_plain(operator: Replaceable) -> bool {
    !ALLOCATOR.may_have_partitions() || operator.is_replaced()
}

#[inline(always)]
fn plain_one(operator: Replaceable, bytes: usize) -> *mut c_void {
    // Not one that unwinds: of a call that an exception may leave, the compiler makes no jump.
    // SAFETY: it is that operator.
    let plain = unsafe { transmute::<*const c_void, extern "C" fn(usize) -> *mut c_void>(operator.address()) };
    plain(bytes)
}

#[inline(always)]
fn aligned(operator: Replaceable, bytes: usize, align: usize, token: usize) -> *mut c_void {
    if is_plain(operator) {
        // SAFETY: it is that operator.
        let plain = unsafe { transmute::<*const c_void, extern "C" fn(usize, usize) -> *mut c_void>(operator.address()) };
        return plain(bytes, align);
    }
    // SAFETY: the function takes any size.
    unsafe { tinyalloc_new_slow(bytes, typed_align(align, token)) }
}

#[inline(always)]
fn nothrow(operator: Replaceable, bytes: usize, align: usize, token: usize) -> *mut c_void {
    if operator.is_replaced() {
        // SAFETY: it is that operator.
        return unsafe { tinyalloc_new_nothrow_by(bytes, align, operator.address()) };
    }
    // SAFETY: the function takes any size.
    unsafe { tinyalloc_new_nothrow_slow(bytes, typed_align(align, token)) }
}

/// `operator new(std::size_t)`
#[unsafe(export_name = "__alloc_token__Znwm")]
pub extern "C-unwind" fn typed_new(bytes: usize, token: usize) -> *mut c_void {
    if !ALLOCATOR.may_have_partitions() {
        return plain_one(new(), bytes);
    }
    typed_one(bytes, token)
}

/// As [`typed_new`], where tokens may count: short of what the other case does not need.
#[inline(never)]
extern "C-unwind" fn typed_one(bytes: usize, token: usize) -> *mut c_void {
    let one = new();
    if one.is_replaced() {
        return plain_one(one, bytes);
    }
    match ALLOCATOR.allocate_typed_hit(Thread, token, bytes) {
        Some(start) => start.as_ptr().cast(),
        // SAFETY: the function takes any size.
        None => unsafe { tinyalloc_new_slow(bytes, typed_align(1, token)) },
    }
}

/// `operator new[](std::size_t)`
#[unsafe(export_name = "__alloc_token__Znam")]
pub extern "C-unwind" fn typed_new_array(bytes: usize, token: usize) -> *mut c_void {
    let array = new_array();
    if is_plain(array) { plain_one(array, bytes) } else { typed_new(bytes, token) }
}

/// `operator new(std::size_t, const std::nothrow_t&)`
#[unsafe(export_name = "__alloc_token__ZnwmRKSt9nothrow_t")]
pub extern "C-unwind" fn typed_new_nothrow(bytes: usize, _tag: *const c_void, token: usize) -> *mut c_void {
    nothrow(new(), bytes, 1, token)
}

/// `operator new[](std::size_t, const std::nothrow_t&)`
#[unsafe(export_name = "__alloc_token__ZnamRKSt9nothrow_t")]
pub extern "C-unwind" fn typed_new_array_nothrow(bytes: usize, _tag: *const c_void, token: usize) -> *mut c_void {
    nothrow(new_array(), bytes, 1, token)
}

/// `operator new(std::size_t, std::align_val_t)`
#[unsafe(export_name = "__alloc_token__ZnwmSt11align_val_t")]
pub extern "C-unwind" fn typed_new_aligned(bytes: usize, align: usize, token: usize) -> *mut c_void {
    aligned(new_aligned(), bytes, align, token)
}

/// `operator new[](std::size_t, std::align_val_t)`
#[unsafe(export_name = "__alloc_token__ZnamSt11align_val_t")]
pub extern "C-unwind" fn typed_new_array_aligned(bytes: usize, align: usize, token: usize) -> *mut c_void {
    aligned(new_array_aligned(), bytes, align, token)
}

/// `operator new(std::size_t, std::align_val_t, const std::nothrow_t&)`
#[unsafe(export_name = "__alloc_token__ZnwmSt11align_val_tRKSt9nothrow_t")]
pub extern "C-unwind" fn typed_new_aligned_nothrow(bytes: usize, align: usize, _tag: *const c_void, token: usize) -> *mut c_void {
    nothrow(new_aligned(), bytes, align, token)
}

/// `operator new[](std::size_t, std::align_val_t, const std::nothrow_t&)`
#[unsafe(export_name = "__alloc_token__ZnamSt11align_val_tRKSt9nothrow_t")]
pub extern "C-unwind" fn typed_new_array_aligned_nothrow(
    bytes: usize,
    align: usize,
    _tag: *const c_void,
    token: usize,
) -> *mut c_void {
    nothrow(new_array_aligned(), bytes, align, token)
}

/// `__size_returning_new(std::size_t)`
#[unsafe(export_name = "__alloc_token___size_returning_new")]
pub(crate) extern "C-unwind" fn typed_sized_new(bytes: usize, token: usize) -> SizedBlock {
    // SAFETY: the function takes any size.
    unsafe { tinyalloc_new_sized(bytes, typed_align(1, token)) }
}

/// `__size_returning_new_aligned(std::size_t, std::align_val_t)`
#[unsafe(export_name = "__alloc_token___size_returning_new_aligned")]
pub(crate) extern "C-unwind" fn typed_sized_new_aligned(bytes: usize, align: usize, token: usize) -> SizedBlock {
    // SAFETY: as above.
    unsafe { tinyalloc_new_sized(bytes, typed_align(align, token)) }
}
