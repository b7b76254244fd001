//! `embedded-io` for the queue.

use core::convert::Infallible;
use core::hint::spin_loop;

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};

use crate::queue::GlobalDeque;

impl<const BYTES: usize> ErrorType for &GlobalDeque<BYTES> {
    type Error = Infallible;
}

/// Waits for the first byte, as the trait wants it; ask [`ReadReady`] before, where that must not
/// be.
impl<const BYTES: usize> Read for &GlobalDeque<BYTES> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Infallible> {
        loop {
            match GlobalDeque::read(self, out) {
                0 if !out.is_empty() => spin_loop(),
                bytes => return Ok(bytes),
            }
        }
    }
}

impl<const BYTES: usize> ReadReady for &GlobalDeque<BYTES> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.is_empty())
    }
}

/// Waits for room, as the trait wants it; ask [`WriteReady`] before, where that must not be.
impl<const BYTES: usize> Write for &GlobalDeque<BYTES> {
    fn write(&mut self, data: &[u8]) -> Result<usize, Infallible> {
        loop {
            match GlobalDeque::write(self, data) {
                0 if !data.is_empty() => spin_loop(),
                bytes => return Ok(bytes),
            }
        }
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl<const BYTES: usize> WriteReady for &GlobalDeque<BYTES> {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.len() < BYTES)
    }
}
