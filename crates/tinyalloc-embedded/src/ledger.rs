//! What is known of each slot: five bytes. The slots themselves are elsewhere.

#![forbid(unsafe_code)]

use core::num::NonZeroU32;

use crate::chunk::ChunkId;
use crate::error::{AllocError, Corruption};
use crate::handle::Handle;
use crate::stats::SlabStats;

/// A slot's word, three bytes: its generation below, its state above.
const STATE_SHIFT: u32 = 22;
const GENERATION_MASK: u32 = (1 << STATE_SHIFT) - 1;
const FREE: u32 = 0;
/// A block behind a handle.
const BLOCK: u32 = 1 << STATE_SHIFT;
/// A chunk of a buffer: no handle opens it, and it does not wear the generation.
const CHUNK: u32 = 2 << STATE_SHIFT;
/// Every generation was issued.
const RETIRED: u32 = 3 << STATE_SHIFT;

/// The contract: three bytes for a slot, two for the block in it.
const SLOT_OVERHEAD_BYTES: usize = 3;
const BLOCK_OVERHEAD_BYTES: usize = 2;
/// The counters and the list's head.
const FIXED_OVERHEAD_BYTES: usize = 12;

const SLOTS_MAX: usize = u16::MAX as usize;
const TAG_MAX: u32 = u8::MAX as u32 - 1;

/// The slots of one slab, as far as they can be known without looking into them. All-zero bytes are
/// a ledger of free slots, so that a static one takes no flash.
///
/// Invariants:
/// - B1: the slots from `fresh` on were never used, and their words are zero;
/// - B2: `free`, and from there the links, lead through all free slots before `fresh`, and to no
///   other;
/// - B3: a block's generation is one more than when its slot was last free, and never zero.
pub(crate) struct Ledger<const SLOTS: usize> {
    /// The lower two bytes of each word.
    generations: [u16; SLOTS],
    /// A block's bytes; the link from a free slot or a chunk to the next, 0 at the end.
    links: [u16; SLOTS],
    /// The upper byte of each word.
    states: [u8; SLOTS],
    tag: u8,
    free: u16,
    fresh: u16,
    live: u16,
    live_max: u16,
    retired: u16,
}

impl<const SLOTS: usize> Ledger<SLOTS> {
    /// A handle, from its lowest bit: the slab's tag, the slot's index, the block's generation. The
    /// tag is where slabs of any number of slots look for it, so that they tell each other's
    /// handles apart.
    const INDEX_BITS: u32 = usize::BITS - (SLOTS - 1).leading_zeros();
    const GENERATION_BITS: u32 =
        if Self::INDEX_BITS + STATE_SHIFT <= u32::BITS { STATE_SHIFT } else { u32::BITS - Self::INDEX_BITS };
    const TAG_BITS: u32 = u32::BITS - Self::INDEX_BITS - Self::GENERATION_BITS;
    const GENERATION_MAX: u32 = (1 << Self::GENERATION_BITS) - 1;
    const GENERATION_SHIFT: u32 = Self::TAG_BITS + Self::INDEX_BITS;

    const SHAPE: () = {
        assert!(SLOTS > 0 && SLOTS <= SLOTS_MAX, "a slab has 1 to 65,535 slots");
        let slots_bytes = SLOTS * (SLOT_OVERHEAD_BYTES + BLOCK_OVERHEAD_BYTES);
        assert!(size_of::<Self>() <= slots_bytes + FIXED_OVERHEAD_BYTES, "2 bytes a block and 3 a slot");
    };

    /// The largest tag: 0 where the handles of so many slots have no room for one.
    pub(crate) const TAG_MAX: u8 = {
        let all = if Self::TAG_BITS >= u8::BITS { TAG_MAX } else { (1 << Self::TAG_BITS) - 1 };
        all.to_le_bytes()[0]
    };

    pub(crate) const fn new(tag: u8) -> Self {
        const { Self::SHAPE };
        Self {
            generations: [0; SLOTS],
            links: [0; SLOTS],
            states: [0; SLOTS],
            tag,
            free: 0,
            fresh: 0,
            live: 0,
            live_max: 0,
            retired: 0,
        }
    }

    #[inline]
    pub(crate) const fn tag(&self) -> u8 {
        self.tag
    }

    /// Takes a slot for a block of so many bytes; its index comes with the handle.
    #[inline]
    pub(crate) fn issue(&mut self, bytes: u16) -> Result<(Handle, u16), AllocError> {
        let index = self.take().ok_or(AllocError::OutOfSlots)?;
        let word = self.word(index).ok_or(AllocError::OutOfSlots)?;
        let generation = (word & GENERATION_MASK) + 1;
        self.set(index, BLOCK | generation, bytes);
        let handle = self.handle(index, generation).ok_or(AllocError::OutOfSlots)?;
        Ok((handle, index))
    }

    /// The index of a handle's slot.
    #[inline]
    pub(crate) fn resolve(&self, handle: Handle) -> Result<u16, AllocError> {
        let (index, generation) = Self::parts(handle);
        let is_ours = self.is_ours(handle);
        if is_ours && self.word(index) == Some(BLOCK | generation) {
            return Ok(index);
        }
        Err(self.refusal(is_ours, index, generation))
    }

    /// The index of a handle's slot, and the bytes of its block.
    #[inline]
    pub(crate) fn block(&self, handle: Handle) -> Option<(u16, u16)> {
        let index = self.resolve(handle).ok()?;
        Some((index, self.link(index)?))
    }

    pub(crate) fn resize(&mut self, handle: Handle, bytes: u16) -> Result<(), AllocError> {
        let index = self.resolve(handle)?;
        self.set_link(index, bytes);
        Ok(())
    }

    /// Frees a block's slot. The last generation retires it: no handle is ever issued twice.
    #[inline]
    pub(crate) fn release(&mut self, handle: Handle) -> Result<(), AllocError> {
        let index = self.resolve(handle)?;
        let (_, generation) = Self::parts(handle);
        if generation == Self::GENERATION_MAX {
            self.set(index, RETIRED | generation, 0);
            self.retired += 1;
            self.live -= 1;
        } else {
            self.set_state(index, FREE);
            self.put(index);
        }
        Ok(())
    }

    /// Takes a slot for a chunk that follows `after`.
    #[inline]
    pub(crate) fn take_chunk(&mut self, after: Option<ChunkId>) -> Result<ChunkId, AllocError> {
        if let Some(after) = after {
            self.verify_chunk(after)?;
        }
        let index = self.take().ok_or(AllocError::OutOfSlots)?;
        self.set_state(index, CHUNK);
        self.set_link(index, 0);
        let chunk = ChunkId::new(index);
        if let Some(after) = after {
            self.set_link(after.index(), ChunkId::to_link(chunk));
        }
        chunk.ok_or(AllocError::OutOfSlots)
    }

    /// Frees a chunk's slot; returns the chunk that followed.
    #[inline]
    pub(crate) fn give_chunk(&mut self, chunk: ChunkId) -> Result<Option<ChunkId>, AllocError> {
        self.verify_chunk(chunk)?;
        let next = self.next_chunk(chunk);
        self.set_state(chunk.index(), FREE);
        self.put(chunk.index());
        Ok(next)
    }

    #[inline]
    pub(crate) fn holds(&self, chunk: ChunkId) -> bool {
        self.state(chunk.index()) == Some(CHUNK)
    }

    #[inline]
    pub(crate) fn next_chunk(&self, chunk: ChunkId) -> Option<ChunkId> {
        if self.holds(chunk) { self.link(chunk.index()).and_then(ChunkId::from_link) } else { None }
    }

    /// The handle of the block in a slot, if there is one.
    pub(crate) fn handle_at(&self, index: u16) -> Option<Handle> {
        let word = self.word(index)?;
        if word & RETIRED == BLOCK { self.handle(index, word & GENERATION_MASK) } else { None }
    }

    /// Frees all blocks. Takes time for every slot.
    pub(crate) fn clear(&mut self) {
        for index in 0..self.fresh {
            if let Some(handle) = self.handle_at(index) {
                let _ = self.release(handle);
            }
        }
    }

    /// Puts the retired slots to use again, from their first generation. Takes time for every slot.
    pub(crate) fn renew_retired(&mut self) {
        for index in 0..self.fresh {
            if self.word(index).is_some_and(|word| word & RETIRED == RETIRED) {
                self.live += 1;
                self.set(index, FREE, 0);
                self.put(index);
            }
        }
        self.retired = 0;
    }

    pub(crate) fn stats(&self, slot_bytes: usize) -> SlabStats {
        let (live, retired) = (usize::from(self.live), usize::from(self.retired));
        SlabStats { slots: SLOTS, slot_bytes, live, live_max: usize::from(self.live_max), retired, free: SLOTS - live - retired }
    }

    /// Whether B1 to B3 hold. Takes time for every slot.
    pub(crate) fn check(&self, slot_bytes: u16) -> Result<(), Corruption> {
        let (mut free, mut live, mut retired) = (0u16, 0u16, 0u16);
        for index in 0..SLOTS_MAX.min(SLOTS) {
            let index = u16::try_from(index).map_err(|_| Corruption::Counts)?;
            let (word, link) = self.word(index).zip(self.link(index)).ok_or(Corruption::Counts)?;
            match word & RETIRED {
                _ if index >= self.fresh && (word != 0 || link != 0) => return Err(Corruption::Counts),
                _ if index >= self.fresh => {}
                FREE => free += 1,
                RETIRED => retired += 1,
                BLOCK if link > slot_bytes => return Err(Corruption::Length),
                BLOCK if word & GENERATION_MASK == 0 => return Err(Corruption::Counts),
                _ => live += 1,
            }
        }
        if (live, retired) != (self.live, self.retired) || self.live_max < live {
            return Err(Corruption::Counts);
        }
        self.check_free_list(free)
    }

    fn check_free_list(&self, free: u16) -> Result<(), Corruption> {
        let mut link = self.free;
        for _ in 0..free {
            let index = link.checked_sub(1).ok_or(Corruption::FreeList)?;
            let is_free = index < self.fresh && self.word(index).is_some_and(|word| word & RETIRED == FREE);
            if !is_free {
                return Err(Corruption::FreeList);
            }
            link = self.link(index).ok_or(Corruption::FreeList)?;
        }
        if link == 0 { Ok(()) } else { Err(Corruption::FreeList) }
    }

    /// Whether a chunk is held.
    #[inline]
    fn verify_chunk(&self, chunk: ChunkId) -> Result<(), AllocError> {
        match self.state(chunk.index()) {
            Some(CHUNK) => Ok(()),
            Some(_) if chunk.index() < self.fresh => Err(AllocError::Stale),
            _ => Err(AllocError::Foreign),
        }
    }

    /// Takes a slot off the list, or the first that was never used. The slot that was freed last
    /// comes first: it wears out before the next is touched, so that the slab shrinks slot by slot
    /// and never all at once.
    #[inline]
    fn take(&mut self) -> Option<u16> {
        let index = match self.free.checked_sub(1) {
            Some(index) => {
                self.free = self.link(index)?;
                index
            }
            None if usize::from(self.fresh) < SLOTS => {
                self.fresh += 1;
                self.fresh - 1
            }
            None => return None,
        };
        self.live += 1;
        self.live_max = self.live_max.max(self.live);
        Some(index)
    }

    /// Puts a slot on the list, which is free now.
    #[inline]
    fn put(&mut self, index: u16) {
        self.set_link(index, self.free);
        self.free = index.wrapping_add(1);
        self.live -= 1;
    }

    #[inline]
    fn handle(&self, index: u16, generation: u32) -> Option<Handle> {
        let place = u32::from(index) << Self::TAG_BITS | u32::from(self.tag);
        NonZeroU32::new(generation << Self::GENERATION_SHIFT | place).map(Handle::from_bits)
    }

    /// Whether a handle has our tag.
    #[inline]
    fn is_ours(&self, handle: Handle) -> bool {
        (handle.to_bits().get() ^ u32::from(self.tag)) & ((1 << Self::TAG_BITS) - 1) == 0
    }

    /// A handle's index and generation.
    #[inline]
    fn parts(handle: Handle) -> (u16, u32) {
        let bits = handle.to_bits().get();
        let [low, high, ..] = (bits >> Self::TAG_BITS & ((1 << Self::INDEX_BITS) - 1)).to_le_bytes();
        (u16::from_le_bytes([low, high]), bits >> Self::GENERATION_SHIFT)
    }

    #[cold]
    fn refusal(&self, is_ours: bool, index: u16, generation: u32) -> AllocError {
        let newest = self.word(index).map_or(0, |word| word & GENERATION_MASK);
        if is_ours && generation != 0 && generation <= newest { AllocError::Stale } else { AllocError::Foreign }
    }

    #[inline]
    fn word(&self, index: u16) -> Option<u32> {
        let index = usize::from(index);
        Some(u32::from(*self.states.get(index)?) << u16::BITS | u32::from(*self.generations.get(index)?))
    }

    #[inline]
    fn state(&self, index: u16) -> Option<u32> {
        self.states.get(usize::from(index)).map(|state| u32::from(*state) << u16::BITS & RETIRED)
    }

    /// Changes the state, and leaves the generation.
    #[inline]
    fn set_state(&mut self, index: u16, state: u32) {
        let [_, _, all, _] = RETIRED.to_le_bytes();
        let [_, _, new, _] = state.to_le_bytes();
        if let Some(state) = self.states.get_mut(usize::from(index)) {
            *state = *state & !all | new;
        }
    }

    #[inline]
    fn link(&self, index: u16) -> Option<u16> {
        self.links.get(usize::from(index)).copied()
    }

    #[inline]
    fn set(&mut self, index: u16, word: u32, link: u16) {
        let [low, middle, high, _] = word.to_le_bytes();
        let at = usize::from(index);
        if let Some((generation, state)) = self.generations.get_mut(at).zip(self.states.get_mut(at)) {
            *generation = u16::from_le_bytes([low, middle]);
            *state = high;
        }
        self.set_link(index, link);
    }

    #[inline]
    fn set_link(&mut self, index: u16, link: u16) {
        if let Some(field) = self.links.get_mut(usize::from(index)) {
            *field = link;
        }
    }
}
