//! `embedded-io-async` for the queue: the reader waits for bytes, the writer for room, and each
//! wakes the other.

use core::convert::Infallible;
use core::future::poll_fn;
use core::task::Poll;

use embedded_io_async::{Read, Write};

use crate::queue::GlobalDeque;

/// One task at a time.
impl<const BYTES: usize> Read for &GlobalDeque<BYTES> {
    async fn read(&mut self, out: &mut [u8]) -> Result<usize, Infallible> {
        poll_fn(|context| {
            self.wakers().wait_to_read(context.waker());
            match GlobalDeque::read(self, out) {
                0 if !out.is_empty() => Poll::Pending,
                bytes => Poll::Ready(Ok(bytes)),
            }
        })
        .await
    }
}

/// One task at a time.
impl<const BYTES: usize> Write for &GlobalDeque<BYTES> {
    async fn write(&mut self, data: &[u8]) -> Result<usize, Infallible> {
        poll_fn(|context| {
            self.wakers().wait_to_write(context.waker());
            match GlobalDeque::write(self, data) {
                0 if !data.is_empty() => Poll::Pending,
                bytes => Poll::Ready(Ok(bytes)),
            }
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
