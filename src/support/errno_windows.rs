//! `errno` of the C runtime, which is set on failure only.

use core::ffi::c_int;
use core::ptr::NonNull;

unsafe extern "C" {
    safe fn _errno() -> NonNull<c_int>;
}

pub(crate) fn errno() -> c_int {
    // SAFETY: the runtime returns the calling thread's own errno, valid while the thread lives.
    unsafe { _errno().read() }
}

pub(crate) fn set_errno(error: c_int) {
    // SAFETY: as in `errno`.
    unsafe { _errno().write(error) };
}
