//! Memory as words. Not generic, so that it is compiled once, with this crate and for speed,
//! the thread that uses the allocator.

use core::ptr::NonNull;
use core::slice::{from_raw_parts, from_raw_parts_mut};

type Word = u64;
const WORDS_AT_ONCE: usize = 8;

/// Whether `bytes` bytes, in whole words, are all zero. (Looks at every one: what is almost always
/// clear is not worth a branch for each.)
///
/// # Safety
/// They may be read, and begin at a word.
pub(crate) unsafe fn is_clear(start: NonNull<u8>, bytes: usize) -> bool {
    // SAFETY: the caller's promise.
    let words = unsafe { from_raw_parts(start.cast::<Word>().as_ptr(), bytes / size_of::<Word>()) };
    let blocks = words.chunks_exact(WORDS_AT_ONCE);
    let rest = blocks.remainder();
    let mut sums = [0; WORDS_AT_ONCE];
    for block in blocks {
        for (sum, word) in sums.iter_mut().zip(block) {
            *sum |= word;
        }
    }
    sums.iter().chain(rest).fold(0, |sum, word| sum | word) == 0
}

/// The words before `end` that hold `bytes` bytes; and which bits of the first are not theirs, if
/// it is not whole.
///
/// # Safety
/// `end` is that of a word, and the words that the bytes lie in are the caller's.
unsafe fn words_before(end: NonNull<u8>, bytes: usize) -> (NonNull<Word>, usize, Word) {
    let words = bytes.div_ceil(size_of::<Word>());
    let foreign = words * size_of::<Word>() - bytes;
    // SAFETY: the caller's promise.
    let first = unsafe { end.cast::<Word>().sub(words) };
    (first, words, ((1 << (foreign * 8)) - 1_u64).to_le())
}

/// Writes `pattern` over the `bytes` bytes before `end`.
///
/// # Safety
/// `end` is that of a word, and the words that the bytes lie in are the caller's.
pub(crate) unsafe fn fill_before(end: NonNull<u8>, bytes: usize, pattern: Word) {
    // SAFETY: the caller's promise.
    let (first, words, foreign) = unsafe { words_before(end, bytes) };
    // SAFETY: as above.
    let filled = unsafe { from_raw_parts_mut(first.as_ptr(), words) };
    let kept = filled.first().map_or(0, |word| word & foreign);
    filled.fill(pattern);
    if let Some(word) = filled.first_mut() {
        *word = *word & !foreign | kept;
    }
}

/// Whether [`fill_before`] was the last to write there.
///
/// # Safety
/// As there.
pub(crate) unsafe fn is_filled_before(end: NonNull<u8>, bytes: usize, pattern: Word) -> bool {
    // SAFETY: the caller's promise.
    let (first, words, foreign) = unsafe { words_before(end, bytes) };
    // SAFETY: as above.
    let filled = unsafe { from_raw_parts(first.as_ptr(), words) };
    filled.split_first().is_none_or(|(first, rest)| {
        rest.iter().fold((first ^ pattern) & !foreign, |changed, word| changed | (word ^ pattern)) == 0
    })
}

#[cfg(test)]
mod tests {
    use core::ptr::NonNull;

    use super::{fill_before, is_clear, is_filled_before};

    const PATTERN: u64 = 0xa5a5_a5a5_a5a5_a5a5;

    #[test]
    fn filled_bytes_are_those_and_a_change_to_any_is_seen() {
        for bytes in 0..=64 {
            let mut memory = [0_u64; 8];
            let [_, .., last] = &mut memory;
            // SAFETY: the array's end.
            let end = unsafe { NonNull::from_mut(last).add(1) }.cast();
            // SAFETY: within the array.
            unsafe { fill_before(end, bytes, PATTERN) };
            for at in 0..64 {
                let (word, bit) = (at / 8, 1 << (at % 8 * 8));
                assert_eq!(memory[word].to_le() & (bit * 0xff) != 0, at >= 64 - bytes, "{bytes} bytes, byte {at}");
                memory[word] ^= u64::from_le(bit);
                // SAFETY: within the array.
                let is_filled = unsafe { is_filled_before(end, bytes, PATTERN) };
                assert_eq!(is_filled, at < 64 - bytes, "{bytes} bytes, byte {at}");
                memory[word] ^= u64::from_le(bit);
            }
        }
    }

    #[test]
    fn a_bit_anywhere_is_seen_and_none_beyond_the_end() {
        for words in 0..40 {
            for set in 0..40 {
                let mut memory = [0_u64; 40];
                memory[set] = 1 << (set % 64);
                // SAFETY: it is an array of words.
                let clear = unsafe { is_clear(NonNull::from_mut(&mut memory).cast(), words * size_of::<u64>()) };
                assert_eq!(clear, set >= words, "{words} words, word {set}");
            }
        }
    }
}
