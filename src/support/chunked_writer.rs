//! Writes text in chunks from a buffer on the stack.

use core::fmt::{Display, Result as FmtResult, Write};

const CHUNK_BYTES: usize = 512;

/// Passes a text to `sink` in chunks of up to 512 bytes. Allocates nothing. A shorter text is one
/// chunk.
#[inline(never)]
pub(crate) fn write_in_chunks(text: &dyn Display, sink: &mut dyn FnMut(&[u8])) {
    let mut writer = ChunkedWriter { bytes: [0; CHUNK_BYTES], length: 0, sink };
    // Never fails.
    let _ = write!(writer, "{text}");
    writer.flush();
}

struct ChunkedWriter<'sink> {
    bytes: [u8; CHUNK_BYTES],
    length: usize,
    sink: &'sink mut dyn FnMut(&[u8]),
}

impl ChunkedWriter<'_> {
    fn flush(&mut self) {
        (self.sink)(self.bytes.get(..self.length).unwrap_or_default());
        self.length = 0;
    }
}

impl Write for ChunkedWriter<'_> {
    fn write_str(&mut self, text: &str) -> FmtResult {
        for byte in text.bytes() {
            if self.length == self.bytes.len() {
                self.flush();
            }
            if let Some(to) = self.bytes.get_mut(self.length) {
                *to = byte;
                self.length += 1;
            }
        }
        Ok(())
    }
}
