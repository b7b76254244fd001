//! Searches, a word at a time: for the first or last bit, for a long enough run, for all runs.

use crate::words::{WORD_BITS, Words};
use core::ops::Range;

/// What a search looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Set,
    Clear,
}

impl Wanted {
    #[inline]
    fn other(self) -> Self {
        match self {
            Wanted::Set => Wanted::Clear,
            Wanted::Clear => Wanted::Set,
        }
    }

    /// The word at `index` with the wanted bits as ones, and zeros beyond the end of the bitmap.
    #[inline]
    fn word_of<W: Words + ?Sized>(self, words: &W, index: usize) -> u64 {
        let first = index * WORD_BITS;
        let bits = words.bits();
        if first >= bits {
            return 0;
        }
        let word = words.word(index);
        let wanted = if self == Wanted::Set { word } else { !word };
        wanted & (u64::MAX >> (first + WORD_BITS).saturating_sub(bits))
    }
}

#[inline]
pub(crate) fn find_first<W: Words + ?Sized>(words: &W, wanted: Wanted, from: usize) -> Option<usize> {
    let bits = words.bits();
    if from >= bits {
        return None;
    }
    let mut index = from / WORD_BITS;
    let mut word = wanted.word_of(words, index) & (u64::MAX << (from % WORD_BITS));
    while word == 0 {
        index += 1;
        if index * WORD_BITS >= bits {
            return None;
        }
        word = wanted.word_of(words, index);
    }
    Some(index * WORD_BITS + word.trailing_zeros() as usize)
}

// Called for two columns, from several places: not to be copied there.
#[inline(never)]
pub(crate) fn find_last<W: Words + ?Sized>(words: &W, wanted: Wanted, before: usize) -> Option<usize> {
    let last = before.min(words.bits()).checked_sub(1)?;
    let mut index = last / WORD_BITS;
    let mut word = wanted.word_of(words, index) & (u64::MAX >> (WORD_BITS - 1 - last % WORD_BITS));
    while word == 0 {
        index = index.checked_sub(1)?;
        word = wanted.word_of(words, index);
    }
    Some(index * WORD_BITS + word.ilog2() as usize)
}

/// The lowest aligned start of `length` wanted bits, not below `from`.
#[inline]
pub(crate) fn find_run<W: Words + ?Sized>(words: &W, wanted: Wanted, from: usize, length: usize, align: usize) -> Option<usize> {
    debug_assert!(align.is_power_of_two(), "alignment is not a power of two");
    let start = from.checked_add(padding(from, align))?;
    if start.checked_add(length)? > words.bits() {
        return None;
    }
    match length {
        0 => Some(start),
        1..=WORD_BITS => find_short_run(words, wanted, start, length, align),
        _ => find_long_run(words, wanted, start, length, align),
    }
}

/// How far it is from `bit` to the next multiple of `align`: by mask, since dividing would cost
/// more than looking at a word.
#[inline]
fn padding(bit: usize, align: usize) -> usize {
    bit.wrapping_neg() & (align - 1)
}

/// A run that fits a word starts in one word and ends in it or in the next: look at two at a time,
/// and narrow by doubling shifts.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
fn find_short_run<W: Words + ?Sized>(words: &W, wanted: Wanted, from: usize, length: usize, align: usize) -> Option<usize> {
    let bits = words.bits();
    let aligned_starts = aligned_starts(align);
    let stride = (align / WORD_BITS).max(1);
    let mut index = from / WORD_BITS;
    let mut below = u64::MAX << (from % WORD_BITS);
    let mut low = wanted.word_of(words, index);
    while index * WORD_BITS < bits {
        let high = if low == 0 { 0 } else { wanted.word_of(words, index + 1) };
        let starts = run_starts(low, high, length) & below & aligned_starts;
        if starts != 0 {
            return Some(index * WORD_BITS + starts.trailing_zeros() as usize);
        }
        index += stride;
        below = u64::MAX;
        low = if low != 0 && stride == 1 { high } else { wanted.word_of(words, index) };
    }
    None
}

/// The bits of a word at which an aligned run may start; for alignments above a word, of those
/// words where one may start at all.
#[inline]
fn aligned_starts(align: usize) -> u64 {
    match align {
        1 => u64::MAX,
        2..WORD_BITS => u64::MAX / ((1 << align) - 1),
        _ => 1,
    }
}

/// The bits of `low` at which `length` ones start, going on into `high`.
#[inline]
fn run_starts(low: u64, high: u64, length: usize) -> u64 {
    let mut ones = u128::from(low) | (u128::from(high) << WORD_BITS);
    let mut narrowed = 1;
    while narrowed < length && ones != 0 {
        let shift = narrowed.min(length - narrowed);
        ones &= ones >> shift;
        narrowed += shift;
    }
    low_half(ones)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the upper half is dropped on purpose")]
fn low_half(pair: u128) -> u64 {
    pair as u64
}

/// A run longer than a word leaves its first word at the top, so each word has one candidate.
fn find_long_run<W: Words + ?Sized>(words: &W, wanted: Wanted, from: usize, length: usize, align: usize) -> Option<usize> {
    let bits = words.bits();
    let mut start = from;
    let mut index = start / WORD_BITS;
    let mut ignored = !(u64::MAX << (start % WORD_BITS));
    while start + length <= bits {
        let first = index * WORD_BITS;
        let others = !(wanted.word_of(words, index) | ignored);
        if others.trailing_zeros() as usize + first >= start + length {
            return Some(start);
        }
        index += 1;
        ignored = 0;
        if others != 0 {
            start = first + WORD_BITS - others.leading_zeros() as usize;
            start += padding(start, align);
            if start >= index * WORD_BITS {
                index = start / WORD_BITS;
                ignored = !(u64::MAX << (start % WORD_BITS));
            }
        }
    }
    None
}

/// The maximal runs of set or of clear bits, in order.
#[derive(Debug)]
pub struct Runs<'words, W: ?Sized> {
    words: &'words W,
    wanted: Wanted,
    from: usize,
}

impl<'words, W: Words + ?Sized> Runs<'words, W> {
    #[inline]
    pub(crate) fn new(words: &'words W, wanted: Wanted, from: usize) -> Self {
        Self { words, wanted, from }
    }
}

impl<W: Words + ?Sized> Iterator for Runs<'_, W> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        let start = find_first(self.words, self.wanted, self.from)?;
        let end = find_first(self.words, self.wanted.other(), start).unwrap_or(self.words.bits());
        self.from = end;
        Some(start..end)
    }
}
