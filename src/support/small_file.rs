//! Small files of the kernel's, read and written without an allocation.
//!
//! The calls are system calls by number: they are no cancellation points, and an imported function
//! would cost the dynamic linker a lookup in each process.

use core::ffi::{CStr, c_int};

use libc::{AT_FDCWD, O_CLOEXEC, O_RDONLY, SYS_close, SYS_openat, SYS_read, syscall};

/// Opens a file; the descriptor is closed in programs that the process executes.
pub(crate) fn open(path: &CStr, flags: c_int) -> Option<c_int> {
    // SAFETY: the path is a C string.
    let descriptor = unsafe { syscall(SYS_openat, AT_FDCWD, path.as_ptr(), flags | O_CLOEXEC) };
    c_int::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0)
}

pub(crate) fn close(descriptor: c_int) {
    // SAFETY: the caller opened it, and uses it no more.
    unsafe { syscall(SYS_close, descriptor) };
}

/// The first bytes of a file, as many as there is room for; none if it cannot be read.
#[inline(never)]
pub(crate) fn read<'room>(path: &CStr, room: &'room mut [u8]) -> &'room [u8] {
    let Some(descriptor) = open(path, O_RDONLY) else {
        return &[];
    };
    // SAFETY: there is that much room.
    let bytes = unsafe { syscall(SYS_read, descriptor, room.as_mut_ptr(), room.len()) };
    close(descriptor);
    usize::try_from(bytes).ok().and_then(|bytes| room.get(..bytes)).unwrap_or_default()
}
