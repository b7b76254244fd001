//! Writes text in chunks from a buffer on the stack.

use core::fmt::{Display, Result as FmtResult, Write};

const CHUNK_BYTES: usize = 512;

/// Takes chunks. (A `dyn FnMut` would bring every closure along twice: it can be called by value.)
pub(crate) trait Sink {
    fn put(&mut self, chunk: &[u8]);
}

impl<F: FnMut(&[u8])> Sink for F {
    fn put(&mut self, chunk: &[u8]) {
        self(chunk);
    }
}

/// Passes a text to `sink` in chunks of up to 512 bytes. Allocates nothing. A shorter text is one
/// chunk.
#[inline(never)]
pub(crate) fn write_in_chunks(text: &dyn Display, sink: &mut dyn Sink) {
    let mut writer = ChunkedWriter { bytes: [0; CHUNK_BYTES], length: 0, sink };
    // Never fails.
    let _ = write!(writer, "{text}");
    writer.flush();
}

struct ChunkedWriter<'sink> {
    bytes: [u8; CHUNK_BYTES],
    length: usize,
    sink: &'sink mut dyn Sink,
}

impl ChunkedWriter<'_> {
    fn flush(&mut self) {
        self.sink.put(self.bytes.get(..self.length).unwrap_or_default());
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
