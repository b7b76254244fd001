//! The lines of a file that is too long to be read at once.

use core::ffi::c_int;

use libc::{SYS_read, syscall};

/// What is kept of a line.
const LINE_BYTES_MAX: usize = 160;

/// Calls `take` with every line, without its end; with the first [`LINE_BYTES_MAX`] bytes of one
/// that is longer.
pub(crate) fn each_line(descriptor: c_int, take: &mut dyn FnMut(&[u8])) {
    let (mut chunk, mut line, mut used) = ([0_u8; 1024], [0_u8; LINE_BYTES_MAX], 0);
    loop {
        // SAFETY: there is that much room.
        let bytes = unsafe { syscall(SYS_read, descriptor, chunk.as_mut_ptr(), chunk.len()) };
        let read = usize::try_from(bytes).ok().and_then(|bytes| chunk.get(..bytes)).unwrap_or_default();
        if read.is_empty() {
            return;
        }
        for byte in read {
            if *byte == b'\n' {
                take(line.get(..used).unwrap_or_default());
                used = 0;
            } else if let Some(place) = line.get_mut(used) {
                *place = *byte;
                used += 1;
            }
        }
    }
}
