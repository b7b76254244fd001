//! A first-in-first-out queue.

#![forbid(unsafe_code)]

use crate::allocator::ChunkSource;
use crate::attached::Attached;
use crate::chain::{Chain, Chunks, Grant};
use crate::error::{ByteBufferError, Corruption};

/// Bytes that are added at the back and taken from the front, in chunks of an allocator: a chunk is
/// freed as soon as it is empty.
///
/// As for [`ByteBuffer`](crate::ByteBuffer), every method takes the allocator, always the same.
/// Adding and taking a byte takes constant time.
///
/// ```
/// # use tinyalloc_embedded as tinyalloc;
/// use tinyalloc::prelude::*;
///
/// let mut alloc = TinySlabAllocator::<64, 8>::new();
/// let mut deque = ByteBufferDeque::new();
/// for byte in b"twenty bytes in three" {
///     deque.push_back(&mut alloc, *byte)?;
/// }
/// assert_eq!(alloc.stats().live, 3);
/// while let Some(byte) = deque.pop_front(&mut alloc) {
///     assert!(byte.is_ascii());
/// }
/// assert_eq!(alloc.stats().live, 0);
/// # Ok::<(), ByteBufferError>(())
/// ```
#[derive(Debug)]
pub struct ByteBufferDeque {
    chain: Chain,
}

impl ByteBufferDeque {
    /// An empty queue, without chunks.
    #[must_use]
    pub const fn new() -> Self {
        Self { chain: Chain::new() }
    }

    /// How many bytes it has.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.chain.bytes()
    }

    /// Whether it has none.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a byte at the back.
    ///
    /// # Errors
    /// [`ByteBufferError::AllocationFailed`]: the byte was not added.
    #[inline]
    pub fn push_back<S: ChunkSource + ?Sized>(&mut self, source: &mut S, byte: u8) -> Result<(), ByteBufferError> {
        self.chain.push(source, byte)
    }

    /// Takes the byte at the front.
    #[inline]
    pub fn pop_front<S: ChunkSource + ?Sized>(&mut self, source: &mut S) -> Option<u8> {
        self.chain.pop(source)
    }

    /// Adds all of `data` at the back, or nothing.
    ///
    /// # Errors
    /// [`ByteBufferError::AllocationFailed`]: nothing was added, and nothing taken.
    pub fn write<S: ChunkSource + ?Sized>(&mut self, source: &mut S, data: &[u8]) -> Result<(), ByteBufferError> {
        self.chain.write(source, data)
    }

    /// Moves bytes from the front to `out`; returns how many.
    pub fn read<S: ChunkSource + ?Sized>(&mut self, source: &mut S, out: &mut [u8]) -> usize {
        self.chain.read(source, out)
    }

    /// The bytes at the front that lie in one chunk, to read by hand or by DMA;
    /// [`ByteBufferDeque::consume`] takes them off.
    #[inline]
    pub fn front<'source, S: ChunkSource + ?Sized>(&mut self, source: &'source mut S) -> Option<&'source [u8]> {
        self.chain.front(source).filter(|front| !front.is_empty())
    }

    /// Takes bytes off the front: at most those that [`ByteBufferDeque::front`] shows. Returns how
    /// many.
    pub fn consume<S: ChunkSource + ?Sized>(&mut self, source: &mut S, bytes: usize) -> usize {
        let bytes = self.front(source).map_or(0, |front| front.len().min(bytes));
        if bytes > 0 {
            self.chain.consume(source, bytes);
        }
        bytes
    }

    /// Room at the back for up to `bytes_max` bytes, in one piece: what is left of the last chunk,
    /// or a new one if it is full.
    ///
    /// # Errors
    /// [`ByteBufferError::AllocationFailed`].
    #[inline]
    pub fn reserve<'deque, S: ChunkSource + ?Sized>(
        &'deque mut self,
        source: &'deque mut S,
        bytes_max: usize,
    ) -> Result<Grant<'deque>, ByteBufferError> {
        self.chain.reserve(source, bytes_max)
    }

    /// The bytes where they lie, chunk by chunk.
    pub fn chunks<'source, S: ChunkSource + ?Sized>(&self, source: &'source S) -> Chunks<'source, S> {
        self.chain.chunks(source)
    }

    /// Drops all bytes, and frees all chunks.
    ///
    /// # Errors
    /// [`ByteBufferError::Foreign`]: the chunks are from elsewhere.
    pub fn clear<S: ChunkSource + ?Sized>(&mut self, source: &mut S) -> Result<(), ByteBufferError> {
        self.chain.clear(source)
    }

    /// The queue together with its allocator: a `core::fmt::Write`, and a reader and writer of
    /// `embedded-io`.
    pub fn attach<'deque, S: ChunkSource + ?Sized>(&'deque mut self, source: &'deque mut S) -> Attached<'deque, S> {
        Attached::new(&mut self.chain, source)
    }

    /// Whether the chain of chunks holds what the queue says. Takes time for every chunk.
    ///
    /// # Errors
    /// [`Corruption::Chain`].
    pub fn check<S: ChunkSource + ?Sized>(&self, source: &S) -> Result<(), Corruption> {
        self.chain.check(source)
    }

    pub(crate) fn chain(&mut self) -> &mut Chain {
        &mut self.chain
    }
}

impl Default for ByteBufferDeque {
    fn default() -> Self {
        Self::new()
    }
}
