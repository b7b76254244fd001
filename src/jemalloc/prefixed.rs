//! The family under names that begin with `je_`, as in programs that were built for a jemalloc of
//! their own.

use core::arch::naked_asm;
use core::ffi::{c_char, c_int, c_void};

use super::allocate::{dallocx, mallocx, rallocx, sallocx, xallocx};
use super::control::{mallctl, mallctlbymib, mallctlnametomib};
use super::print::malloc_stats_print;
use crate::c::aligned::{aligned_alloc, memalign, posix_memalign, valloc};
use crate::c::extensions::{nallocx, sdallocx};
use crate::c::malloc::{calloc, free, malloc, malloc_usable_size, realloc};

#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    ($target:ident) => {
        naked_asm!("jmp {}", sym $target)
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    ($target:ident) => {
        naked_asm!("b {}", sym $target)
    };
}

#[cfg(target_arch = "riscv64")]
macro_rules! jump {
    ($target:ident) => {
        naked_asm!("tail {}", sym $target)
    };
}

/// Defines functions that are others, by one jump.
macro_rules! prefixed {
    ($($name:ident is $target:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {
        $(
            #[doc = concat!("`", stringify!($target), "`.")]
            ///
            /// # Safety
            /// As for the function of that name.
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($argument: $kind),*) $(-> $result)? {
                jump!($target)
            }
        )*
    };
}

prefixed! {
    je_malloc is malloc(bytes: usize) -> *mut c_void;
    je_calloc is calloc(count: usize, bytes: usize) -> *mut c_void;
    je_posix_memalign is posix_memalign(block: *mut *mut c_void, align: usize, bytes: usize) -> c_int;
    je_aligned_alloc is aligned_alloc(align: usize, bytes: usize) -> *mut c_void;
    je_realloc is realloc(start: *mut c_void, bytes: usize) -> *mut c_void;
    je_free is free(start: *mut c_void);
    je_memalign is memalign(align: usize, bytes: usize) -> *mut c_void;
    je_valloc is valloc(bytes: usize) -> *mut c_void;
    je_malloc_usable_size is malloc_usable_size(start: *const c_void) -> usize;
    je_mallocx is mallocx(bytes: usize, flags: c_int) -> *mut c_void;
    je_rallocx is rallocx(start: *mut c_void, bytes: usize, flags: c_int) -> *mut c_void;
    je_xallocx is xallocx(start: *mut c_void, bytes: usize, extra: usize, flags: c_int) -> usize;
    je_sallocx is sallocx(start: *const c_void, flags: c_int) -> usize;
    je_dallocx is dallocx(start: *mut c_void, flags: c_int);
    je_sdallocx is sdallocx(start: *mut c_void, bytes: usize, flags: c_int);
    je_nallocx is nallocx(bytes: usize, flags: c_int) -> usize;
    je_mallctl is mallctl(name: *const c_char, old: *mut c_void, old_bytes: *mut usize, new: *mut c_void, new_bytes: usize) -> c_int;
    je_mallctlnametomib is mallctlnametomib(name: *const c_char, mib: *mut usize, words: *mut usize) -> c_int;
    je_mallctlbymib is mallctlbymib(mib: *const usize, words: usize, old: *mut c_void, old_bytes: *mut usize, new: *mut c_void,
        new_bytes: usize) -> c_int;
    je_malloc_stats_print is malloc_stats_print(write: *const c_void, context: *mut c_void, options: *const c_char);
}
