//! The results of functions of the C API, with `errno`.

use core::ffi::{c_int, c_void};
use core::ptr::{NonNull, null_mut};

use libc::{EINVAL, ENOMEM};

use crate::support::errno::set_errno;

/// A block for C; null and `ENOMEM` when there is none.
#[inline(always)]
pub(crate) fn block_or_enomem(block: Option<NonNull<u8>>) -> *mut c_void {
    match block {
        Some(start) => start.as_ptr().cast(),
        None => out_of_memory(),
    }
}

pub(crate) fn out_of_memory() -> *mut c_void {
    null_and(ENOMEM)
}

/// Null, with this `errno`.
#[cold]
#[inline(never)]
pub(crate) fn null_and(error: c_int) -> *mut c_void {
    set_errno(error);
    null_mut()
}

/// -1, with `EINVAL`.
pub(crate) fn invalid() -> c_int {
    failure_and(EINVAL)
}

/// -1, with this `errno`.
#[cold]
#[inline(never)]
pub(crate) fn failure_and(error: c_int) -> c_int {
    set_errno(error);
    -1
}
