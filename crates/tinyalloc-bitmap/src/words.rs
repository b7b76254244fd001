//! Where bits live: numbered words of 64 bits.

/// Bits of one word as [`Words`] hands it out.
pub(crate) const WORD_BITS: usize = u64::BITS as usize;

/// A source of bit words: strided views over other records can implement it.
///
/// Bit `n` is bit `n % 64` of word `n / 64`. Bits of the last word beyond [`Words::bits`] may read
/// as anything and are never relied on.
pub trait Words {
    /// How many bits are valid.
    fn bits(&self) -> usize;

    /// The word at `index`, below `bits().div_ceil(64)`.
    fn word(&self, index: usize) -> u64;

    /// Replaces the word at `index`. Implementors hold `Cell`s or atomics.
    fn set_word(&self, index: usize, word: u64);

    /// Sets the bits of `mask` in the word at `index`. Atomic words override it, so that other bits
    /// of the word are not disturbed.
    #[inline]
    fn or_word(&self, index: usize, mask: u64) {
        self.set_word(index, self.word(index) | mask);
    }

    /// Keeps only the bits of `mask` in the word at `index`. Atomic words override it.
    #[inline]
    fn and_word(&self, index: usize, mask: u64) {
        self.set_word(index, self.word(index) & mask);
    }

    /// Flips the bits of `mask` in the word at `index`. Atomic words override it.
    #[inline]
    fn xor_word(&self, index: usize, mask: u64) {
        self.set_word(index, self.word(index) ^ mask);
    }
}
