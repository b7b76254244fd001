//! The slab: blocks of bytes behind handles.

#![forbid(unsafe_code)]

use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::iter::FusedIterator;

use crate::align::{Align, Alignment, slot_bytes};
use crate::allocator::{Allocator, ChunkSource};
use crate::chunk::ChunkId;
use crate::error::{AllocError, Corruption};
use crate::handle::Handle;
use crate::ledger::Ledger;
use crate::stats::SlabStats;

/// `BYTES` bytes cut into `SLOTS` slots that begin at multiples of `ALIGN` bytes: each
/// `BYTES / SLOTS` bytes long, rounded down to a multiple of `ALIGN`. A block is at most as long as
/// a slot.
///
/// Besides the slots it takes 5 bytes a slot (3 for the slot, 2 for the block in it) and 12 more.
/// Allocating, freeing and looking up take constant time, and none of them panics. In a `static` it
/// is all zeros, and takes no flash, unless it has a tag.
///
/// A slot issues 4,194,303 handles (65,535 in the largest slabs) and then retires, so that no
/// handle is ever issued twice; a slab of 32 slots has 134 million. Chunks of buffers wear nothing.
/// [`TinySlabAllocator::stats`] counts the retired slots,
/// [`TinySlabAllocator::renew_retired`] brings them back.
///
/// ```
/// # use tinyalloc_embedded as tinyalloc;
/// use tinyalloc::prelude::*;
///
/// let mut alloc = TinySlabAllocator::<1024, 8>::new();
/// let (handle, block) = alloc.alloc_uninit(22)?;
/// block.copy_from_slice(b"Hello, embedded world!");
/// assert_eq!(alloc.get(handle), Some(&b"Hello, embedded world!"[..]));
/// alloc.free(handle)?;
/// assert_eq!(alloc.get(handle), None);
/// assert_eq!(alloc.free(handle), Err(AllocError::Stale));
/// # Ok::<(), AllocError>(())
/// ```
///
/// Slots for what a DMA controller or a type wants aligned:
///
/// ```
/// # use tinyalloc_embedded as tinyalloc;
/// # use tinyalloc::prelude::*;
/// let mut alloc = TinySlabAllocator::<1000, 3, 32>::new();
/// assert_eq!(TinySlabAllocator::<1000, 3, 32>::SLOT_BYTES, 320);
/// let (_, block) = alloc.alloc_uninit(5)?;
/// assert_eq!(block.as_ptr().addr() % 32, 0);
/// # Ok::<(), AllocError>(())
/// ```
///
/// A shape that cannot be does not compile:
///
/// ```compile_fail
/// # use tinyalloc_embedded as tinyalloc;
/// # use tinyalloc::prelude::*;
/// let alloc = TinySlabAllocator::<1024, 64, 32>::new(); // slots of 16 bytes, aligned to 32
/// ```
#[repr(C)]
pub struct TinySlabAllocator<const BYTES: usize, const SLOTS: usize, const ALIGN: usize = 1>
where
    Align<ALIGN>: Alignment,
{
    align: <Align<ALIGN> as Alignment>::Unit,
    bytes: [u8; BYTES],
    ledger: Ledger<SLOTS>,
}

impl<const BYTES: usize, const SLOTS: usize, const ALIGN: usize> TinySlabAllocator<BYTES, SLOTS, ALIGN>
where
    Align<ALIGN>: Alignment,
{
    const CHUNK_BYTES: u16 = slot_bytes(BYTES, SLOTS, ALIGN);

    /// The bytes of a slot.
    pub const SLOT_BYTES: usize = Self::CHUNK_BYTES as usize;

    /// A slab without blocks.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_tag::<0>()
    }

    /// A slab whose handles say which slab they are from: another one with another tag refuses each
    /// of them as [`AllocError::Foreign`]. Without tags it does so only when the slot or the
    /// generation was never issued.
    ///
    /// Slabs of up to 4 slots have tags up to 254; twice the slots, half the tags; beyond 512 slots
    /// there is only 0. Where slabs of different numbers of slots are to know each other, give them
    /// tags that each of them could have.
    ///
    /// ```
    /// # use tinyalloc_embedded as tinyalloc;
    /// # use tinyalloc::prelude::*;
    /// let mut samples = TinySlabAllocator::<1024, 8>::with_tag::<1>();
    /// let mut packets = TinySlabAllocator::<2048, 8>::with_tag::<2>();
    /// let sample = samples.alloc(10)?;
    /// packets.alloc(10)?;
    /// assert_eq!(packets.verify(sample), Err(AllocError::Foreign));
    /// # Ok::<(), AllocError>(())
    /// ```
    #[must_use]
    pub const fn with_tag<const TAG: u8>() -> Self {
        const { assert!(Self::SLOT_BYTES * SLOTS <= BYTES) };
        const { assert!(TAG <= Ledger::<SLOTS>::TAG_MAX, "the handles of so many slots have no room for this tag") };
        const { assert!(size_of::<Self>() <= BYTES + size_of::<Ledger<SLOTS>>() + 1 + ALIGN, "nothing but slots and ledger") };
        Self { align: <Align<ALIGN> as Alignment>::UNIT, bytes: [0; BYTES], ledger: Ledger::new(TAG) }
    }

    /// Allocates a block of `bytes` bytes, and returns it with whatever the slot held before.
    ///
    /// # Errors
    /// [`AllocError::TooLarge`] or [`AllocError::OutOfSlots`].
    #[inline]
    pub fn alloc_uninit(&mut self, bytes: usize) -> Result<(Handle, &mut [u8]), AllocError> {
        let bytes = Self::length(bytes)?;
        let (handle, index) = self.ledger.issue(bytes)?;
        let block = self.slot_mut(index, bytes).ok_or(AllocError::TooLarge)?;
        Ok((handle, block))
    }

    /// Allocates a block of zeros.
    ///
    /// # Errors
    /// [`AllocError::TooLarge`] or [`AllocError::OutOfSlots`].
    #[inline]
    pub fn alloc(&mut self, bytes: usize) -> Result<Handle, AllocError> {
        Allocator::alloc(self, bytes)
    }

    /// Frees the block, which makes its handle stale.
    ///
    /// # Errors
    /// [`AllocError::Stale`] or [`AllocError::Foreign`]; nothing was changed then.
    #[inline]
    pub fn free(&mut self, handle: Handle) -> Result<(), AllocError> {
        self.ledger.release(handle)
    }

    /// The block of a handle that is neither stale nor foreign.
    #[inline]
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<&[u8]> {
        let (index, bytes) = self.ledger.block(handle)?;
        self.slot(index, bytes)
    }

    /// The block of a handle that is neither stale nor foreign, to write.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut [u8]> {
        let (index, bytes) = self.ledger.block(handle)?;
        self.slot_mut(index, bytes)
    }

    /// Whether a handle has a block, and if not, why.
    ///
    /// # Errors
    /// [`AllocError::Stale`]: its block was freed. [`AllocError::Foreign`]: it was never issued
    /// here.
    #[inline]
    pub fn verify(&self, handle: Handle) -> Result<(), AllocError> {
        self.ledger.resolve(handle).map(drop)
    }

    /// Makes a block shorter or longer within its slot; bytes that it gains are whatever the slot
    /// held before.
    ///
    /// # Errors
    /// [`AllocError::TooLarge`], [`AllocError::Stale`] or [`AllocError::Foreign`].
    pub fn resize(&mut self, handle: Handle, bytes: usize) -> Result<(), AllocError> {
        let bytes = Self::length(bytes)?;
        self.ledger.resize(handle, bytes)
    }

    /// Frees all blocks; buffers keep their chunks. Takes time for every slot.
    pub fn clear(&mut self) {
        self.ledger.clear();
    }

    /// Puts the retired slots to use again. From then on a handle from before that was kept can be
    /// taken for a new one: call it when you know that there is none. Takes time for every slot.
    pub fn renew_retired(&mut self) {
        self.ledger.renew_retired();
    }

    /// The handles of all blocks, in the order of their slots; chunks of buffers have none. Takes
    /// time for every slot.
    #[must_use]
    pub fn handles(&self) -> Handles<'_, SLOTS> {
        Handles { ledger: &self.ledger, index: 0 }
    }

    /// What the slab holds.
    #[inline]
    #[must_use]
    pub fn stats(&self) -> SlabStats {
        self.ledger.stats(Self::SLOT_BYTES)
    }

    /// Whether the records of the slab agree with each other. Takes time for every slot.
    ///
    /// # Errors
    /// What was found broken: the slab's memory was overwritten.
    pub fn check(&self) -> Result<(), Corruption> {
        self.ledger.check(Self::CHUNK_BYTES)
    }

    #[inline]
    fn length(bytes: usize) -> Result<u16, AllocError> {
        match u16::try_from(bytes) {
            Ok(bytes) if bytes <= Self::CHUNK_BYTES => Ok(bytes),
            _ => Err(AllocError::TooLarge),
        }
    }

    #[inline]
    fn slot(&self, index: u16, bytes: u16) -> Option<&[u8]> {
        let start = usize::from(index) * Self::SLOT_BYTES;
        self.bytes.get(start..start + usize::from(bytes))
    }

    #[inline]
    fn slot_mut(&mut self, index: u16, bytes: u16) -> Option<&mut [u8]> {
        let start = usize::from(index) * Self::SLOT_BYTES;
        self.bytes.get_mut(start..start + usize::from(bytes))
    }
}

impl<const BYTES: usize, const SLOTS: usize, const ALIGN: usize> Allocator for TinySlabAllocator<BYTES, SLOTS, ALIGN>
where
    Align<ALIGN>: Alignment,
{
    #[inline]
    fn block_bytes_max(&self) -> usize {
        Self::SLOT_BYTES
    }

    #[inline]
    fn alloc_uninit(&mut self, bytes: usize) -> Result<(Handle, &mut [u8]), AllocError> {
        self.alloc_uninit(bytes)
    }

    #[inline]
    fn free(&mut self, handle: Handle) -> Result<(), AllocError> {
        self.free(handle)
    }

    #[inline]
    fn get(&self, handle: Handle) -> Option<&[u8]> {
        self.get(handle)
    }

    #[inline]
    fn get_mut(&mut self, handle: Handle) -> Option<&mut [u8]> {
        self.get_mut(handle)
    }

    #[inline]
    fn verify(&self, handle: Handle) -> Result<(), AllocError> {
        self.verify(handle)
    }
}

impl<const BYTES: usize, const SLOTS: usize, const ALIGN: usize> ChunkSource for TinySlabAllocator<BYTES, SLOTS, ALIGN>
where
    Align<ALIGN>: Alignment,
{
    #[inline]
    fn chunk_bytes(&self) -> u16 {
        Self::CHUNK_BYTES
    }

    #[inline]
    fn tag(&self) -> u8 {
        self.ledger.tag()
    }

    #[inline]
    fn take_chunk(&mut self, after: Option<ChunkId>) -> Result<ChunkId, AllocError> {
        self.ledger.take_chunk(after)
    }

    #[inline]
    fn give_chunk(&mut self, chunk: ChunkId) -> Result<Option<ChunkId>, AllocError> {
        self.ledger.give_chunk(chunk)
    }

    #[inline]
    fn next_chunk(&self, chunk: ChunkId) -> Option<ChunkId> {
        self.ledger.next_chunk(chunk)
    }

    #[inline]
    fn chunk(&self, chunk: ChunkId) -> Option<&[u8]> {
        if self.ledger.holds(chunk) { self.slot(chunk.index(), Self::CHUNK_BYTES) } else { None }
    }

    #[inline]
    fn chunk_mut(&mut self, chunk: ChunkId) -> Option<&mut [u8]> {
        if self.ledger.holds(chunk) { self.slot_mut(chunk.index(), Self::CHUNK_BYTES) } else { None }
    }
}

impl<const BYTES: usize, const SLOTS: usize, const ALIGN: usize> Default for TinySlabAllocator<BYTES, SLOTS, ALIGN>
where
    Align<ALIGN>: Alignment,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const BYTES: usize, const SLOTS: usize, const ALIGN: usize> Debug for TinySlabAllocator<BYTES, SLOTS, ALIGN>
where
    Align<ALIGN>: Alignment,
{
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter
            .debug_struct("TinySlabAllocator")
            .field("align", &align_of_val(&self.align))
            .field("stats", &self.stats())
            .finish()
    }
}

/// The handles of all blocks of a slab.
#[derive(Clone)]
pub struct Handles<'slab, const SLOTS: usize> {
    ledger: &'slab Ledger<SLOTS>,
    index: u16,
}

impl<const SLOTS: usize> Iterator for Handles<'_, SLOTS> {
    type Item = Handle;

    fn next(&mut self) -> Option<Handle> {
        while usize::from(self.index) < SLOTS {
            let index = self.index;
            self.index += 1;
            if let Some(handle) = self.ledger.handle_at(index) {
                return Some(handle);
            }
        }
        None
    }
}

impl<const SLOTS: usize> FusedIterator for Handles<'_, SLOTS> {}

impl<const SLOTS: usize> Debug for Handles<'_, SLOTS> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_list().entries(self.clone()).finish()
    }
}
