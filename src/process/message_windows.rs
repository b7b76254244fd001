//! Messages, each written at once and without an allocation.

#[cfg(feature = "c-abi")]
use core::ffi::c_int;
use core::fmt::Display;
use core::ptr::null_mut;

use windows_sys::Win32::Storage::FileSystem::WriteFile;
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};

use crate::support::chunked_writer::write_in_chunks;
#[cfg(feature = "c-abi")]
use crate::support::small_file;

/// Writes one line to standard error. Allocates nothing.
pub(crate) fn say(message: &dyn Display) {
    write_error(&format_args!("tinyalloc: {message}\n"));
}

/// Writes text to standard error, past the C runtime and its locks.
pub(crate) fn write_error(text: &dyn Display) {
    // SAFETY: always succeeds; the handle may be none.
    let handle = unsafe { GetStdHandle(STD_ERROR_HANDLE) };
    write_in_chunks(text, &mut |chunk: &[u8]| {
        let (length, mut written) = (chunk.len().try_into().unwrap_or(0), 0);
        // SAFETY: the bytes are valid. If the write fails, the message is lost.
        unsafe { WriteFile(handle, chunk.as_ptr(), length, &raw mut written, null_mut()) };
    });
}

/// Writes text to a file descriptor.
#[cfg(feature = "c-abi")]
pub(crate) fn write_text(descriptor: c_int, text: &dyn Display) {
    write_in_chunks(text, &mut |chunk: &[u8]| {
        // If the write fails, the message is lost.
        small_file::write(descriptor, chunk);
    });
}
