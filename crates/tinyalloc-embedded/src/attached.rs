//! A buffer together with its allocator.

#![forbid(unsafe_code)]

use core::fmt::{Debug, Error, Formatter, Result as FmtResult, Write};

use crate::allocator::ChunkSource;
use crate::chain::{Chain, Chunks};
use crate::error::ByteBufferError;

/// A buffer together with its allocator, so that traits without such an argument have methods for
/// it: `core::fmt::Write`, and those of `embedded-io` and `embedded-io-async` behind the features
/// of these names.
pub struct Attached<'buffer, S: ChunkSource + ?Sized> {
    chain: &'buffer mut Chain,
    source: &'buffer mut S,
}

impl<'buffer, S: ChunkSource + ?Sized> Attached<'buffer, S> {
    pub(crate) fn new(chain: &'buffer mut Chain, source: &'buffer mut S) -> Self {
        Self { chain, source }
    }

    /// Appends all of `data`, or nothing.
    ///
    /// # Errors
    /// [`ByteBufferError::AllocationFailed`]: nothing was appended, and nothing taken.
    pub fn append(&mut self, data: &[u8]) -> Result<(), ByteBufferError> {
        self.chain.write(self.source, data)
    }

    /// Moves bytes from the front to `out`; returns how many.
    pub fn take(&mut self, out: &mut [u8]) -> usize {
        self.chain.read(self.source, out)
    }

    /// As [`Attached::take`], but none is an error unless there are none: to a reader that would be
    /// the end.
    #[cfg(feature = "embedded-io")]
    pub(crate) fn read_some(&mut self, out: &mut [u8]) -> Result<usize, ByteBufferError> {
        match self.take(out) {
            0 if !out.is_empty() && !self.is_empty() => Err(self.chain.refusal(self.source)),
            bytes => Ok(bytes),
        }
    }

    /// As [`Attached::front`], in the same way.
    #[cfg(feature = "embedded-io")]
    pub(crate) fn front_some(&mut self) -> Result<&[u8], ByteBufferError> {
        if self.front().is_empty() && !self.is_empty() {
            return Err(self.chain.refusal(self.source));
        }
        Ok(self.front())
    }

    /// The bytes at the front that lie in one chunk.
    pub fn front(&mut self) -> &[u8] {
        self.chain.front(self.source).unwrap_or_default()
    }

    /// Takes bytes off the front: at most those that [`Attached::front`] shows.
    pub fn skip(&mut self, bytes: usize) {
        let bytes = self.front().len().min(bytes);
        if bytes > 0 {
            self.chain.consume(self.source, bytes);
        }
    }

    /// The bytes where they lie, chunk by chunk. On the program's slab and without the feature
    /// `critical-section` they end early where another context is in the slab: compare with
    /// [`Attached::len`].
    pub fn chunks(&self) -> Chunks<'_, S> {
        self.chain.chunks(self.source)
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chain.bytes()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Text is formatted piece by piece, and a piece is written whole or not at all: when memory runs
/// out, the pieces before stay.
impl<S: ChunkSource + ?Sized> Write for Attached<'_, S> {
    fn write_str(&mut self, text: &str) -> FmtResult {
        self.append(text.as_bytes()).map_err(|_| Error)
    }
}

impl<S: ChunkSource + ?Sized> Debug for Attached<'_, S> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_tuple("Attached").field(&self.chain).finish()
    }
}
