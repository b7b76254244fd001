//! Files that options name by a pattern: `%p` is the number of the process, and `%n` that of the
//! file.

use core::ffi::{c_char, c_int};

use libc::{AT_FDCWD, ENAMETOOLONG, ENOENT, O_CLOEXEC, O_CREAT, O_TRUNC, O_WRONLY, SYS_openat, getpid, syscall};

use super::chunked_writer::write_in_chunks;
use super::errno::errno;

/// The longest pattern, with the null byte at its end.
pub(crate) const PATTERN_BYTES_MAX: usize = 512;
const PATH_BYTES_MAX: usize = PATTERN_BYTES_MAX + 64;
const FILE_RIGHTS: c_int = 0o644;

/// Opens the file to write it anew.
///
/// # Errors
/// The `errno` of openat(2); `ENAMETOOLONG`, or `ENOENT` for an empty pattern.
#[inline(never)]
pub(crate) fn create(pattern: &mut dyn Iterator<Item = u8>, number: usize) -> Result<c_int, c_int> {
    let mut path = Path { bytes: [0; PATH_BYTES_MAX], length: 0 };
    path.expand(pattern, number)?;
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    // SAFETY: the path ends with a null byte.
    let descriptor = unsafe { syscall(SYS_openat, AT_FDCWD, path.bytes.as_ptr().cast::<c_char>(), flags, FILE_RIGHTS) };
    c_int::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0).ok_or_else(errno)
}

struct Path {
    bytes: [u8; PATH_BYTES_MAX],
    length: usize,
}

impl Path {
    fn expand(&mut self, pattern: &mut dyn Iterator<Item = u8>, number: usize) -> Result<(), c_int> {
        let mut pattern = pattern.peekable();
        while let Some(byte) = pattern.next() {
            if byte == b'%' && pattern.next_if_eq(&b'p').is_some() {
                // SAFETY: always succeeds.
                let process = unsafe { getpid() };
                write_in_chunks(&process, &mut |digits: &[u8]| digits.iter().for_each(|digit| self.push(*digit)));
            } else if byte == b'%' && pattern.next_if_eq(&b'n').is_some() {
                write_in_chunks(&number, &mut |digits: &[u8]| digits.iter().for_each(|digit| self.push(*digit)));
            } else {
                self.push(byte);
            }
        }
        match self.length {
            0 => Err(ENOENT),
            // The last byte stays null.
            length if length >= self.bytes.len() => Err(ENAMETOOLONG),
            _ => Ok(()),
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(to) = self.bytes.get_mut(self.length) {
            *to = byte;
        }
        self.length += 1;
    }
}
