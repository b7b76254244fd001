//! `dlopen`, in front of the C library's: removes RTLD_DEEPBIND.
//!
//! With that flag a library looks names up in its own dependencies first, and finds the C library's
//! `malloc`. Every block that passes between it and the program would end in the wrong heap.

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::{RTLD_DEEPBIND, RTLD_NEXT, dlsym};

use crate::process::settings::SETTINGS;

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod trampoline;
#[cfg(target_arch = "riscv64")]
#[path = "riscv64.rs"]
mod trampoline;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod trampoline;

/// The next `dlopen` after ours; null before the first call.
#[unsafe(link_section = ".data")]
static NEXT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// The rest of a call, in two registers.
#[repr(C)]
pub(crate) struct Onward {
    /// Null if no other object defines `dlopen`.
    address: *mut c_void,
    flags: c_int,
}

/// The trampolines call it.
pub(crate) extern "C" fn onward(flags: c_int) -> Onward {
    let flags = if SETTINGS.keeps_deep_binding() { flags } else { flags & !RTLD_DEEPBIND };
    Onward { address: next(), flags }
}

/// The first call looks it up, so that a program that opens no library pays nothing.
fn next() -> *mut c_void {
    let known = NEXT.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: the name is a C string.
    let found = unsafe { dlsym(RTLD_NEXT, c"dlopen".as_ptr()) };
    NEXT.store(found, Ordering::Relaxed);
    found
}
