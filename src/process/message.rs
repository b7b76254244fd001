//! Messages, each written at once and without an allocation.

use core::ffi::c_int;
use core::fmt::Display;

use libc::{STDERR_FILENO, SYS_write, syscall};

use crate::support::chunked_writer::write_in_chunks;

/// Writes one line to standard error. Allocates nothing.
pub(crate) fn say(message: &dyn Display) {
    write_text(STDERR_FILENO, &format_args!("tinyalloc: {message}\n"));
}

/// Writes text to a file descriptor. Safe in signal handlers, and no cancellation point.
pub(crate) fn write_text(descriptor: c_int, text: &dyn Display) {
    write_in_chunks(text, &mut |chunk: &[u8]| {
        // SAFETY: the bytes are valid. If the write fails, the message is lost.
        unsafe { syscall(SYS_write, descriptor, chunk.as_ptr(), chunk.len()) };
    });
}
