//! Fork handlers, as the GNU C library has them.
//!
//! Its `pthread_atfork` is a function that the linker adds to each library, behind all of the
//! library's own code, and which calls on through a table of jumps. Every process would run both,
//! and have 64 KiB more of the library resident. So this does what that function does.

use core::arch::global_asm;
use core::ffi::{c_int, c_void};
use core::ptr::from_ref;

type Handler = unsafe extern "C" fn();

// Weak: where the compiler's start files are linked, theirs is meant. The shared library has none
// (`build.rs`).
global_asm!(
    ".pushsection .rodata.__dso_handle, \"a\", @progbits",
    ".weak __dso_handle",
    ".hidden __dso_handle",
    "__dso_handle:",
    ".byte 0",
    ".popsection",
);

unsafe extern "C" {
    /// Its address is what the C library knows this library by, or the program that it is part of.
    static __dso_handle: c_void;

    fn __register_atfork(prepare: Handler, parent: Handler, child: Handler, library: *const c_void) -> c_int;
}

/// Registers what runs before a fork, and after it in the parent and in the child.
#[inline]
pub(super) fn register(prepare: Handler, parent: Handler, child: Handler) {
    // SAFETY: only the address counts, never what is there.
    let library = from_ref(unsafe { &__dso_handle });
    // SAFETY: the handlers are functions of this library. The C library forgets them when it is
    // unloaded. Without memory for them there are none.
    unsafe { __register_atfork(prepare, parent, child, library) };
}
