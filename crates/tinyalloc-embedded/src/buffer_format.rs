//! `defmt::Format` for buffers: how many bytes they have.

use defmt::{Format, Formatter, write};

use crate::buffer::ByteBuffer;
use crate::error::ByteBufferError;

impl Format for ByteBufferError {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "{=str}", self.text());
    }
}

impl Format for ByteBuffer {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "ByteBuffer({=usize} bytes)", self.len());
    }
}
