//! Small files of the kernel's, read and written without an allocation.
//!
//! The calls are system calls by number: they are no cancellation points, and an imported function
//! would cost the dynamic linker a lookup in each process.

use core::ffi::{CStr, c_char, c_int};

use libc::{
    AT_FDCWD, O_CLOEXEC, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY, SYS_close, SYS_openat, SYS_read, SYS_write, getpid, syscall,
};

use super::errno::errno;

const FILE_RIGHTS: c_int = 0o644;

/// Opens a file; the descriptor is closed in programs that the process executes.
pub(crate) fn open(path: &CStr, flags: c_int) -> Option<c_int> {
    // SAFETY: the path is a C string.
    let descriptor = unsafe { syscall(SYS_openat, AT_FDCWD, path.as_ptr(), flags | O_CLOEXEC) };
    c_int::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0)
}

/// Opens a file to write it anew. The path ends with a null byte.
///
/// # Errors
/// The `errno` of openat(2).
#[inline(always)]
pub(crate) fn create(path: &[u8]) -> Result<c_int, c_int> {
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    // SAFETY: the path ends with a null byte.
    let descriptor = unsafe { syscall(SYS_openat, AT_FDCWD, path.as_ptr().cast::<c_char>(), flags, FILE_RIGHTS) };
    c_int::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0).ok_or_else(errno)
}

/// How many bytes were written; negative, and an `errno`, for none.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a word")]
pub(crate) fn write(descriptor: c_int, bytes: &[u8]) -> isize {
    // SAFETY: the bytes are valid.
    unsafe { syscall(SYS_write, descriptor, bytes.as_ptr(), bytes.len()) as isize }
}

/// The number of the process.
#[inline(always)]
pub(crate) fn process() -> c_int {
    // SAFETY: always succeeds.
    unsafe { getpid() }
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
