//! A bitmap over borrowed words.

use crate::bit_word::BitWord;
use crate::words::{WORD_BITS, Words};

/// A bitmap over borrowed words, of as many bits as asked for.
///
/// Its own [`BitSlice::set`], [`BitSlice::clear`] and [`BitSlice::flip`] return the bit as it was
/// before; over atomic words every change is atomic for each word it touches, so threads may share
/// it.
#[derive(Debug)]
pub struct BitSlice<'words, W> {
    words: &'words [W],
    bits: usize,
}

impl<W> Clone for BitSlice<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for BitSlice<'_, W> {}

impl<'words, W: BitWord> BitSlice<'words, W> {
    /// The first `bits` bits of `words`; `None` when there are fewer.
    #[must_use]
    pub const fn new(words: &'words [W], bits: usize) -> Option<Self> {
        if bits.div_ceil(W::BITS) <= words.len() { Some(Self { words, bits }) } else { None }
    }

    /// All bits of `words`.
    #[inline]
    #[must_use]
    pub const fn whole(words: &'words [W]) -> Self {
        Self { words, bits: words.len() * W::BITS }
    }

    /// Whether the bit is set.
    ///
    /// # Panics
    /// When `bit` is beyond the words.
    #[inline]
    #[must_use]
    pub fn get(&self, bit: usize) -> bool {
        self.words[bit / W::BITS].load() & mask_of::<W>(bit) != 0
    }

    /// Sets the bit; returns whether it was set before.
    ///
    /// # Panics
    /// When `bit` is beyond the words.
    #[inline]
    pub fn set(&self, bit: usize) -> bool {
        debug_assert!(bit < self.bits, "bit beyond the bitmap");
        self.words[bit / W::BITS].fetch_or(mask_of::<W>(bit)) & mask_of::<W>(bit) != 0
    }

    /// Clears the bit; returns whether it was set before.
    ///
    /// # Panics
    /// When `bit` is beyond the words.
    #[inline]
    pub fn clear(&self, bit: usize) -> bool {
        debug_assert!(bit < self.bits, "bit beyond the bitmap");
        self.words[bit / W::BITS].fetch_and(!mask_of::<W>(bit)) & mask_of::<W>(bit) != 0
    }

    /// Sets a clear bit and clears a set one; returns whether it was set before.
    ///
    /// # Panics
    /// When `bit` is beyond the words.
    #[inline]
    pub fn flip(&self, bit: usize) -> bool {
        debug_assert!(bit < self.bits, "bit beyond the bitmap");
        self.words[bit / W::BITS].fetch_xor(mask_of::<W>(bit)) & mask_of::<W>(bit) != 0
    }

    /// Finds the first clear bit and sets it, in one atomic step for atomic words: no two threads
    /// are given the same bit.
    #[inline]
    #[must_use]
    pub fn claim_first_clear(&self) -> Option<usize> {
        let mut words = self.words.iter().take(self.bits.div_ceil(W::BITS)).enumerate();
        words.find_map(|(index, word)| {
            let first = index * W::BITS;
            let valid = W::BITS.min(self.bits - first);
            claim_in_word(word, u64::MAX >> (WORD_BITS - valid)).map(|bit| first + bit)
        })
    }

    /// The words that hold bits `64 * index` and on, each with how far its value is shifted in that
    /// word.
    #[inline]
    fn parts(&self, index: usize) -> impl Iterator<Item = (&'words W, usize)> {
        let per_word = WORD_BITS / W::BITS;
        let words = self.words;
        let parts = (index * per_word).min(words.len())..((index + 1) * per_word).min(words.len());
        parts.map(move |part| (&words[part], part % per_word * W::BITS))
    }
}

impl<W: BitWord> Words for BitSlice<'_, W> {
    #[inline]
    fn bits(&self) -> usize {
        self.bits
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self.parts(index).fold(0, |word, (part, shift)| word | (part.load() << shift))
    }

    #[inline]
    fn set_word(&self, index: usize, word: u64) {
        self.parts(index).for_each(|(part, shift)| part.store(word >> shift));
    }

    #[inline]
    fn or_word(&self, index: usize, mask: u64) {
        let parts = self.parts(index).filter(|(_, shift)| part_of::<W>(mask, *shift) != 0);
        parts.for_each(|(part, shift)| _ = part.fetch_or(mask >> shift));
    }

    #[inline]
    fn and_word(&self, index: usize, mask: u64) {
        let parts = self.parts(index).filter(|(_, shift)| part_of::<W>(!mask, *shift) != 0);
        parts.for_each(|(part, shift)| _ = part.fetch_and(mask >> shift));
    }

    #[inline]
    fn xor_word(&self, index: usize, mask: u64) {
        let parts = self.parts(index).filter(|(_, shift)| part_of::<W>(mask, *shift) != 0);
        parts.for_each(|(part, shift)| _ = part.fetch_xor(mask >> shift));
    }
}

#[inline]
fn mask_of<W: BitWord>(bit: usize) -> u64 {
    1 << (bit % W::BITS)
}

#[inline]
fn part_of<W: BitWord>(word: u64, shift: usize) -> u64 {
    (word >> shift) & (u64::MAX >> (WORD_BITS - W::BITS))
}

#[inline]
fn claim_in_word<W: BitWord>(word: &W, valid: u64) -> Option<usize> {
    let mut value = word.load();
    loop {
        let clear = !value & valid;
        if clear == 0 {
            return None;
        }
        let lowest = clear & clear.wrapping_neg();
        match word.compare_exchange(value, value | lowest) {
            Ok(_) => return Some(lowest.trailing_zeros() as usize),
            Err(now) => value = now,
        }
    }
}
