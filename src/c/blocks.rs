//! Blocks as C sees them: null for none, and `ENOMEM` with it.

use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};

use libc::ENOMEM;

use crate::support::errno::set_errno;

/// A block for C; null and `ENOMEM` when there is none.
#[inline(always)]
pub(crate) fn block_or_enomem(block: Option<NonNull<u8>>) -> *mut c_void {
    match block {
        Some(start) => start.as_ptr().cast(),
        None => out_of_memory(),
    }
}

#[cold]
#[inline(never)]
pub(crate) fn out_of_memory() -> *mut c_void {
    set_errno(ENOMEM);
    null_mut()
}
