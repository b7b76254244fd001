//! A slab that contexts share.

use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::hint::spin_loop;
use core::ops::{Deref, DerefMut};

use crate::align::{Align, Alignment, slot_bytes};
use crate::chunk::ChunkId;
use crate::error::{AllocError, Corruption};
use crate::ledger::Ledger;
use crate::lock::Abandoned;
use crate::shared::Shared;
use crate::shared_bytes::SharedBytes;
use crate::stats::SlabStats;

/// How often to look again whether another core has left the ledger. A context that we interrupted
/// there does not leave while we wait.
pub(crate) const TRIES: usize = 32;

/// Two links, in the bytes of an abandoned chunk.
const NOTE_BYTES: usize = 4;

/// A shared slab without its sizes.
///
/// # Safety
/// - T1: the bytes of different chunks do not overlap, and nothing but [`Store::chunk`] and
///   [`Store::chunk_mut`] refers to a chunk's bytes.
pub(crate) unsafe trait Store: Sync {
    fn chunk_bytes(&self) -> u16;

    fn take_chunk(&self, after: Option<ChunkId>) -> Result<ChunkId, AllocError>;

    fn give_chunk(&self, chunk: ChunkId) -> Result<Option<ChunkId>, AllocError>;

    fn next_chunk(&self, chunk: ChunkId) -> Option<ChunkId>;

    /// # Safety
    /// The caller took the chunk and has not returned it, and no context writes its bytes while the
    /// slice lives.
    unsafe fn chunk(&self, chunk: ChunkId) -> Option<&[u8]>;

    /// # Safety
    /// The caller took the chunk and has not returned it, and no other context touches its bytes
    /// while the slice lives.
    #[allow(clippy::mut_from_ref, reason = "as in a cell: the caller promises to be alone")]
    unsafe fn chunk_mut(&self, chunk: ChunkId) -> Option<&mut [u8]>;

    /// Leaves chunks, from `first` by their links to `last`, to the context that has the ledger.
    ///
    /// # Safety
    /// The caller took the chunks, has not returned them, and refers to none of their bytes.
    unsafe fn abandon(&self, first: ChunkId, last: ChunkId);

    fn stats(&self) -> Result<SlabStats, AllocError>;
}

/// A slab in a plain `static` that main and interrupts, or several cores, take blocks from at any
/// time.
///
/// Only its records are locked, for constant time; the bytes of a block belong to the context that
/// has the block, and are read and written without a lock. The lock is that of
/// [`Shared`](crate::Shared).
///
/// ```
/// # use tinyalloc_embedded as tinyalloc;
/// use tinyalloc::prelude::*;
///
/// static MESSAGES: SharedSlab<512, 8, 4> = SharedSlab::new();
///
/// let mut message = MESSAGES.block(5)?;
/// message.copy_from_slice(b"hello");
/// assert_eq!(MESSAGES.stats()?.live, 1);
/// drop(message); // or send it to another context, which drops it
/// assert_eq!(MESSAGES.stats()?.live, 0);
/// # Ok::<(), AllocError>(())
/// ```
#[repr(C)]
pub struct SharedSlab<const BYTES: usize, const SLOTS: usize, const ALIGN: usize = 1>
where
    Align<ALIGN>: Alignment,
{
    align: <Align<ALIGN> as Alignment>::Unit,
    bytes: SharedBytes<BYTES>,
    ledger: Shared<Ledger<SLOTS>>,
    abandoned: Abandoned,
}

impl<const BYTES: usize, const SLOTS: usize, const ALIGN: usize> SharedSlab<BYTES, SLOTS, ALIGN>
where
    Align<ALIGN>: Alignment,
{
    const CHUNK_BYTES: u16 = slot_bytes(BYTES, SLOTS, ALIGN);

    /// The bytes of a slot.
    pub const SLOT_BYTES: usize = Self::CHUNK_BYTES as usize;

    /// A slab without blocks.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(Self::SLOT_BYTES * SLOTS <= BYTES) };
        const { assert!(Self::SLOT_BYTES >= NOTE_BYTES, "a slot of a shared slab has at least 4 bytes") };
        Self {
            align: <Align<ALIGN> as Alignment>::UNIT,
            bytes: SharedBytes::new(),
            ledger: Shared::new(Ledger::new(0)),
            abandoned: Abandoned::new(),
        }
    }

    /// Allocates a block, with whatever the slot held before.
    ///
    /// # Errors
    /// [`AllocError::TooLarge`] or [`AllocError::OutOfSlots`]; [`AllocError::Busy`] without the
    /// feature `critical-section`.
    #[inline]
    pub fn block(&self, bytes: usize) -> Result<SharedBlock<'_>, AllocError> {
        match u16::try_from(bytes) {
            Ok(bytes) if bytes <= Self::CHUNK_BYTES => Ok(SharedBlock { slab: self, chunk: self.take_chunk(None)?, bytes }),
            _ => Err(AllocError::TooLarge),
        }
    }

    /// What the slab holds.
    ///
    /// # Errors
    /// [`AllocError::Busy`], without the feature `critical-section`.
    pub fn stats(&self) -> Result<SlabStats, AllocError> {
        self.ledger(|ledger| ledger.stats(Self::SLOT_BYTES))
    }

    /// Whether the records of the slab agree with each other. Takes time for every slot, and locks
    /// the slab meanwhile.
    ///
    /// # Errors
    /// [`AllocError::Busy`], without the feature `critical-section`; else what was found broken.
    pub fn check(&self) -> Result<Result<(), Corruption>, AllocError> {
        self.ledger(|ledger| ledger.check(Self::CHUNK_BYTES))
    }

    #[inline]
    fn ledger<R>(&self, step: impl Fn(&mut Ledger<SLOTS>) -> R) -> Result<R, AllocError> {
        let settled = |ledger: &mut Ledger<SLOTS>| {
            self.settle(ledger);
            step(ledger)
        };
        for _ in 1..TRIES {
            if let Ok(result) = self.ledger.hold(settled) {
                return Ok(result);
            }
            spin_loop();
        }
        self.ledger.hold(settled)
    }

    /// Frees what others abandoned.
    #[inline]
    fn settle(&self, ledger: &mut Ledger<SLOTS>) {
        let mut next = self.abandoned.take();
        while let Some(first) = next {
            let [last, following] = self.note(first);
            let mut given = Some(first);
            while let Some(chunk) = given {
                given = ledger.give_chunk(chunk).ok().flatten().filter(|_| Some(chunk) != last);
            }
            next = following;
        }
    }

    /// Where a chunk's slot begins.
    #[inline]
    fn start(chunk: ChunkId) -> Option<usize> {
        let index = usize::from(chunk.index());
        if index < SLOTS { Some(index * Self::SLOT_BYTES) } else { None }
    }

    /// What is noted in an abandoned chunk: the last of its chain, and the chunk that was abandoned
    /// before.
    fn note(&self, chunk: ChunkId) -> [Option<ChunkId>; 2] {
        let Some(at) = Self::start(chunk) else { return [None; 2] };
        // SAFETY: the context that abandoned the chunk left it to us, and a slot has as many bytes.
        let [a, b, c, d] = [0, 1, 2, 3].map(|byte| unsafe { self.bytes.read(at + byte) });
        [[a, b], [c, d]].map(|link| ChunkId::from_link(u16::from_le_bytes(link)))
    }

    fn write_note(&self, chunk: ChunkId, note: [Option<ChunkId>; 2]) {
        let Some(at) = Self::start(chunk) else { return };
        let [[a, b], [c, d]] = note.map(|link| ChunkId::to_link(link).to_le_bytes());
        for (byte, value) in [a, b, c, d].into_iter().enumerate() {
            // SAFETY: the chunk is the caller's, and a slot has as many bytes.
            unsafe { self.bytes.write(at + byte, value) };
        }
    }
}

// SAFETY: T1: a chunk's bytes are those of its slot, and only the ledger's indices below `SLOTS`
// are chunks.
unsafe impl<const BYTES: usize, const SLOTS: usize, const ALIGN: usize> Store for SharedSlab<BYTES, SLOTS, ALIGN>
where
    Align<ALIGN>: Alignment,
{
    #[inline]
    fn chunk_bytes(&self) -> u16 {
        Self::CHUNK_BYTES
    }

    #[inline]
    fn take_chunk(&self, after: Option<ChunkId>) -> Result<ChunkId, AllocError> {
        self.ledger(|ledger| ledger.take_chunk(after))?
    }

    #[inline]
    fn give_chunk(&self, chunk: ChunkId) -> Result<Option<ChunkId>, AllocError> {
        self.ledger(|ledger| ledger.give_chunk(chunk))?
    }

    #[inline]
    fn next_chunk(&self, chunk: ChunkId) -> Option<ChunkId> {
        self.ledger(|ledger| ledger.next_chunk(chunk)).ok().flatten()
    }

    #[inline]
    unsafe fn chunk(&self, chunk: ChunkId) -> Option<&[u8]> {
        let start = Self::start(chunk)?;
        // SAFETY: the slot is inside, and the chunk is the caller's.
        Some(unsafe { self.bytes.slice(start, Self::SLOT_BYTES) })
    }

    #[inline]
    unsafe fn chunk_mut(&self, chunk: ChunkId) -> Option<&mut [u8]> {
        let start = Self::start(chunk)?;
        // SAFETY: the slot is inside, and the chunk is the caller's.
        Some(unsafe { self.bytes.slice_mut(start, Self::SLOT_BYTES) })
    }

    #[cold]
    unsafe fn abandon(&self, first: ChunkId, last: ChunkId) {
        self.abandoned.push(first, |before| self.write_note(first, [Some(last), before]));
    }

    fn stats(&self) -> Result<SlabStats, AllocError> {
        self.stats()
    }
}

impl<const BYTES: usize, const SLOTS: usize, const ALIGN: usize> Default for SharedSlab<BYTES, SLOTS, ALIGN>
where
    Align<ALIGN>: Alignment,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const BYTES: usize, const SLOTS: usize, const ALIGN: usize> Debug for SharedSlab<BYTES, SLOTS, ALIGN>
where
    Align<ALIGN>: Alignment,
{
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_struct("SharedSlab").field("align", &align_of_val(&self.align)).field("stats", &self.stats()).finish()
    }
}

/// A block of a [`SharedSlab`]. Its holder has its bytes, in any context; dropping it frees them,
/// in constant time.
pub struct SharedBlock<'slab> {
    slab: &'slab dyn Store,
    chunk: ChunkId,
    bytes: u16,
}

impl<'slab> SharedBlock<'slab> {
    #[inline]
    pub(crate) fn new(slab: &'slab dyn Store, bytes: usize) -> Result<Self, AllocError> {
        match u16::try_from(bytes) {
            Ok(bytes) if bytes <= slab.chunk_bytes() => Ok(Self { slab, chunk: slab.take_chunk(None)?, bytes }),
            _ => Err(AllocError::TooLarge),
        }
    }

    /// Makes it shorter or longer, within its slot; bytes that it gains are whatever the slot held
    /// before.
    ///
    /// # Errors
    /// [`AllocError::TooLarge`].
    pub fn resize(&mut self, bytes: usize) -> Result<(), AllocError> {
        match u16::try_from(bytes) {
            Ok(bytes) if bytes <= self.slab.chunk_bytes() => self.bytes = bytes,
            _ => return Err(AllocError::TooLarge),
        }
        Ok(())
    }
}

impl Drop for SharedBlock<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.slab.give_chunk(self.chunk) == Err(AllocError::Busy) {
            // SAFETY: the block took the chunk, and ends here.
            unsafe { self.slab.abandon(self.chunk, self.chunk) };
        }
    }
}

impl Deref for SharedBlock<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the block took the chunk, and lends it as itself is lent.
        let chunk = unsafe { self.slab.chunk(self.chunk) };
        chunk.and_then(|chunk| chunk.get(..usize::from(self.bytes))).unwrap_or_default()
    }
}

impl DerefMut for SharedBlock<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: the block took the chunk, and lends it as itself is lent.
        let chunk = unsafe { self.slab.chunk_mut(self.chunk) };
        chunk.and_then(|chunk| chunk.get_mut(..usize::from(self.bytes))).unwrap_or_default()
    }
}

impl Debug for SharedBlock<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_tuple("SharedBlock").field(&&**self).finish()
    }
}

#[cfg(all(test, not(feature = "critical-section")))]
mod tests {
    use super::{AllocError, Ledger, SharedBlock, SharedSlab, Store};

    static SLAB: SharedSlab<64, 8> = SharedSlab::new();

    /// Does it while this context has the ledger, as an interrupt would that comes then.
    fn interrupted<R>(step: impl FnOnce() -> R) -> R {
        let outcome: Result<R, AllocError> = SLAB.ledger.with(|_: &mut Ledger<8>| step());
        outcome.unwrap_or_else(|_| unreachable!("no other context has it"))
    }

    #[test]
    fn what_is_dropped_while_another_context_has_the_ledger_comes_back_with_the_next_step() {
        let blocks = [(); 3].map(|()| SLAB.block(8));
        assert!(interrupted(|| SLAB.block(8).is_err()));
        interrupted(|| drop(blocks));
        let chain = [None, Some(0), Some(1)].map(|_| SLAB.take_chunk(None));
        let [Ok(first), Ok(_), Ok(_)] = chain else { unreachable!("there are eight") };
        let next = SLAB.take_chunk(Some(first));
        assert!(next.is_ok_and(|last| SLAB.next_chunk(first) == Some(last)));
        // SAFETY: taken above, and no context refers to them.
        interrupted(|| next.map(|last| unsafe { SLAB.abandon(first, last) })).unwrap_or_default();
        assert_eq!(SLAB.stats().map(|stats| stats.live), Ok(2));
        let all = [(); 6].map(|()| SLAB.block(8));
        assert!(all.iter().all(Result::is_ok) && SLAB.block(0).err() == Some(AllocError::OutOfSlots));
        drop::<[Result<SharedBlock<'_>, AllocError>; 6]>(all);
        assert_eq!(SLAB.check(), Ok(Ok(())));
    }
}
