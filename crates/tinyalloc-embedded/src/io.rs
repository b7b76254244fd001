//! `embedded-io` for buffers.

use embedded_io::{BufRead, Error, ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use crate::allocator::ChunkSource;
use crate::attached::Attached;
use crate::error::ByteBufferError;

impl Error for ByteBufferError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::AllocationFailed => ErrorKind::OutOfMemory,
            Self::Foreign => ErrorKind::InvalidInput,
            Self::Busy => ErrorKind::Interrupted,
            Self::Uninitialised => ErrorKind::NotConnected,
        }
    }
}

impl<S: ChunkSource + ?Sized> ErrorType for Attached<'_, S> {
    type Error = ByteBufferError;
}

/// An empty buffer is at its end.
impl<S: ChunkSource + ?Sized> Read for Attached<'_, S> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, ByteBufferError> {
        self.read_some(out)
    }
}

impl<S: ChunkSource + ?Sized> BufRead for Attached<'_, S> {
    fn fill_buf(&mut self) -> Result<&[u8], ByteBufferError> {
        self.front_some()
    }

    fn consume(&mut self, bytes: usize) {
        self.skip(bytes);
    }
}

impl<S: ChunkSource + ?Sized> ReadReady for Attached<'_, S> {
    fn read_ready(&mut self) -> Result<bool, ByteBufferError> {
        Ok(true)
    }
}

/// Writes all or nothing.
impl<S: ChunkSource + ?Sized> Write for Attached<'_, S> {
    fn write(&mut self, data: &[u8]) -> Result<usize, ByteBufferError> {
        self.append(data).map(|()| data.len())
    }

    fn flush(&mut self) -> Result<(), ByteBufferError> {
        Ok(())
    }
}

impl<S: ChunkSource + ?Sized> WriteReady for Attached<'_, S> {
    fn write_ready(&mut self) -> Result<bool, ByteBufferError> {
        Ok(true)
    }
}
