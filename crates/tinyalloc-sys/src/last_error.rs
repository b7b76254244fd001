//! The thread's last error, which a call of the allocator leaves as it was: a program asks for it
//! after its own calls, and may free in between.

use windows_sys::Win32::Foundation::{GetLastError, SetLastError};

/// Runs `call` and puts the last error back to what it was.
#[inline]
pub(crate) fn keeping_last_error<R>(call: impl FnOnce() -> R) -> R {
    // SAFETY: reads a word of this thread.
    let before = unsafe { GetLastError() };
    let result = call();
    // SAFETY: writes a word of this thread.
    unsafe { SetLastError(before) };
    result
}
