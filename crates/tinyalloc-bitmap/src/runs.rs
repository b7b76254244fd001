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
    if length == 0 { Some(start) } else { find_ones(words, wanted, start, length, align) }
}

/// How far it is from `bit` to the next multiple of `align`: by mask, since dividing would cost
/// more than looking at a word.
#[inline]
fn padding(bit: usize, align: usize) -> usize {
    bit.wrapping_neg() & (align - 1)
}

/// A run begins in a word and ends there, found by doubling shifts, or it leaves the word at the
/// top: of those, a word has one.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
fn find_ones<W: Words + ?Sized>(words: &W, wanted: Wanted, from: usize, length: usize, align: usize) -> Option<usize> {
    let bits = words.bits();
    let aligned_starts = aligned_starts(align);
    let mut first = from / WORD_BITS * WORD_BITS;
    let mut ignored = !(u64::MAX << (from % WORD_BITS));
    // Where it would begin if it reached `first` from below.
    let mut start = first;
    while start + length <= bits {
        let word = wanted.word_of(words, first / WORD_BITS) & !ignored;
        ignored = 0;
        if start + length <= first + word.trailing_ones() as usize {
            return Some(start);
        }
        let next = first + WORD_BITS;
        if word != u64::MAX {
            let starts = run_starts(word, length) & aligned_starts;
            if starts != 0 {
                return Some(first + starts.trailing_zeros() as usize);
            }
            start = next - word.leading_ones() as usize;
            start += padding(start, align);
        }
        first = next;
    }
    None
}

/// The bits of a word at which an aligned run may start; for alignments from a word on, that is at
/// most its first, where runs that reach the word from below are looked for.
#[inline]
fn aligned_starts(align: usize) -> u64 {
    match align {
        1 => u64::MAX,
        2..WORD_BITS => u64::MAX / ((1 << align) - 1),
        _ => 0,
    }
}

/// The bits of a word, not all ones, at which `length` ones start.
#[inline]
fn run_starts(word: u64, length: usize) -> u64 {
    if length >= WORD_BITS {
        return 0;
    }
    let mut ones = word;
    let mut narrowed = 1;
    while narrowed < length && ones != 0 {
        let shift = narrowed.min(length - narrowed);
        ones &= ones >> shift;
        narrowed += shift;
    }
    ones
}

/// The lowest start of `length` wanted bits from `from` on and below `end`, which is a multiple of
/// words, or how long the longest run that starts there is.
#[inline(never)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub(crate) fn find_run_below<W: Words + ?Sized>(
    words: &W,
    wanted: Wanted,
    from: usize,
    end: usize,
    length: usize,
) -> Result<usize, usize> {
    debug_assert!(end % WORD_BITS == 0 && length > 0, "an end within a word, or no run");
    let mut longest = 0;
    let mut first = from / WORD_BITS * WORD_BITS;
    let mut ignored = !(u64::MAX << (from % WORD_BITS));
    let mut start = first;
    while start < end {
        let word = wanted.word_of(words, first / WORD_BITS) & !ignored;
        ignored = 0;
        // Most words of a sparse bitmap.
        if word == 0 && start == first {
            first += WORD_BITS;
            start = first;
            continue;
        }
        let reached = first + word.trailing_ones() as usize - start;
        if reached >= length {
            return Ok(start);
        }
        longest = longest.max(reached);
        if word != u64::MAX {
            if first >= end {
                break;
            }
            // The run at the top may go on in the next word, and is measured there.
            let top = word.leading_ones();
            let mut starts = run_starts(word & (u64::MAX >> top), longest + 1);
            while starts != 0 {
                longest += 1;
                if longest == length {
                    return Ok(first + starts.trailing_zeros() as usize);
                }
                starts &= starts >> 1;
            }
            start = first + WORD_BITS - top as usize;
        }
        first += WORD_BITS;
    }
    Err(longest)
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
