//! `errno`, which is set on failure only.

use core::ptr::NonNull;

use libc::{__errno_location, c_int};

fn location() -> NonNull<c_int> {
    // SAFETY: always succeeds.
    let location = unsafe { __errno_location() };
    // SAFETY: the C library returns the calling thread's own errno, never null.
    unsafe { NonNull::new_unchecked(location) }
}

pub(crate) fn errno() -> c_int {
    // SAFETY: valid while the thread lives.
    unsafe { location().read() }
}

pub(crate) fn set_errno(error: c_int) {
    // SAFETY: valid while the thread lives.
    unsafe { location().write(error) };
}
