//! Frees that are told a size, and the four `operator delete`s that are: hints, unless an option has them checked.
//!
//! Which of the two is not a test but a jump through a word: the sized frees cost one instruction more than `free`, checked or not. The
//! words lie among what the dynamic linker makes read-only once it has filled it in; only the option makes them writable.

use core::arch::naked_asm;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::{offset_of, transmute};
use core::ptr::NonNull;

use libc::{PROT_READ, PROT_WRITE, mprotect};
use tinyalloc_alloc::Claim;
use tinyalloc_sys::{Mapper, PosixMapper};

use super::errno::{errno, set_errno};
use super::malloc::free;
use crate::options::SETTINGS;
use crate::process::ALLOCATOR;
use crate::thread::Thread;

type Free = unsafe extern "C" fn(*mut c_void);
type FreeSized = unsafe extern "C" fn(*mut c_void, usize);
type FreeBoth = unsafe extern "C" fn(*mut c_void, usize, usize);

/// Where frees go. Invariant Z1: each word is one of two functions that may be called there, and is written whole.
#[repr(C)]
struct Routes {
    resizable: UnsafeCell<FreeSized>,
    fixed: UnsafeCell<FreeSized>,
    align_first: UnsafeCell<FreeBoth>,
    size_first: UnsafeCell<FreeBoth>,
}

// SAFETY: Z1.
unsafe impl Sync for Routes {}

// SAFETY: in the C calling conventions of both architectures a function ignores arguments that it does not take.
const FREE_SIZED: FreeSized = unsafe { transmute::<Free, FreeSized>(free) };
// SAFETY: as above.
const FREE_BOTH: FreeBoth = unsafe { transmute::<Free, FreeBoth>(free) };

#[unsafe(link_section = ".data.rel.ro")]
static ROUTES: Routes = Routes {
    resizable: UnsafeCell::new(FREE_SIZED),
    fixed: UnsafeCell::new(FREE_SIZED),
    align_first: UnsafeCell::new(FREE_BOTH),
    size_first: UnsafeCell::new(FREE_BOTH),
};

/// Has sizes checked from now on, or no longer. Nothing changes where the words cannot be made writable.
pub(crate) fn check(is_on: bool) {
    if !make_writable() {
        return;
    }
    let (resizable, fixed): (FreeSized, FreeSized) = if is_on { (free_resizable, free_fixed) } else { (FREE_SIZED, FREE_SIZED) };
    let (align_first, size_first): (FreeBoth, FreeBoth) =
        if is_on { (free_align_first, free_size_first) } else { (FREE_BOTH, FREE_BOTH) };
    // SAFETY: Z1; the words were made writable.
    unsafe { ROUTES.resizable.get().write_volatile(resizable) };
    // SAFETY: as above.
    unsafe { ROUTES.fixed.get().write_volatile(fixed) };
    // SAFETY: as above.
    unsafe { ROUTES.align_first.get().write_volatile(align_first) };
    // SAFETY: as above.
    unsafe { ROUTES.size_first.get().write_volatile(size_first) };
}

/// Other data may share the pages, in a program that is linked without read-only relocations: they stay writable.
fn make_writable() -> bool {
    let page_bytes = PosixMapper::new().page_bytes();
    let start = (&raw const ROUTES).cast_mut();
    let before = start.addr() & (page_bytes - 1);
    let bytes = (before + size_of::<Routes>()).next_multiple_of(page_bytes);
    let first = start.cast::<c_void>().wrapping_byte_sub(before);
    let error_before = errno();
    // SAFETY: pages of this library's data, which become more accessible.
    let is_writable = unsafe { mprotect(first, bytes, PROT_READ | PROT_WRITE) } == 0;
    set_errno(error_before);
    is_writable
}

/// A function that jumps to one of the words, with whatever arguments it was given.
#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    ($field:ident) => {
        naked_asm!("jmp qword ptr [rip + {routes} + {at}]", routes = sym ROUTES, at = const offset_of!(Routes, $field))
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    ($field:ident) => {
        naked_asm!(
            "adrp x16, {routes}",
            "add x16, x16, :lo12:{routes}",
            "ldr x16, [x16, #{at}]",
            "br x16",
            routes = sym ROUTES,
            at = const offset_of!(Routes, $field),
        )
    };
}

/// `free` of a block whose requested size is known: a hint, unless the option check_sizes is on. ISO C23 7.24.3.4.
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_sized(start: *mut c_void, bytes: usize) {
    jump!(resizable)
}

/// `free` of a block whose alignment and requested size are known: hints, unless the option check_sizes is on. ISO C23 7.24.3.5.
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_aligned_sized(start: *mut c_void, align: usize, bytes: usize) {
    jump!(align_first)
}

/// `operator delete(void*, std::size_t)`: what it frees was never resized.
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdlPvm")]
pub unsafe extern "C" fn delete_sized(start: *mut c_void, bytes: usize) {
    jump!(fixed)
}

/// `operator delete[](void*, std::size_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdaPvm")]
pub unsafe extern "C" fn delete_array_sized(start: *mut c_void, bytes: usize) {
    jump!(fixed)
}

/// `operator delete(void*, std::size_t, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdlPvmSt11align_val_t")]
pub unsafe extern "C" fn delete_sized_aligned(start: *mut c_void, bytes: usize, align: usize) {
    jump!(size_first)
}

/// `operator delete[](void*, std::size_t, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdaPvmSt11align_val_t")]
pub unsafe extern "C" fn delete_array_sized_aligned(start: *mut c_void, bytes: usize, align: usize) {
    jump!(size_first)
}

/// `free` with a size and an alignment, checked if the option says so.
///
/// # Safety
/// As for `free`.
pub(crate) unsafe fn free_hinted(start: *mut c_void, bytes: usize, align: usize) {
    if SETTINGS.checks_sizes() {
        // SAFETY: the caller's promise.
        unsafe { free_checked(start, Claim { bytes, align, resizable: true }) };
    } else {
        // SAFETY: the caller's promise.
        unsafe { free(start) };
    }
}

unsafe extern "C" fn free_resizable(start: *mut c_void, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { free_checked(start, Claim { bytes, align: 1, resizable: true }) };
}

unsafe extern "C" fn free_fixed(start: *mut c_void, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { free_checked(start, Claim { bytes, align: 1, resizable: false }) };
}

unsafe extern "C" fn free_align_first(start: *mut c_void, align: usize, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { free_checked(start, Claim { bytes, align, resizable: false }) };
}

unsafe extern "C" fn free_size_first(start: *mut c_void, bytes: usize, align: usize) {
    // SAFETY: the caller's promise.
    unsafe { free_checked(start, Claim { bytes, align, resizable: false }) };
}

#[cold]
unsafe fn free_checked(start: *mut c_void, claim: Claim) {
    if NonNull::new(start.cast()).is_some_and(|block| ALLOCATOR.confirms(Thread, block, claim)) {
        // SAFETY: the caller's promise.
        unsafe { free(start) };
    }
}
