//! Zero-size allocations: addresses that belong to no other block, in a range where every access
//! faults.

use core::ptr::{NonNull, null_mut, with_exposed_provenance_mut};
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use crate::config::names::MappingName;
use crate::config::policy::{ZERO_SIZE_ADDRESS_SPACE_PART, ZERO_SIZE_RANGE_BYTES_MAX, ZERO_SIZE_RANGE_BYTES_MIN};
use crate::span::class::SLOT_ALIGN;
use crate::support::fields::{Field, fields};

/// How many words a search looks at.
const WORDS_ASKED: usize = 64;
const PER_WORD: usize = u64::BITS as usize;

/// What is wrong with freeing an address of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZeroSizeMistake {
    /// It lies inside a block's address.
    Inside,
    /// No block is there.
    Free,
}

/// Invariant E1: once `bytes` is set, `taken` points at a bit for every address, mapped for good.
/// No lock is taken but to begin.
pub(crate) struct ZeroSizeBlocks {
    start: AtomicUsize,
    bytes: AtomicUsize,
    taken: AtomicPtr<AtomicU64>,
    next: AtomicUsize,
}

impl ZeroSizeBlocks {
    pub(crate) const fn new() -> ZeroSizeBlocks {
        ZeroSizeBlocks {
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
        let wish = (mapper.address_space_bytes() / ZERO_SIZE_ADDRESS_SPACE_PART)
            .clamp(ZERO_SIZE_RANGE_BYTES_MIN, ZERO_SIZE_RANGE_BYTES_MAX);
        let bytes = wish.next_multiple_of(page_bytes * SLOT_ALIGN);
        let bits_bytes = mapper.page_ceiling(bytes / SLOT_ALIGN / u8::BITS as usize);
        let taken = mapper.map(bits_bytes, page_bytes).ok()?;
        let Ok(start) = mapper.reserve(bytes, page_bytes) else {
            // SAFETY: no other code knows it.
            let _ = unsafe { mapper.release(taken, bits_bytes) };
            return None;
        };
        MappingName::Metadata.give(mapper, taken, bits_bytes);
        self.taken.store(taken.as_ptr().cast(), Ordering::Relaxed);
        self.start.store(start.as_ptr().expose_provenance(), Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Release);
        Some(())
    }

    /// An address aligned to `align`, a power of two up to a page, that belongs to no other block
    /// until it is freed.
    pub(crate) fn allocate(&self, align: usize) -> Option<NonNull<u8>> {
        let words = self.bytes.load(Ordering::Acquire) / SLOT_ALIGN / PER_WORD;
        let (stride, bits) = aligned_bits(align);
        let first = self.next.load(Ordering::Relaxed).next_multiple_of(stride);
        let (word, bit) = (0..WORDS_ASKED.min(words / stride)).find_map(|step| {
            let word = (first + step * stride) % words;
            Some((word, self.claim(word, bits)?))
        })?;
        self.next.store(word, Ordering::Relaxed);
        let address = self.start.load(Ordering::Relaxed) + (word * PER_WORD + bit) * SLOT_ALIGN;
        NonNull::new(with_exposed_provenance_mut(address))
    }

    /// Takes the first free one of some bits of a word.
    fn claim(&self, word: usize, bits: u64) -> Option<usize> {
        let taken = self.word(word);
        let mut now = taken.load(Ordering::Relaxed);
        while bits & !now != 0 {
            let bit = (bits & !now).trailing_zeros();
            match taken.compare_exchange_weak(now, now | 1 << bit, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(bit as usize),
                Err(changed) => now = changed,
            }
        }
        None
    }

    /// Frees an address of the range.
    pub(crate) fn free(&self, address: usize) -> Result<(), ZeroSizeMistake> {
        let (word, mask) = self.place(address)?;
        let before = self.word(word).fetch_and(!mask, Ordering::Release);
        self.next.store(word, Ordering::Relaxed);
        if before & mask != 0 { Ok(()) } else { Err(ZeroSizeMistake::Free) }
    }

    /// Whether a block is there.
    pub(crate) fn look_up(&self, address: usize) -> Result<(), ZeroSizeMistake> {
        let (word, mask) = self.place(address)?;
        if self.word(word).load(Ordering::Relaxed) & mask != 0 { Ok(()) } else { Err(ZeroSizeMistake::Free) }
    }

    fn place(&self, address: usize) -> Result<(usize, u64), ZeroSizeMistake> {
        let offset = address - self.start.load(Ordering::Relaxed);
        if offset % SLOT_ALIGN != 0 {
            return Err(ZeroSizeMistake::Inside);
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

/// Which words have an address aligned to `align`, one in so many, and which bits of them stand for
/// one.
const fn aligned_bits(align: usize) -> (usize, u64) {
    if align > PER_WORD * SLOT_ALIGN {
        return (align / (PER_WORD * SLOT_ALIGN), 1);
    }
    let step = if align > SLOT_ALIGN { align / SLOT_ALIGN } else { 1 };
    // Ones that are `step` apart: all ones, divided by as many of them as `step`.
    (1, u64::MAX / (u64::MAX >> (PER_WORD - step)))
}

impl ZeroSizeBlocks {
    /// For debuggers.
    pub(crate) const FIELDS: &'static [Field] = fields!("zero_size", ZeroSizeBlocks: start bytes taken);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tinyalloc_sys::{Mapper, SystemMapper};

    use super::{ZERO_SIZE_RANGE_BYTES_MAX, ZeroSizeBlocks, ZeroSizeMistake};
    use crate::span::class::SLOT_ALIGN;

    fn begun() -> ZeroSizeBlocks {
        let blocks = ZeroSizeBlocks::new();
        blocks.begin(&SystemMapper::new()).expect("there are addresses");
        blocks
    }

    fn take(blocks: &ZeroSizeBlocks, align: usize) -> Option<usize> {
        blocks.allocate(align).map(|start| start.as_ptr().addr())
    }

    #[test]
    fn addresses_are_aligned_and_unique_in_any_order_of_alignments() {
        let blocks = begun();
        let page_bytes = SystemMapper::new().page_bytes();
        let aligns = (0..=page_bytes.ilog2()).map(|shift| 1usize << shift);
        let mut taken = BTreeSet::new();
        for round in 0..50 {
            for align in aligns.clone().chain(aligns.clone().rev()) {
                let address = take(&blocks, align).expect("there are more");
                assert!(address % align.max(SLOT_ALIGN) == 0 && blocks.contains(address), "{align}");
                assert!(taken.insert(address), "{address:#x} in round {round}");
                assert_eq!(blocks.look_up(address), Ok(()));
            }
        }
        for address in taken {
            assert_eq!(blocks.free(address), Ok(()));
            assert_eq!(blocks.free(address), Err(ZeroSizeMistake::Free));
        }
    }

    #[test]
    fn every_address_of_an_alignment_can_be_had() {
        let page_bytes = SystemMapper::new().page_bytes();
        for align in [page_bytes, 2048, 1024, 256] {
            let blocks = begun();
            let all: BTreeSet<_> = (0..ZERO_SIZE_RANGE_BYTES_MAX / align).map_while(|_| take(&blocks, align)).collect();
            assert_eq!(all.len(), ZERO_SIZE_RANGE_BYTES_MAX / align);
            assert_eq!(take(&blocks, align), None, "all are taken");
            let first = *all.first().expect("one at least");
            assert!(take(&blocks, SLOT_ALIGN).is_some(), "others lie between");
            assert_eq!(blocks.free(first), Ok(()));
            assert_eq!(take(&blocks, align), Some(first));
        }
    }
}
