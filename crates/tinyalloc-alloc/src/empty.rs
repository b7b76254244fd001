//! Blocks of no bytes: addresses that are nobody else's, in a range where every access faults.

use core::ptr::{NonNull, null_mut, with_exposed_provenance_mut};
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use crate::class::SLOT_ALIGN;

/// A million of them, or fewer in a limited address space; whoever wants more gets a slot.
const RANGE_BYTES_MAX: usize = 1 << 24;
const RANGE_BYTES_MIN: usize = 1 << 16;
const ADDRESS_SPACE_PART: usize = 1024;
/// How many words a search looks at.
const WORDS_ASKED: usize = 64;
const PER_WORD: usize = u64::BITS as usize;

/// What is wrong with freeing an address of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmptyMistake {
    /// It lies inside a block's address.
    Inside,
    /// No block is there.
    Free,
}

/// Invariant E1: once `bytes` is set, `taken` points at a bit for every address, mapped for good. No lock is taken but to begin.
pub(crate) struct EmptyBlocks {
    start: AtomicUsize,
    bytes: AtomicUsize,
    taken: AtomicPtr<AtomicU64>,
    next: AtomicUsize,
}

impl EmptyBlocks {
    pub(crate) const fn new() -> EmptyBlocks {
        EmptyBlocks {
            start: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            taken: AtomicPtr::new(null_mut()),
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start.load(Ordering::Relaxed)) < self.bytes.load(Ordering::Acquire)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.bytes.load(Ordering::Acquire) > 0
    }

    /// Reserves the range. The lock of the space is held.
    pub(crate) fn begin<M: Mapper>(&self, mapper: &M) -> Option<()> {
        if self.has_begun() {
            return Some(());
        }
        let page_bytes = mapper.page_bytes();
        let wish = (mapper.address_space_bytes() / ADDRESS_SPACE_PART).clamp(RANGE_BYTES_MIN, RANGE_BYTES_MAX);
        let bytes = wish.next_multiple_of(page_bytes * SLOT_ALIGN);
        let bits_bytes = (bytes / SLOT_ALIGN / u8::BITS as usize).next_multiple_of(page_bytes);
        let taken = mapper.map(bits_bytes, page_bytes).ok()?;
        let Ok(start) = mapper.reserve(bytes, page_bytes) else {
            // SAFETY: nobody knows of it.
            let _ = unsafe { mapper.release(taken, bits_bytes) };
            return None;
        };
        self.taken.store(taken.as_ptr().cast(), Ordering::Relaxed);
        self.start.store(start.as_ptr().expose_provenance(), Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Release);
        Some(())
    }

    /// An address that is nobody else's until it is freed.
    pub(crate) fn allocate(&self) -> Option<NonNull<u8>> {
        let words = self.bytes.load(Ordering::Acquire) / SLOT_ALIGN / PER_WORD;
        let first = self.next.load(Ordering::Relaxed);
        let (word, bit) = (0..WORDS_ASKED.min(words)).find_map(|step| {
            let word = (first + step) % words;
            Some((word, self.claim(word)?))
        })?;
        self.next.store(word, Ordering::Relaxed);
        let address = self.start.load(Ordering::Relaxed) + (word * PER_WORD + bit) * SLOT_ALIGN;
        NonNull::new(with_exposed_provenance_mut(address))
    }

    fn claim(&self, word: usize) -> Option<usize> {
        let taken = self.word(word);
        let mut bits = taken.load(Ordering::Relaxed);
        while bits != u64::MAX {
            let bit = bits.trailing_ones();
            match taken.compare_exchange_weak(bits, bits | 1 << bit, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(bit as usize),
                Err(now) => bits = now,
            }
        }
        None
    }

    /// Gives an address of the range back.
    pub(crate) fn free(&self, address: usize) -> Result<(), EmptyMistake> {
        let (word, mask) = self.place(address)?;
        let before = self.word(word).fetch_and(!mask, Ordering::Release);
        self.next.store(word, Ordering::Relaxed);
        if before & mask != 0 { Ok(()) } else { Err(EmptyMistake::Free) }
    }

    /// Whether a block is there.
    pub(crate) fn look_up(&self, address: usize) -> Result<(), EmptyMistake> {
        let (word, mask) = self.place(address)?;
        if self.word(word).load(Ordering::Relaxed) & mask != 0 { Ok(()) } else { Err(EmptyMistake::Free) }
    }

    fn place(&self, address: usize) -> Result<(usize, u64), EmptyMistake> {
        let offset = address - self.start.load(Ordering::Relaxed);
        if !offset.is_multiple_of(SLOT_ALIGN) {
            return Err(EmptyMistake::Inside);
        }
        let index = offset / SLOT_ALIGN;
        Ok((index / PER_WORD, 1 << (index % PER_WORD)))
    }

    fn word(&self, word: usize) -> &AtomicU64 {
        // SAFETY: E1; callers name words of the range.
        let word = unsafe { self.taken.load(Ordering::Relaxed).add(word) };
        // SAFETY: as above; zero is a valid state.
        unsafe { &*word }
    }
}
