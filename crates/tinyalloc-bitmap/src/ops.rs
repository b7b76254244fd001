//! What can be asked of any bitmap.

use crate::runs::{Runs, Wanted, find_first, find_last, find_run, find_run_below};
use crate::words::{WORD_BITS, Words};
use core::ops::Range;

/// Questions and changes, for every [`Words`].
///
/// Bits are numbered from 0 and ranges are half-open; a bit or a range beyond [`Words::bits`] is
/// the caller's bug, asserted in debug builds.
pub trait BitmapOps: Words {
    /// Whether the bit is set.
    #[inline]
    fn get(&self, bit: usize) -> bool {
        debug_assert!(bit < self.bits(), "bit beyond the bitmap");
        self.word(bit / WORD_BITS) & mask_of(bit) != 0
    }

    /// Sets the bit.
    #[inline]
    fn set(&self, bit: usize) {
        debug_assert!(bit < self.bits(), "bit beyond the bitmap");
        self.or_word(bit / WORD_BITS, mask_of(bit));
    }

    /// Clears the bit.
    #[inline]
    fn clear(&self, bit: usize) {
        debug_assert!(bit < self.bits(), "bit beyond the bitmap");
        self.and_word(bit / WORD_BITS, !mask_of(bit));
    }

    /// Sets a clear bit and clears a set one.
    #[inline]
    fn flip(&self, bit: usize) {
        debug_assert!(bit < self.bits(), "bit beyond the bitmap");
        self.xor_word(bit / WORD_BITS, mask_of(bit));
    }

    /// Sets every bit of the range.
    #[inline(never)]
    fn set_range(&self, range: Range<usize>) {
        masks(self.bits(), range).for_each(|(index, mask)| self.or_word(index, mask));
    }

    /// Clears every bit of the range.
    #[inline(never)]
    fn clear_range(&self, range: Range<usize>) {
        masks(self.bits(), range).for_each(|(index, mask)| self.and_word(index, !mask));
    }

    /// How many bits of the range are set.
    #[inline(never)]
    fn count_set(&self, range: Range<usize>) -> usize {
        let mut set = 0;
        for (index, mask) in masks(self.bits(), range) {
            set += (self.word(index) & mask).count_ones() as usize;
        }
        set
    }

    /// Whether every bit of the range is set; true of an empty range.
    #[inline]
    fn all_set(&self, range: Range<usize>) -> bool {
        masks(self.bits(), range).all(|(index, mask)| !self.word(index) & mask == 0)
    }

    /// Whether every bit of the range is clear; true of an empty range.
    #[inline(never)]
    fn all_clear(&self, range: Range<usize>) -> bool {
        masks(self.bits(), range).all(|(index, mask)| self.word(index) & mask == 0)
    }

    /// The lowest set bit that is not below `from`.
    #[inline]
    fn find_first_set(&self, from: usize) -> Option<usize> {
        find_first(self, Wanted::Set, from)
    }

    /// The lowest clear bit that is not below `from`.
    #[inline]
    fn find_first_clear(&self, from: usize) -> Option<usize> {
        find_first(self, Wanted::Clear, from)
    }

    /// The highest set bit below `before`.
    #[inline]
    fn find_last_set(&self, before: usize) -> Option<usize> {
        find_last(self, Wanted::Set, before)
    }

    /// The highest clear bit below `before`.
    #[inline]
    fn find_last_clear(&self, before: usize) -> Option<usize> {
        find_last(self, Wanted::Clear, before)
    }

    /// The length of the run of clear bits that ends where the bitmap ends.
    #[inline]
    fn trailing_clear_run(&self) -> usize {
        let bits = self.bits();
        self.find_last_set(bits).map_or(bits, |last| bits - last - 1)
    }

    /// The lowest start, not below `from` and a multiple of `align` (a power of two), of `length`
    /// clear bits.
    #[inline]
    fn find_clear_run(&self, from: usize, length: usize, align: usize) -> Option<usize> {
        find_run(self, Wanted::Clear, from, length, align)
    }

    /// The lowest start, not below `from` and a multiple of `align` (a power of two), of `length`
    /// set bits.
    #[inline]
    fn find_set_run(&self, from: usize, length: usize, align: usize) -> Option<usize> {
        find_run(self, Wanted::Set, from, length, align)
    }

    /// The lowest start, not below `from` but below `end` (a multiple of 64), of `length` clear
    /// bits, more than none, wherever they end.
    ///
    /// # Errors
    /// The length of the longest run that starts there.
    #[inline]
    fn find_clear_run_below(&self, from: usize, end: usize, length: usize) -> Result<usize, usize> {
        find_run_below(self, Wanted::Clear, from, end, length)
    }

    /// The lowest start, not below `from` but below `end` (a multiple of 64), of `length` set bits,
    /// more than none, wherever they end.
    ///
    /// # Errors
    /// The length of the longest run that starts there.
    #[inline]
    fn find_set_run_below(&self, from: usize, end: usize, length: usize) -> Result<usize, usize> {
        find_run_below(self, Wanted::Set, from, end, length)
    }

    /// The maximal runs of set bits, from bit `from` on, in order; the first is cut at `from`.
    #[inline]
    fn set_runs(&self, from: usize) -> Runs<'_, Self> {
        Runs::new(self, Wanted::Set, from)
    }

    /// The maximal runs of clear bits, from bit `from` on, in order; the first is cut at `from`.
    #[inline]
    fn clear_runs(&self, from: usize) -> Runs<'_, Self> {
        Runs::new(self, Wanted::Clear, from)
    }
}

impl<W: Words + ?Sized> BitmapOps for W {}

#[inline]
fn mask_of(bit: usize) -> u64 {
    1 << (bit % WORD_BITS)
}

/// The words that a range touches, each with the mask of the range's bits in it.
#[inline]
fn masks(bits: usize, range: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    debug_assert!(range.start <= range.end && range.end <= bits, "range beyond the bitmap");
    let words = if range.is_empty() { 0..0 } else { range.start / WORD_BITS..range.end.div_ceil(WORD_BITS) };
    words.map(move |index| {
        let first = index * WORD_BITS;
        let above_start = u64::MAX << range.start.saturating_sub(first);
        let below_end = u64::MAX >> (first + WORD_BITS).saturating_sub(range.end);
        (index, above_start & below_end)
    })
}
