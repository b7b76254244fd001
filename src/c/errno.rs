//! `errno`: set on failure, and on nothing else.

use libc::{__errno_location, c_int};

pub(crate) fn set_errno(error: c_int) {
    // SAFETY: the C library returns the calling thread's own errno.
    unsafe { *__errno_location() = error };
}
