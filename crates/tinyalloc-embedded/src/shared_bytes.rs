//! Bytes that contexts share.

use core::cell::UnsafeCell;
use core::slice::{from_raw_parts, from_raw_parts_mut};

use crate::chain::copy;

/// Bytes that several contexts touch, each a part of its own.
#[repr(transparent)]
pub(crate) struct SharedBytes<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

// SAFETY: every access is through the unsafe functions below, whose callers promise that it is
// alone.
unsafe impl<const BYTES: usize> Sync for SharedBytes<BYTES> {}

impl<const BYTES: usize> SharedBytes<BYTES> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new([0; BYTES]))
    }

    /// # Safety
    /// `at` is below `BYTES`, and no other context touches that byte.
    #[inline]
    pub(crate) unsafe fn write(&self, at: usize, byte: u8) {
        // SAFETY: the caller's promise.
        let place = unsafe { self.0.get().cast::<u8>().add(at) };
        // SAFETY: the caller's promise.
        unsafe { place.write(byte) };
    }

    /// # Safety
    /// `at` is below `BYTES`, and no context writes that byte.
    #[inline]
    pub(crate) unsafe fn read(&self, at: usize) -> u8 {
        // SAFETY: the caller's promise.
        let place = unsafe { self.0.get().cast::<u8>().add(at) };
        // SAFETY: the caller's promise.
        unsafe { place.read() }
    }

    /// Copies `bytes` bytes of `from`; fewer if it has fewer.
    ///
    /// # Safety
    /// The range is inside, and no other context touches its bytes.
    #[inline]
    pub(crate) unsafe fn write_all(&self, at: usize, from: &[u8], bytes: usize) {
        // SAFETY: the caller's promise.
        copy(unsafe { self.slice_mut(at, bytes) }, from);
    }

    /// Copies `bytes` bytes to `out`; fewer if it is shorter.
    ///
    /// # Safety
    /// The range is inside, and no context writes its bytes.
    #[inline]
    pub(crate) unsafe fn read_all(&self, at: usize, out: &mut [u8], bytes: usize) {
        // SAFETY: the caller's promise.
        copy(out, unsafe { self.slice(at, bytes) });
    }

    /// # Safety
    /// The range is inside, and no context writes its bytes while the slice lives.
    #[inline]
    pub(crate) unsafe fn slice(&self, at: usize, bytes: usize) -> &[u8] {
        // SAFETY: the caller's promise.
        let start = unsafe { self.0.get().cast::<u8>().add(at) };
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts(start, bytes) }
    }

    /// # Safety
    /// The range is inside, and no other context touches its bytes while the slice lives.
    #[inline]
    #[allow(clippy::mut_from_ref, reason = "as in a cell: the caller promises to be alone")]
    pub(crate) unsafe fn slice_mut(&self, at: usize, bytes: usize) -> &mut [u8] {
        // SAFETY: the caller's promise.
        let start = unsafe { self.0.get().cast::<u8>().add(at) };
        // SAFETY: the caller's promise.
        unsafe { from_raw_parts_mut(start, bytes) }
    }
}
