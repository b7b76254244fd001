//! A chunk of small slots for emergencies: many of them in one mapping. Nothing here takes a lock.

use core::ptr::{NonNull, with_exposed_provenance_mut};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes of a chunk, and what it is aligned to.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;
/// Larger slots, and larger alignments, get a mapping of their own.
pub(crate) const CHUNK_SLOT_BYTES_MAX: usize = 4096;
const SLOT_BYTES_MIN: usize = 16;
const WORDS: usize = CHUNK_BYTES / SLOT_BYTES_MIN / u64::BITS as usize;

/// What a chunk begins with; its slots lie at multiples of their size from its start, behind this.
///
/// Invariant C1: `slot_bytes` is set before anybody else knows of the chunk; the thread that sets a
/// bit has the slot until that bit is cleared.
#[repr(C)]
pub(crate) struct Chunk {
    slot_bytes: AtomicUsize,
    taken: [AtomicU64; WORDS],
}

impl Chunk {
    /// The chunk that an address would lie in.
    pub(crate) const fn start_for(address: usize) -> usize {
        address & !(CHUNK_BYTES - 1)
    }

    /// # Safety
    /// A chunk starts at `start`, or [`CHUNK_BYTES`] of memory that read as zero and become one; it
    /// stays mapped.
    pub(crate) unsafe fn at<'chunk>(start: usize) -> &'chunk Chunk {
        // SAFETY: the caller's promise; zero is a valid state.
        unsafe { &*with_exposed_provenance_mut::<Chunk>(start) }
    }

    pub(crate) fn begin(&self, slot_bytes: usize) {
        self.slot_bytes.store(slot_bytes, Ordering::Relaxed);
    }

    pub(crate) fn slot_bytes(&self) -> usize {
        self.slot_bytes.load(Ordering::Relaxed)
    }

    /// A slot that belongs to no other thread until it is released.
    pub(crate) fn claim(&self) -> Option<NonNull<u8>> {
        let first = size_of::<Chunk>().div_ceil(self.slot_bytes());
        let slot = (first..CHUNK_BYTES / self.slot_bytes()).find(|slot| {
            let (word, bit) = self.place(*slot);
            word.load(Ordering::Relaxed) & bit == 0 && word.fetch_or(bit, Ordering::Acquire) & bit == 0
        })?;
        NonNull::new(with_exposed_provenance_mut(self.start() + slot * self.slot_bytes()))
    }

    /// Whether a thread has the slot at an address of the chunk.
    pub(crate) fn is_taken(&self, address: usize) -> bool {
        self.slot_at(address).is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Gives the slot at an address of the chunk back; false if no thread had one there.
    pub(crate) fn release(&self, address: usize) -> bool {
        self.slot_at(address).is_some_and(|(word, bit)| word.fetch_and(!bit, Ordering::Release) & bit != 0)
    }

    fn slot_at(&self, address: usize) -> Option<(&AtomicU64, u64)> {
        let offset = address - self.start();
        let slot = offset / self.slot_bytes();
        (slot * self.slot_bytes() == offset).then(|| self.place(slot))
    }

    fn place(&self, slot: usize) -> (&AtomicU64, u64) {
        (&self.taken[slot / u64::BITS as usize], 1 << (slot % u64::BITS as usize))
    }

    fn start(&self) -> usize {
        (&raw const *self).addr()
    }
}
