//! What the buffers need of an allocator, and what everybody else does.

use crate::chunk::ChunkId;
use crate::error::AllocError;
use crate::handle::Handle;
use crate::value::{Typed, Value};

/// Which allocators' chunks may be in one chain. Back ends cannot name it, so none passes for the
/// global slab.
mod origin {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Origin(u16);

    impl Origin {
        pub(crate) const GLOBAL: Self = Self(u16::MAX);

        #[inline]
        pub(crate) const fn tagged(tag: u8) -> Self {
            Self(tag as u16)
        }
    }
}

pub(crate) use origin::Origin;

/// Gives out chunks: slots that one buffer holds, whole. A link leads from each to the next of its
/// buffer.
///
/// Every operation takes constant time. One that is asked for a chunk that is not held answers
/// `None`, [`AllocError::Stale`] or
/// [`AllocError::Foreign`]; none panics.
pub trait ChunkSource {
    /// How many bytes a chunk has; at least one, and always the same.
    fn chunk_bytes(&self) -> u16;

    /// Tells apart the allocators whose chunks must not be mixed up; see
    /// [`TinySlabAllocator::with_tag`](crate::TinySlabAllocator::with_tag).
    fn tag(&self) -> u8 {
        0
    }

    /// Takes a chunk, and lets it follow `after`.
    ///
    /// # Errors
    /// [`AllocError::OutOfSlots`]; nothing was changed then.
    fn take_chunk(&mut self, after: Option<ChunkId>) -> Result<ChunkId, AllocError>;

    /// Frees a chunk; returns the one that followed it.
    ///
    /// # Errors
    /// [`AllocError::Stale`] or [`AllocError::Foreign`]: it is not held.
    fn give_chunk(&mut self, chunk: ChunkId) -> Result<Option<ChunkId>, AllocError>;

    /// The chunk that follows this one.
    fn next_chunk(&self, chunk: ChunkId) -> Option<ChunkId>;

    /// The bytes of a chunk: [`ChunkSource::chunk_bytes`] of them.
    fn chunk(&self, chunk: ChunkId) -> Option<&[u8]>;

    /// The bytes of a chunk, to write.
    fn chunk_mut(&mut self, chunk: ChunkId) -> Option<&mut [u8]>;

    /// Takes chunks back, from `first` by their links to `last`, even if that has to wait for
    /// another context.
    #[doc(hidden)]
    fn abandon(&mut self, first: ChunkId, last: ChunkId) {
        let mut next = Some(first);
        while let Some(chunk) = next {
            next = self.give_chunk(chunk).ok().flatten().filter(|_| chunk != last);
        }
    }

    #[doc(hidden)]
    #[inline]
    fn origin(&self) -> Origin {
        Origin::tagged(self.tag())
    }
}

/// Gives out blocks behind handles. [`TinySlabAllocator`](crate::TinySlabAllocator) is one; others
/// can take its place.
pub trait Allocator: ChunkSource {
    /// The longest block.
    fn block_bytes_max(&self) -> usize;

    /// Allocates a block of `bytes` bytes, and returns it with whatever it held before.
    ///
    /// # Errors
    /// [`AllocError::TooLarge`] or [`AllocError::OutOfSlots`].
    fn alloc_uninit(&mut self, bytes: usize) -> Result<(Handle, &mut [u8]), AllocError>;

    /// Frees the block, which makes its handle stale.
    ///
    /// # Errors
    /// As [`Allocator::verify`]; nothing was changed then.
    fn free(&mut self, handle: Handle) -> Result<(), AllocError>;

    /// The block of a handle that is neither stale nor foreign.
    fn get(&self, handle: Handle) -> Option<&[u8]>;

    /// The block of a handle that is neither stale nor foreign, to write.
    fn get_mut(&mut self, handle: Handle) -> Option<&mut [u8]>;

    /// Whether a handle has a block, and if not, why.
    ///
    /// # Errors
    /// [`AllocError::Stale`]: its block was freed. [`AllocError::Foreign`]: it was never issued.
    fn verify(&self, handle: Handle) -> Result<(), AllocError>;

    /// Allocates a block of zeros.
    ///
    /// # Errors
    /// As [`Allocator::alloc_uninit`].
    #[inline]
    fn alloc(&mut self, bytes: usize) -> Result<Handle, AllocError> {
        let (handle, block) = self.alloc_uninit(bytes)?;
        block.fill(0);
        Ok(handle)
    }

    /// Allocates a block that holds a value.
    ///
    /// # Errors
    /// As [`Allocator::alloc_uninit`].
    #[inline]
    fn alloc_value<T: Value>(&mut self, value: &T) -> Result<Typed<T>, AllocError>
    where
        Self: Sized,
    {
        let (handle, block) = self.alloc_uninit(T::BYTES)?;
        value.store(block);
        Ok(Typed::new(handle))
    }

    /// The value of a handle that is neither stale nor foreign.
    #[inline]
    fn value<T: Value>(&self, typed: Typed<T>) -> Option<T>
    where
        Self: Sized,
    {
        self.get(typed.handle()).and_then(T::load)
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// As [`Allocator::verify`].
    #[inline]
    fn set_value<T: Value>(&mut self, typed: Typed<T>, value: &T) -> Result<(), AllocError>
    where
        Self: Sized,
    {
        self.verify(typed.handle())?;
        if let Some(block) = self.get_mut(typed.handle()) {
            value.store(block);
        }
        Ok(())
    }

    /// Frees the block and returns its value.
    ///
    /// # Errors
    /// As [`Allocator::verify`].
    #[inline]
    fn take_value<T: Value>(&mut self, typed: Typed<T>) -> Result<Option<T>, AllocError>
    where
        Self: Sized,
    {
        let value = self.value(typed);
        self.free(typed.handle()).map(|()| value)
    }
}
