//! While a child copies the file, its parent waits at a pipe.

use core::ffi::c_int;

use libc::{EINTR, O_CLOEXEC, pipe2, read};

use super::failure::errno;
use super::place::close_file;

/// Its writing end is closed by the thread that is done, and by the thread that dies.
pub(super) struct Gate {
    reader: c_int,
    writer: c_int,
}

impl Gate {
    pub(super) fn new() -> Option<Gate> {
        let mut ends = [-1; 2];
        // SAFETY: the array is valid for two descriptors.
        let made = unsafe { pipe2(ends.as_mut_ptr(), O_CLOEXEC) } == 0;
        made.then_some(Gate { reader: ends[0], writer: ends[1] })
    }

    /// In the parent.
    pub(super) fn wait(self) {
        close_file(self.writer);
        let mut byte = 0u8;
        // SAFETY: the byte is valid for the write.
        while unsafe { read(self.reader, (&raw mut byte).cast(), 1) } < 0 && errno() == EINTR {}
        close_file(self.reader);
    }

    /// In the child.
    pub(super) fn open(self) {
        close_file(self.reader);
        close_file(self.writer);
    }
}
