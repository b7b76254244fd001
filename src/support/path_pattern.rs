//! Files that options name by a pattern: `%p` is the number of the process, and `%n` that of the
//! file.

use core::ffi::c_int;

use libc::{ENAMETOOLONG, ENOENT};

use super::chunked_writer::write_in_chunks;
use super::small_file;

/// The longest pattern, with the null byte at its end.
pub(crate) const PATTERN_BYTES_MAX: usize = 512;
const PATH_BYTES_MAX: usize = PATTERN_BYTES_MAX + 64;

/// Opens the file to write it anew.
///
/// # Errors
/// The `errno` of openat(2); `ENAMETOOLONG`, or `ENOENT` for an empty pattern.
#[inline(never)]
pub(crate) fn create(pattern: &mut dyn Iterator<Item = u8>, number: usize) -> Result<c_int, c_int> {
    let mut path = Path { bytes: [0; PATH_BYTES_MAX], length: 0 };
    path.expand(pattern, number)?;
    small_file::create(&path.bytes)
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
                let process = small_file::process();
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
