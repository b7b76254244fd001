//! Files by the descriptors of the C runtime, which programs pass to the C API, too.

use core::ffi::{c_char, c_int, c_uint};

use libc::{O_CREAT, O_TRUNC, O_WRONLY, close as close_descriptor, getpid, open, write as write_some};

use super::errno::errno;

/// What a new file may be used for: read and written.
const FILE_RIGHTS: c_int = 0o600;

/// Opens a file to write it anew. The path ends with a null byte.
///
/// # Errors
/// An `errno`.
pub(crate) fn create(path: &[u8]) -> Result<c_int, c_int> {
    // SAFETY: the path ends with a null byte.
    let descriptor = unsafe { open(path.as_ptr().cast::<c_char>(), O_WRONLY | O_CREAT | O_TRUNC, FILE_RIGHTS) };
    if descriptor >= 0 { Ok(descriptor) } else { Err(errno()) }
}

pub(crate) fn close(descriptor: c_int) {
    // SAFETY: the caller opened it, and uses it no more.
    unsafe { close_descriptor(descriptor) };
}

/// How many bytes were written; negative, and an `errno`, for none.
pub(crate) fn write(descriptor: c_int, bytes: &[u8]) -> isize {
    let count = c_uint::try_from(bytes.len()).unwrap_or(c_uint::MAX);
    // SAFETY: the bytes are valid.
    unsafe { write_some(descriptor, bytes.as_ptr().cast(), count) as isize }
}

/// The number of the process.
pub(crate) fn process() -> c_int {
    // SAFETY: always succeeds.
    unsafe { getpid() }
}
