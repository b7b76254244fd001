//! Offsets in the buffer, and the header below each block.

use core::ptr::NonNull;

use crate::sync::AtomicU32;

/// Lies below the first byte of a block.
#[repr(C)]
struct Header {
    /// The offset of the block below, or `NONE`; and `FREED`, once this block is free.
    below: AtomicU32,
    /// What was in use before this block, its padding included.
    used_below: u32,
}

/// A buffer where it lies now. Every pointer is made from `start`, so that all have its provenance.
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    start: NonNull<u8>,
    bytes: usize,
}

impl Buffer {
    /// # Safety
    /// Invariant F1: the buffer lies at `start`, aligned for headers, while this is in use, and is
    /// touched through pointers made here only.
    pub(crate) unsafe fn new(start: NonNull<u8>, bytes: usize) -> Buffer {
        Buffer { start, bytes }
    }

    pub(crate) fn contains(self, address: usize) -> bool {
        self.offset(address) < self.bytes
    }

    /// Meaningless, but at least as large as the buffer, for an address outside.
    pub(crate) fn offset(self, address: usize) -> usize {
        address.wrapping_sub(self.start.addr().get())
    }

    /// Where a block begins and ends that is put above the first `used` bytes.
    pub(crate) fn place(self, used: usize, align: usize, bytes: usize) -> Option<(usize, usize)> {
        let above_header = self.start.addr().get() + used + size_of::<Header>();
        let align = align.max(align_of::<Header>());
        let first = self.offset(above_header.checked_add(align - 1)? & !(align - 1));
        self.end(first, bytes).map(|end| (first, end))
    }

    /// Where a block of that many bytes ends, if it fits.
    pub(crate) fn end(self, first: usize, bytes: usize) -> Option<usize> {
        first.checked_add(bytes).filter(|end| *end <= self.bytes)
    }

    /// # Safety
    /// The offset lies within the buffer.
    pub(crate) unsafe fn at(self, offset: usize) -> NonNull<u8> {
        // SAFETY: the caller's promise.
        unsafe { self.start.add(offset) }
    }

    /// Writes the header of a block.
    ///
    /// # Safety
    /// `first` is where a block was placed, and what lies below it down to the last block belongs
    /// to no thread.
    pub(crate) unsafe fn write_header(self, first: usize, below: u32, used_below: u32) {
        // SAFETY: the caller's promise.
        let header = unsafe { self.header(first) };
        // SAFETY: the caller's promise.
        unsafe { header.write(Header { below: AtomicU32::new(below), used_below }) };
    }

    /// What was in use before a block.
    ///
    /// # Safety
    /// `first` is the offset of a block whose header was written, and whose memory is its own
    /// meanwhile.
    pub(crate) unsafe fn used_below(self, first: usize) -> u32 {
        // SAFETY: the caller's promise.
        let header = unsafe { self.header(first) };
        // SAFETY: the caller's promise.
        unsafe { (*header.as_ptr()).used_below }
    }

    /// The word that says what lies below a block, and whether the block is free. There is no
    /// reference to the rest of the header: once the word says so, another thread may write there.
    ///
    /// # Safety
    /// As [`Buffer::used_below`].
    pub(crate) unsafe fn below<'header>(self, first: usize) -> &'header AtomicU32 {
        // SAFETY: the caller's promise.
        let header = unsafe { self.header(first) };
        // SAFETY: the header lies in the buffer (F1).
        let word = unsafe { &raw const (*header.as_ptr()).below };
        // SAFETY: the header was written.
        unsafe { &*word }
    }

    /// Whether a block may begin there, as far as its place tells.
    pub(crate) fn is_above_a_header(self, first: usize) -> bool {
        first >= size_of::<Header>() && first % align_of::<Header>() == 0
    }

    unsafe fn header(self, first: usize) -> NonNull<Header> {
        // SAFETY: a block is placed above its header.
        unsafe { self.at(first - size_of::<Header>()) }.cast()
    }
}
