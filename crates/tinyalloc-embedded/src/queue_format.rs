//! `defmt::Format` for queues: how many bytes they have.

use defmt::{Format, Formatter, write};

use crate::deque::ByteBufferDeque;
use crate::error::QueueError;
use crate::queue::GlobalDeque;

impl Format for QueueError {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "{=str}", self.text());
    }
}

impl Format for ByteBufferDeque {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "ByteBufferDeque({=usize} bytes)", self.len());
    }
}

impl<const BYTES: usize> Format for GlobalDeque<BYTES> {
    fn format(&self, formatter: Formatter<'_>) {
        write!(formatter, "GlobalDeque({=usize} of {=usize} bytes)", self.len(), BYTES);
    }
}
