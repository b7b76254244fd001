//! The C++ operators: eight of `new`, twelve of `delete`. ISO C++20 17.6.3.
//!
//! The C++ library is not linked: its new-handler and its `bad_alloc` are bound weakly, or looked up when the need arises.

use core::arch::asm;
use core::ffi::{CStr, c_void};
use core::mem::transmute;
use core::ptr::null_mut;

use libc::{RTLD_DEFAULT, abort, dlsym};

use super::malloc::free;
use crate::process::{ALLOCATOR, say};
use crate::thread::Thread;

type NewHandler = unsafe extern "C-unwind" fn();
type GetNewHandler = unsafe extern "C" fn() -> Option<NewHandler>;
type ThrowBadAlloc = unsafe extern "C-unwind" fn() -> !;

/// Address of `std::get_new_handler()`, null without a C++ library.
#[cfg(target_arch = "x86_64")]
fn weak_get_new_handler() -> *mut c_void {
    let address: *mut c_void;
    // SAFETY: reads a slot that the dynamic linker filled, with null if nobody defines the symbol.
    unsafe {
        asm!(".weak _ZSt15get_new_handlerv", "mov {}, qword ptr [rip + _ZSt15get_new_handlerv@GOTPCREL]", out(reg) address,
            options(pure, nomem, nostack, preserves_flags));
    }
    address
}

/// Address of `std::__throw_bad_alloc()`, null without a C++ library.
#[cfg(target_arch = "x86_64")]
fn weak_throw_bad_alloc() -> *mut c_void {
    let address: *mut c_void;
    // SAFETY: as in `weak_get_new_handler`.
    unsafe {
        asm!(".weak _ZSt17__throw_bad_allocv", "mov {}, qword ptr [rip + _ZSt17__throw_bad_allocv@GOTPCREL]", out(reg) address,
            options(pure, nomem, nostack, preserves_flags));
    }
    address
}

/// As on x86-64.
#[cfg(target_arch = "aarch64")]
fn weak_get_new_handler() -> *mut c_void {
    let address: *mut c_void;
    // SAFETY: reads a slot that the dynamic linker filled, with null if nobody defines the symbol.
    unsafe {
        asm!(".weak _ZSt15get_new_handlerv", "adrp {0}, :got:_ZSt15get_new_handlerv",
            "ldr {0}, [{0}, :got_lo12:_ZSt15get_new_handlerv]", out(reg) address,
            options(pure, nomem, nostack, preserves_flags));
    }
    address
}

/// As on x86-64.
#[cfg(target_arch = "aarch64")]
fn weak_throw_bad_alloc() -> *mut c_void {
    let address: *mut c_void;
    // SAFETY: as in `weak_get_new_handler`.
    unsafe {
        asm!(".weak _ZSt17__throw_bad_allocv", "adrp {0}, :got:_ZSt17__throw_bad_allocv",
            "ldr {0}, [{0}, :got_lo12:_ZSt17__throw_bad_allocv]", out(reg) address,
            options(pure, nomem, nostack, preserves_flags));
    }
    address
}

/// The symbol bound at load time, or found now: the C++ library may have come later, by `dlopen`.
fn or_look_up(address: *mut c_void, name: &CStr) -> *mut c_void {
    if address.is_null() {
        // SAFETY: the name is a C string.
        return unsafe { dlsym(RTLD_DEFAULT, name.as_ptr()) };
    }
    address
}

fn new_handler() -> Option<NewHandler> {
    let address = or_look_up(weak_get_new_handler(), c"_ZSt15get_new_handlerv");
    if address.is_null() {
        return None;
    }
    // SAFETY: the symbol is that function.
    let get_new_handler = unsafe { transmute::<*mut c_void, GetNewHandler>(address) };
    // SAFETY: it may be called at any time.
    unsafe { get_new_handler() }
}

fn throw_bad_alloc() -> ! {
    let address = or_look_up(weak_throw_bad_alloc(), c"_ZSt17__throw_bad_allocv");
    if !address.is_null() {
        // SAFETY: the symbol is that function.
        let throw = unsafe { transmute::<*mut c_void, ThrowBadAlloc>(address) };
        // SAFETY: it throws through the operator, which has nothing to clean up.
        unsafe { throw() }
    }
    say(&"out of memory in operator new, and no C++ library to throw std::bad_alloc");
    // SAFETY: ends the process.
    unsafe { abort() }
}

fn allocate(bytes: usize, align: usize) -> *mut c_void {
    let block = if align <= 16 {
        ALLOCATOR.allocate_slow(Thread, bytes)
    } else {
        ALLOCATOR.allocate_aligned(Thread, bytes, align)
    };
    block.map_or(null_mut(), |start| start.as_ptr().cast())
}

/// Tries again for as long as there is a new-handler; the handler may free memory, throw, or not return.
#[cold]
#[inline(never)]
extern "C-unwind" fn new_slow(bytes: usize, align: usize) -> *mut c_void {
    loop {
        let block = allocate(bytes, align);
        if !block.is_null() {
            return block;
        }
        let Some(handler) = new_handler() else {
            throw_bad_alloc();
        };
        // SAFETY: the program's own handler.
        unsafe { handler() };
    }
}

/// As `new_slow`, but null at the end. What the handler throws goes through: only a C++ compiler could catch it.
#[cold]
#[inline(never)]
extern "C-unwind" fn new_nothrow_slow(bytes: usize, align: usize) -> *mut c_void {
    loop {
        let block = allocate(bytes, align);
        if !block.is_null() {
            return block;
        }
        let Some(handler) = new_handler() else {
            return null_mut();
        };
        // SAFETY: the program's own handler.
        unsafe { handler() };
    }
}

/// `operator new(std::size_t)`
#[unsafe(export_name = "_Znwm")]
pub extern "C-unwind" fn new(bytes: usize) -> *mut c_void {
    match ALLOCATOR.allocate_hit(Thread, bytes) {
        Some(start) => start.as_ptr().cast(),
        None => new_slow(bytes, 1),
    }
}

/// `operator new(std::size_t, const std::nothrow_t&)`
#[unsafe(export_name = "_ZnwmRKSt9nothrow_t")]
pub extern "C-unwind" fn new_nothrow(bytes: usize, _tag: *const c_void) -> *mut c_void {
    match ALLOCATOR.allocate_hit(Thread, bytes) {
        Some(start) => start.as_ptr().cast(),
        None => new_nothrow_slow(bytes, 1),
    }
}

/// `operator new(std::size_t, std::align_val_t)`
#[unsafe(export_name = "_ZnwmSt11align_val_t")]
pub extern "C-unwind" fn new_aligned(bytes: usize, align: usize) -> *mut c_void {
    new_slow(bytes, align)
}

/// `operator new(std::size_t, std::align_val_t, const std::nothrow_t&)`
#[unsafe(export_name = "_ZnwmSt11align_val_tRKSt9nothrow_t")]
pub extern "C-unwind" fn new_aligned_nothrow(bytes: usize, align: usize, _tag: *const c_void) -> *mut c_void {
    new_nothrow_slow(bytes, align)
}

/// `operator new[](std::size_t)`
#[unsafe(export_name = "_Znam")]
pub extern "C-unwind" fn new_array(bytes: usize) -> *mut c_void {
    match ALLOCATOR.allocate_hit(Thread, bytes) {
        Some(start) => start.as_ptr().cast(),
        None => new_slow(bytes, 1),
    }
}

/// `operator new[](std::size_t, const std::nothrow_t&)`
#[unsafe(export_name = "_ZnamRKSt9nothrow_t")]
pub extern "C-unwind" fn new_array_nothrow(bytes: usize, _tag: *const c_void) -> *mut c_void {
    match ALLOCATOR.allocate_hit(Thread, bytes) {
        Some(start) => start.as_ptr().cast(),
        None => new_nothrow_slow(bytes, 1),
    }
}

/// `operator new[](std::size_t, std::align_val_t)`
#[unsafe(export_name = "_ZnamSt11align_val_t")]
pub extern "C-unwind" fn new_array_aligned(bytes: usize, align: usize) -> *mut c_void {
    new_slow(bytes, align)
}

/// `operator new[](std::size_t, std::align_val_t, const std::nothrow_t&)`
#[unsafe(export_name = "_ZnamSt11align_val_tRKSt9nothrow_t")]
pub extern "C-unwind" fn new_array_aligned_nothrow(bytes: usize, align: usize, _tag: *const c_void) -> *mut c_void {
    new_nothrow_slow(bytes, align)
}

/// `operator delete(void*)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdlPv")]
pub unsafe extern "C" fn delete(start: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete(void*, std::size_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdlPvm")]
pub unsafe extern "C" fn delete_sized(start: *mut c_void, _bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete(void*, const std::nothrow_t&)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdlPvRKSt9nothrow_t")]
pub unsafe extern "C" fn delete_nothrow(start: *mut c_void, _tag: *const c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete(void*, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdlPvSt11align_val_t")]
pub unsafe extern "C" fn delete_aligned(start: *mut c_void, _align: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete(void*, std::size_t, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdlPvmSt11align_val_t")]
pub unsafe extern "C" fn delete_sized_aligned(start: *mut c_void, _bytes: usize, _align: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete(void*, std::align_val_t, const std::nothrow_t&)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdlPvSt11align_val_tRKSt9nothrow_t")]
pub unsafe extern "C" fn delete_aligned_nothrow(start: *mut c_void, _align: usize, _tag: *const c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete[](void*)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdaPv")]
pub unsafe extern "C" fn delete_array(start: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete[](void*, std::size_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdaPvm")]
pub unsafe extern "C" fn delete_array_sized(start: *mut c_void, _bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete[](void*, const std::nothrow_t&)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdaPvRKSt9nothrow_t")]
pub unsafe extern "C" fn delete_array_nothrow(start: *mut c_void, _tag: *const c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete[](void*, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdaPvSt11align_val_t")]
pub unsafe extern "C" fn delete_array_aligned(start: *mut c_void, _align: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete[](void*, std::size_t, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdaPvmSt11align_val_t")]
pub unsafe extern "C" fn delete_array_sized_aligned(start: *mut c_void, _bytes: usize, _align: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}

/// `operator delete[](void*, std::align_val_t, const std::nothrow_t&)`
///
/// # Safety
/// As for `free`.
#[unsafe(export_name = "_ZdaPvSt11align_val_tRKSt9nothrow_t")]
pub unsafe extern "C" fn delete_array_aligned_nothrow(start: *mut c_void, _align: usize, _tag: *const c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(start) };
}
