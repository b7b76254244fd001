//! Text collected on the stack and handed on in pieces.

use core::fmt::{Display, Result as FmtResult, Write};

const PIECE_BYTES: usize = 512;

/// Hands a text on in pieces of up to 512 bytes, allocating nothing: a shorter text is one piece.
#[inline(never)]
pub(crate) fn write_in_pieces(text: &dyn Display, sink: &mut dyn FnMut(&[u8])) {
    let mut pieces = Pieces { bytes: [0; PIECE_BYTES], length: 0, sink };
    // Never fails.
    let _ = write!(pieces, "{text}");
    pieces.flush();
}

struct Pieces<'sink> {
    bytes: [u8; PIECE_BYTES],
    length: usize,
    sink: &'sink mut dyn FnMut(&[u8]),
}

impl Pieces<'_> {
    fn flush(&mut self) {
        (self.sink)(self.bytes.get(..self.length).unwrap_or_default());
        self.length = 0;
    }
}

impl Write for Pieces<'_> {
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
