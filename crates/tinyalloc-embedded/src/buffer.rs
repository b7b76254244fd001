//! A growing buffer.

#![forbid(unsafe_code)]

use crate::allocator::ChunkSource;
use crate::attached::Attached;
use crate::chain::{Chain, Chunks, Grant};
use crate::error::{ByteBufferError, Corruption};

/// Bytes that are added at the end, in chunks of an allocator: a buffer takes another chunk when
/// the last one is full.
///
/// It does not know its allocator, so every method takes it: always the same one, or
/// [`ByteBufferError::Foreign`] is the answer, if the tags of the two differ. For the same reason
/// dropping a buffer frees nothing; [`ByteBuffer::clear`] does. With the feature `global-alloc`
/// there are methods without that argument, on the slab of the whole program, and what they took is
/// freed on drop.
///
/// ```
/// # use tinyalloc_embedded as tinyalloc;
/// use tinyalloc::prelude::*;
///
/// let mut alloc = TinySlabAllocator::<512, 16>::new();
/// let mut buf = ByteBuffer::new();
/// buf.write(&mut alloc, b"a longer text than the 32 bytes of a slot")?;
/// let longest = buf.chunks(&alloc).map(<[u8]>::len).max();
/// assert_eq!((buf.len(), longest), (41, Some(32)));
/// buf.clear(&mut alloc)?;
/// assert_eq!(alloc.stats().live, 0);
/// # Ok::<(), ByteBufferError>(())
/// ```
#[derive(Debug)]
pub struct ByteBuffer {
    chain: Chain,
}

impl ByteBuffer {
    /// An empty buffer, without chunks.
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

    /// Appends all of `data`, or nothing.
    ///
    /// # Errors
    /// [`ByteBufferError::AllocationFailed`]: nothing was appended, and nothing taken.
    pub fn write<S: ChunkSource + ?Sized>(&mut self, source: &mut S, data: &[u8]) -> Result<(), ByteBufferError> {
        self.chain.write(source, data)
    }

    /// Moves bytes from the front to `out`, and frees the chunks that become empty. Returns how
    /// many it moved: fewer than asked for when there are no more.
    pub fn read<S: ChunkSource + ?Sized>(&mut self, source: &mut S, out: &mut [u8]) -> usize {
        self.chain.read(source, out)
    }

    /// Room for up to `bytes_max` bytes, in one piece: what is left of the last chunk, or a new
    /// chunk if it is full. In slots of an aligned slab a new chunk begins aligned.
    ///
    /// ```
    /// # use tinyalloc_embedded as tinyalloc;
    /// # use tinyalloc::prelude::*;
    /// let mut alloc = TinySlabAllocator::<512, 16>::new();
    /// let mut buf = ByteBuffer::new();
    /// let mut grant = buf.reserve(&mut alloc, 20)?;
    /// grant[..5].copy_from_slice(b"hello"); // or let a DMA controller do it
    /// grant.commit(5);
    /// assert_eq!(buf.len(), 5);
    /// # Ok::<(), ByteBufferError>(())
    /// ```
    ///
    /// # Errors
    /// [`ByteBufferError::AllocationFailed`].
    #[inline]
    pub fn reserve<'buffer, S: ChunkSource + ?Sized>(
        &'buffer mut self,
        source: &'buffer mut S,
        bytes_max: usize,
    ) -> Result<Grant<'buffer>, ByteBufferError> {
        self.chain.reserve(source, bytes_max)
    }

    /// The bytes where they lie, chunk by chunk.
    pub fn chunks<'source, S: ChunkSource + ?Sized>(&self, source: &'source S) -> Chunks<'source, S> {
        self.chain.chunks(source)
    }

    /// The byte at an index. Takes time for every chunk before it.
    #[must_use]
    pub fn get<S: ChunkSource + ?Sized>(&self, source: &S, index: usize) -> Option<u8> {
        self.chain.get(source, index)
    }

    /// Drops all bytes, and frees all chunks.
    ///
    /// # Errors
    /// [`ByteBufferError::Foreign`]: the chunks are from elsewhere. [`ByteBufferError::Busy`]: the
    /// bytes are gone, the chunks follow at the next call.
    pub fn clear<S: ChunkSource + ?Sized>(&mut self, source: &mut S) -> Result<(), ByteBufferError> {
        self.chain.clear(source)
    }

    /// The buffer together with its allocator: a `core::fmt::Write`, and a reader and writer of
    /// `embedded-io`.
    ///
    /// ```
    /// # use tinyalloc_embedded as tinyalloc;
    /// # use tinyalloc::prelude::*;
    /// use core::fmt::Write;
    ///
    /// let mut alloc = TinySlabAllocator::<512, 16>::new();
    /// let mut buf = ByteBuffer::new();
    /// write!(buf.attach(&mut alloc), "{} °C", 21.5)?;
    /// assert_eq!(buf.len(), 8);
    /// # Ok::<(), core::fmt::Error>(())
    /// ```
    pub fn attach<'buffer, S: ChunkSource + ?Sized>(&'buffer mut self, source: &'buffer mut S) -> Attached<'buffer, S> {
        Attached::new(&mut self.chain, source)
    }

    /// Whether the chain of chunks holds what the buffer says. Takes time for every chunk.
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

impl Default for ByteBuffer {
    fn default() -> Self {
        Self::new()
    }
}
