//! Rules that were computed before. What a table says of a return address takes 2,000 instructions
//! to read; most of it is a frame's size, and where it saved a few registers.
//!
//! Threads write to the cache without a lock. An entry holds its address combined with all of its
//! words, so that one that two threads wrote to at once is none. Rules of a library that was
//! unloaded since differ by its tables; and what rules lead to is looked at with the same care
//! whether they come from here or from a table.

use core::iter::once;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use tinyalloc_sys::{Mapper, PosixMapper};

use super::registers::{COUNT, KEPT};
use super::rules::{FrameStart, Rule, Rules};

const ENTRIES: usize = 512;
const PAGE_BYTES: usize = 64 * 1024;
const OFFSETS_PER_WORD: usize = 8;
/// One of the start of the frame, and those of the registers.
const WORDS: usize = KEPT.len().div_ceil(OFFSETS_PER_WORD) + 1;
const WORD_BYTES: isize = size_of::<usize>() as isize;
/// In the place of an offset.
const SAME: i8 = i8::MIN;
const LOST: i8 = i8::MAX;
/// A word of [`SAME`] alone.
const ALL_SAME: u64 = u64::from_le_bytes([SAME as u8; OFFSETS_PER_WORD]);

/// The rules of one address, where they are as most are: each register that matters is unchanged,
/// unknown, or in a word near the start of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShortRules {
    words: [u64; WORDS],
}

impl ShortRules {
    /// `None` for rules that do not fit.
    pub(super) fn new(rules: &Rules, return_register: usize) -> Option<ShortRules> {
        let FrameStart::Register(register, offset) = rules.start() else {
            return None;
        };
        let all: [Rule; COUNT] = rules.registers();
        let mut registers = [SAME; KEPT.len()];
        for (to, register) in registers.iter_mut().zip(KEPT) {
            *to = short(all[register])?;
        }
        let (register, return_register) = (u8::try_from(register).ok()?, u8::try_from(return_register).ok()?);
        Some(ShortRules::of_parts((register, i32::try_from(offset).ok()?), return_register, &registers))
    }

    fn of_parts(start: (u8, i32), return_register: u8, registers: &[i8; KEPT.len()]) -> ShortRules {
        let mut words = [0; WORDS];
        let start = u64::from(start.1 as u32) << 32 | u64::from(start.0) << 8 | u64::from(return_register);
        let parts = registers.chunks(OFFSETS_PER_WORD);
        let parts = parts.map(|part| {
            let mut bytes = [SAME as u8; OFFSETS_PER_WORD];
            bytes.iter_mut().zip(part).for_each(|(byte, short)| *byte = *short as u8);
            u64::from_le_bytes(bytes)
        });
        words.iter_mut().zip(once(start).chain(parts)).for_each(|(to, word)| *to = word);
        ShortRules { words }
    }

    /// The register that the start of the frame is found by, and how far it is from there.
    pub(super) fn start(&self) -> FrameStart {
        let [_, register, _, _, offset @ ..] = self.words[0].to_le_bytes();
        FrameStart::Register(register.into(), i32::from_le_bytes(offset) as isize)
    }

    pub(super) fn return_register(&self) -> usize {
        self.words[0].to_le_bytes()[0].into()
    }

    /// Calls `take` with each register that changes, by its place among those that calls preserve,
    /// and with where it is on the stack, from the frame's start; `None` for one that is unknown.
    #[inline(always)]
    pub(super) fn each_change(&self, mut take: impl FnMut(usize, Option<isize>) -> Option<()>) -> Option<()> {
        for (number, word) in (0..).zip(self.words[1..].iter()) {
            let mut left = word ^ ALL_SAME;
            while left != 0 {
                let byte = left.trailing_zeros() / u8::BITS;
                left &= !(u64::from(u8::MAX) << (byte * u8::BITS));
                let offset = (word >> (byte * u8::BITS)).to_le_bytes()[0] as i8;
                let place = number * OFFSETS_PER_WORD + byte as usize;
                take(place, (offset != LOST).then_some(isize::from(offset) * WORD_BYTES))?;
            }
        }
        Some(())
    }
}

fn short(rule: Rule) -> Option<i8> {
    match rule {
        Rule::Same => Some(SAME),
        Rule::Lost => Some(LOST),
        Rule::Saved(offset) if offset % WORD_BYTES == 0 => {
            i8::try_from(offset / WORD_BYTES).ok().filter(|words| !matches!(*words, SAME | LOST))
        }
        Rule::Saved(_) | Rule::SavedAt(_) => None,
    }
}

struct Entry {
    key: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// The entries: null before [`prepare`]. Zeroed memory of the library's own would be a mapping in
/// each process.
#[unsafe(link_section = ".data")]
static CACHE: AtomicPtr<[Entry; ENTRIES]> = AtomicPtr::new(null_mut());

/// From here on rules are kept, if there is memory for that. Called while no other thread does.
pub(crate) fn prepare() {
    if CACHE.load(Ordering::Relaxed).is_null() {
        if let Ok(start) = PosixMapper::new().map(size_of::<[Entry; ENTRIES]>().next_multiple_of(PAGE_BYTES), PAGE_BYTES) {
            CACHE.store(start.as_ptr().cast(), Ordering::Release);
        }
    }
}

/// The rules for the code at an address of the object with these tables, if they are at hand.
pub(super) fn find(address: usize, tables: usize) -> Option<ShortRules> {
    let entry = entry_of(address)?;
    let mut words = [0; WORDS];
    words.iter_mut().zip(&entry.words).for_each(|(to, word)| *to = word.load(Ordering::Relaxed));
    (entry.key.load(Ordering::Relaxed) == key(address, tables, &words)).then_some(ShortRules { words })
}

pub(super) fn keep(address: usize, tables: usize, rules: &ShortRules) {
    let Some(entry) = entry_of(address) else {
        return;
    };
    let words = rules.words;
    entry.key.store(key(address, tables, &words), Ordering::Relaxed);
    words.iter().zip(&entry.words).for_each(|(word, to)| to.store(*word, Ordering::Relaxed));
}

fn entry_of(address: usize) -> Option<&'static Entry> {
    let place = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    // SAFETY: null, or zeroed memory for the entries, which stays mapped.
    let entries = unsafe { CACHE.load(Ordering::Acquire).as_ref() }?;
    entries.get(place as usize % ENTRIES)
}

/// Never 0 for words of rules: those of an entry that was never written to are.
fn key(address: usize, tables: usize, words: &[u64; WORDS]) -> u64 {
    let start = (address as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (tables as u64).rotate_left(32);
    words.iter().fold(start, |key, word| (key ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)) | 1
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "tests may allocate")]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::{CACHE, ENTRIES, FrameStart, KEPT, LOST, Ordering, SAME, ShortRules, find, keep, prepare};

    fn rules(offset: i32) -> ShortRules {
        let mut registers = [SAME; KEPT.len()];
        (registers[1], registers[2], registers[KEPT.len() - 1]) = (-3, LOST, -1);
        ShortRules::of_parts((7, offset), 16, &registers)
    }

    #[test]
    fn parts_of_rules_are_what_they_were_made_of() {
        for offset in [16, -8, i32::MAX, i32::MIN] {
            let rules = rules(offset);
            assert!(matches!(rules.start(), FrameStart::Register(7, found) if found == offset as isize));
            assert_eq!(rules.return_register(), 16);
            let mut changes = Vec::new();
            let all = rules.each_change(|place, offset| {
                changes.push((place, offset));
                Some(())
            });
            assert_eq!(all, Some(()));
            assert_eq!(changes, [(1, Some(-24)), (2, None), (KEPT.len() - 1, Some(-8))]);
        }
    }

    #[test]
    fn rules_are_found_as_they_were_kept_by_address_and_tables() {
        prepare();
        for offset in [16, -8, i32::MAX, i32::MIN] {
            keep(0x1234_5678, 0x7000, &rules(offset));
            assert_eq!(find(0x1234_5678, 0x7000), Some(rules(offset)));
        }
        assert_eq!([find(0x1234_5679, 0x7000), find(0x1234_5678, 0x7001)], [None; 2]);
    }

    #[test]
    fn an_entry_of_which_a_word_is_another_ones_is_none() {
        prepare();
        // SAFETY: there is memory for them.
        let entries = unsafe { CACHE.load(Ordering::Relaxed).as_ref() }.expect("the entries");
        keep(0x5555, 0x7000, &rules(32));
        for entry in entries {
            for word in &entry.words {
                word.fetch_xor(1 << 40, Ordering::Relaxed);
                assert_eq!(find(0x5555, 0x7000).filter(|found| *found != rules(32)), None);
                word.fetch_xor(1 << 40, Ordering::Relaxed);
            }
        }
        assert_eq!(find(0x5555, 0x7000), Some(rules(32)));
        assert!((0..4 * ENTRIES).all(|address| find(address * 64, 0x9000).is_none()));
    }
}
