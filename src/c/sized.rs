//! Frees with a size, and the four `operator delete`s with one. The size is a hint, unless an
//! option says that it is checked.
//!
//! A jump through a word selects the checked or the unchecked function: a sized free costs one
//! instruction more than `free`, and no test. The words are in the section that the dynamic linker
//! makes read-only after relocation; only the option makes them writable.

use core::arch::{global_asm, naked_asm};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr::NonNull;

use libc::{PROT_READ, PROT_WRITE, mprotect};
use tinyalloc_alloc::Claim;
use tinyalloc_sys::{Mapper, SystemMapper};

use super::malloc::free;
use super::replaced::{self, jump_to};
use crate::process::instance::ALLOCATOR;
use crate::process::settings::SETTINGS;
use crate::process::thread::Thread;
use crate::support::errno::{errno, set_errno};

/// The targets of the frees. Invariant Z1: each word is a function that takes the arguments of its
/// users, and is written whole.
#[repr(C)]
struct Routes {
    resizable: Route,
    align_first: Route,
    delete: Route,
    delete_array: Route,
    delete_aligned: Route,
    delete_array_aligned: Route,
}

type Route = UnsafeCell<*const c_void>;

// SAFETY: Z1.
unsafe impl Sync for Routes {}

// In assembly, because the program may replace these operators (`replaced`). In the C calling
// conventions of these architectures, a function ignores arguments beyond its own.
global_asm!(
    ".pushsection .data.rel.ro.tinyalloc_routes, \"aw\", @progbits",
    ".p2align 3",
    ".hidden tinyalloc_routes",
    ".globl tinyalloc_routes",
    ".type tinyalloc_routes, @object",
    ".size tinyalloc_routes, {bytes}",
    "tinyalloc_routes:",
    ".quad {free}, {free}, _ZdlPv, _ZdaPv, {delete_aligned}, {delete_array_aligned}",
    ".popsection",
    bytes = const size_of::<Routes>(),
    free = sym free,
    delete_aligned = sym delete_aligned,
    delete_array_aligned = sym delete_array_aligned,
);

unsafe extern "C" {
    #[link_name = "tinyalloc_routes"]
    static ROUTES: Routes;
}

/// Switches the checks of sizes on or off. Nothing changes if the words cannot be made writable.
pub(crate) fn check(is_on: bool) {
    // SAFETY: it exists as long as the library, and has that type.
    let routes = unsafe { &ROUTES };
    if !make_writable(routes) {
        return;
    }
    let choose = |route: &Route, checked: *const c_void, unchecked: *const c_void| {
        // SAFETY: Z1; the words were made writable.
        unsafe { route.get().write_volatile(if is_on { checked } else { unchecked }) };
    };
    choose(&routes.resizable, free_resizable as *const c_void, free as *const c_void);
    choose(&routes.align_first, free_align_first as *const c_void, free as *const c_void);
    // In a program that replaces operators, the blocks may be its own.
    if let Some([delete, delete_array]) = replaced::deletes() {
        choose(&routes.delete, free_fixed as *const c_void, delete);
        choose(&routes.delete_array, free_fixed as *const c_void, delete_array);
        choose(&routes.delete_aligned, free_size_first as *const c_void, delete_aligned as *const c_void);
        choose(&routes.delete_array_aligned, free_size_first as *const c_void, delete_array_aligned as *const c_void);
    }
}

/// Other data may share the pages, in a program that is linked without read-only relocations. So
/// they stay writable.
fn make_writable(routes: &'static Routes) -> bool {
    let page_bytes = SystemMapper::new().page_bytes();
    let start = (&raw const *routes).cast_mut();
    let before = start.addr() & (page_bytes - 1);
    let bytes = (before + size_of::<Routes>()).next_multiple_of(page_bytes);
    let first = start.cast::<c_void>().wrapping_byte_sub(before);
    let error_before = errno();
    // SAFETY: pages of this library's data, which become more accessible.
    let is_writable = unsafe { mprotect(first, bytes, PROT_READ | PROT_WRITE) } == 0;
    set_errno(error_before);
    is_writable
}

/// A function that jumps through one of the words, with all arguments.
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
            "adrp x16, {routes} + {at}",
            "ldr x16, [x16, :lo12:{routes} + {at}]",
            "br x16",
            routes = sym ROUTES,
            at = const offset_of!(Routes, $field),
        )
    };
}

#[cfg(target_arch = "riscv64")]
macro_rules! jump {
    ($field:ident) => {
        naked_asm!(
            "2: auipc t1, %pcrel_hi({routes} + {at})",
            "ld t1, %pcrel_lo(2b)(t1)",
            "jr t1",
            routes = sym ROUTES,
            at = const offset_of!(Routes, $field),
        )
    };
}

/// `free` of a block whose requested size is known. The size is a hint, unless the option
/// check_sizes is on. ISO C23 7.24.3.4.
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_sized(start: *mut c_void, bytes: usize) {
    jump!(resizable)
}

/// `free` of a block whose alignment and requested size are known. They are hints, unless the
/// option check_sizes is on. ISO C23 7.24.3.5.
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_aligned_sized(start: *mut c_void, align: usize, bytes: usize) {
    jump!(align_first)
}

/// `operator delete(void*, std::size_t)`: its blocks were never resized.
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdlPvm")]
pub unsafe extern "C" fn delete_sized(start: *mut c_void, bytes: usize) {
    jump!(delete)
}

/// `operator delete[](void*, std::size_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdaPvm")]
pub unsafe extern "C" fn delete_array_sized(start: *mut c_void, bytes: usize) {
    jump!(delete_array)
}

/// `operator delete(void*, std::size_t, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdlPvmSt11align_val_t")]
pub unsafe extern "C" fn delete_sized_aligned(start: *mut c_void, bytes: usize, align: usize) {
    jump!(delete_aligned)
}

/// `operator delete[](void*, std::size_t, std::align_val_t)`
///
/// # Safety
/// As for `free`.
#[unsafe(naked)]
#[unsafe(export_name = "_ZdaPvmSt11align_val_t")]
pub unsafe extern "C" fn delete_array_sized_aligned(start: *mut c_void, bytes: usize, align: usize) {
    jump!(delete_array_aligned)
}

/// Jumps to the operator without a size, the program's or ours.
#[unsafe(naked)]
unsafe extern "C" fn delete_aligned(start: *mut c_void, bytes: usize, align: usize) {
    jump_to!("_ZdlPvSt11align_val_t", align_third)
}

/// As [`delete_aligned`], for arrays.
#[unsafe(naked)]
unsafe extern "C" fn delete_array_aligned(start: *mut c_void, bytes: usize, align: usize) {
    jump_to!("_ZdaPvSt11align_val_t", align_third)
}

/// `free` with a size and an alignment, which are checked if the option says so.
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
