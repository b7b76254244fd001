//! `embedded-io-async` for buffers: nothing there ever waits.

use embedded_io_async::{BufRead, Read, Write};

use crate::allocator::ChunkSource;
use crate::attached::Attached;
use crate::error::ByteBufferError;

impl<S: ChunkSource + ?Sized> Read for Attached<'_, S> {
    async fn read(&mut self, out: &mut [u8]) -> Result<usize, ByteBufferError> {
        self.read_some(out)
    }
}

impl<S: ChunkSource + ?Sized> BufRead for Attached<'_, S> {
    async fn fill_buf(&mut self) -> Result<&[u8], ByteBufferError> {
        self.front_some()
    }

    fn consume(&mut self, bytes: usize) {
        self.skip(bytes);
    }
}

impl<S: ChunkSource + ?Sized> Write for Attached<'_, S> {
    async fn write(&mut self, data: &[u8]) -> Result<usize, ByteBufferError> {
        self.append(data).map(|()| data.len())
    }

    async fn flush(&mut self) -> Result<(), ByteBufferError> {
        Ok(())
    }
}
