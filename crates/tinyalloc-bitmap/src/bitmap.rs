//! A bitmap that owns its words.

use crate::bit_slice::BitSlice;
use crate::bit_word::BitWord;
use crate::words::Words;

/// A bitmap of `WORDS` words of type `W`, in place; all-zero bytes are a bitmap with every bit
/// clear.
#[derive(Debug)]
#[repr(transparent)]
pub struct Bitmap<W, const WORDS: usize> {
    words: [W; WORDS],
}

impl<W: BitWord, const WORDS: usize> Bitmap<W, WORDS> {
    /// Bits of the bitmap.
    pub const BITS: usize = WORDS * W::BITS;

    /// A bitmap with every bit clear.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: [const { W::ZERO }; WORDS] }
    }

    /// All of it, borrowed.
    #[inline]
    #[must_use]
    pub const fn as_slice(&self) -> BitSlice<'_, W> {
        BitSlice::whole(&self.words)
    }

    /// Whether the bit is set.
    ///
    /// # Panics
    /// When `bit` is not below [`Bitmap::BITS`].
    #[inline]
    #[must_use]
    pub fn get(&self, bit: usize) -> bool {
        self.as_slice().get(bit)
    }

    /// Sets the bit; returns whether it was set before.
    ///
    /// # Panics
    /// When `bit` is not below [`Bitmap::BITS`].
    #[inline]
    pub fn set(&self, bit: usize) -> bool {
        self.as_slice().set(bit)
    }

    /// Clears the bit; returns whether it was set before.
    ///
    /// # Panics
    /// When `bit` is not below [`Bitmap::BITS`].
    #[inline]
    pub fn clear(&self, bit: usize) -> bool {
        self.as_slice().clear(bit)
    }

    /// Sets a clear bit and clears a set one; returns whether it was set before.
    ///
    /// # Panics
    /// When `bit` is not below [`Bitmap::BITS`].
    #[inline]
    pub fn flip(&self, bit: usize) -> bool {
        self.as_slice().flip(bit)
    }

    /// Finds the first clear bit and sets it, in one atomic step for atomic words: no two threads
    /// are given the same bit.
    #[inline]
    #[must_use]
    pub fn claim_first_clear(&self) -> Option<usize> {
        self.as_slice().claim_first_clear()
    }
}

impl<W: BitWord, const WORDS: usize> Default for Bitmap<W, WORDS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: BitWord, const WORDS: usize> Words for Bitmap<W, WORDS> {
    #[inline]
    fn bits(&self) -> usize {
        Self::BITS
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self.as_slice().word(index)
    }

    #[inline]
    fn set_word(&self, index: usize, word: u64) {
        self.as_slice().set_word(index, word);
    }

    #[inline]
    fn or_word(&self, index: usize, mask: u64) {
        self.as_slice().or_word(index, mask);
    }

    #[inline]
    fn and_word(&self, index: usize, mask: u64) {
        self.as_slice().and_word(index, mask);
    }

    #[inline]
    fn xor_word(&self, index: usize, mask: u64) {
        self.as_slice().xor_word(index, mask);
    }
}
