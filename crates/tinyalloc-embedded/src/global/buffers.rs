//! Buffers on the program's slab.

use core::fmt::{Error, Result as FmtResult, Write};

use crate::allocator::Origin;
use crate::attached::Attached;
use crate::buffer::ByteBuffer;
use crate::chain::Chain;
use crate::deque::ByteBufferDeque;
use crate::error::ByteBufferError;

use super::current::Global;

/// These take their chunks from the program's slab, and free them on drop.
impl ByteBuffer {
    /// Appends all of `data`, or nothing.
    ///
    /// # Errors
    /// [`ByteBufferError::Uninitialised`] or [`ByteBufferError::AllocationFailed`];
    /// [`ByteBufferError::Busy`] without the feature `critical-section`.
    pub fn extend(&mut self, data: &[u8]) -> Result<(), ByteBufferError> {
        self.chain().write(&mut Global::new()?, data)
    }

    /// Moves bytes from the front to `out`; returns how many.
    pub fn take(&mut self, out: &mut [u8]) -> usize {
        Global::new().map_or(0, |mut global| self.chain().read(&mut global, out))
    }

    /// Drops all bytes, and frees all chunks.
    ///
    /// # Errors
    /// [`ByteBufferError::Foreign`]: the chunks are from another allocator.
    pub fn discard(&mut self) -> Result<(), ByteBufferError> {
        self.chain().clear(&mut Global::new()?)
    }

    /// Calls the closure with the program's slab attached: for the bytes where they lie, and for
    /// the traits of `embedded-io`.
    ///
    /// # Errors
    /// [`ByteBufferError::Uninitialised`].
    pub fn with<R>(&mut self, step: impl FnOnce(&mut Attached<'_, Global>) -> R) -> Result<R, ByteBufferError> {
        let mut global = Global::new()?;
        Ok(step(&mut Attached::new(self.chain(), &mut global)))
    }
}

impl Write for ByteBuffer {
    fn write_str(&mut self, text: &str) -> FmtResult {
        self.extend(text.as_bytes()).map_err(|_| Error)
    }
}

impl Drop for ByteBuffer {
    fn drop(&mut self) {
        free_chunks(self.chain());
    }
}

/// These take their chunks from the program's slab, and free them on drop.
impl ByteBufferDeque {
    /// Adds a byte at the back.
    ///
    /// # Errors
    /// As [`ByteBuffer::extend`].
    pub fn push(&mut self, byte: u8) -> Result<(), ByteBufferError> {
        self.chain().push(&mut Global::new()?, byte)
    }

    /// Takes the byte at the front.
    pub fn pop(&mut self) -> Option<u8> {
        self.chain().pop(&mut Global::new().ok()?)
    }

    /// Adds all of `data` at the back, or nothing.
    ///
    /// # Errors
    /// As [`ByteBuffer::extend`].
    pub fn extend(&mut self, data: &[u8]) -> Result<(), ByteBufferError> {
        self.chain().write(&mut Global::new()?, data)
    }

    /// Moves bytes from the front to `out`; returns how many.
    pub fn take(&mut self, out: &mut [u8]) -> usize {
        Global::new().map_or(0, |mut global| self.chain().read(&mut global, out))
    }

    /// Drops all bytes, and frees all chunks.
    ///
    /// # Errors
    /// [`ByteBufferError::Foreign`]: the chunks are from another allocator.
    pub fn discard(&mut self) -> Result<(), ByteBufferError> {
        self.chain().clear(&mut Global::new()?)
    }

    /// As [`ByteBuffer::with`].
    ///
    /// # Errors
    /// [`ByteBufferError::Uninitialised`].
    pub fn with<R>(&mut self, step: impl FnOnce(&mut Attached<'_, Global>) -> R) -> Result<R, ByteBufferError> {
        let mut global = Global::new()?;
        Ok(step(&mut Attached::new(self.chain(), &mut global)))
    }
}

impl Write for ByteBufferDeque {
    fn write_str(&mut self, text: &str) -> FmtResult {
        self.extend(text.as_bytes()).map_err(|_| Error)
    }
}

impl Drop for ByteBufferDeque {
    fn drop(&mut self) {
        free_chunks(self.chain());
    }
}

/// Chunks from elsewhere stay: their allocator is not here.
fn free_chunks(chain: &mut Chain) {
    if chain.is_from(Origin::GLOBAL) {
        if let Ok(mut global) = Global::new() {
            chain.abandon(&mut global);
        }
    }
}
