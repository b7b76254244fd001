//! The state of every slice, in four columns of bits.
//!
//! Each column is a bitmap of tinyalloc-bitmap. What concerns several columns at once (`claim`,
//! `free_run`, `fill_shared_units`, `is_idle_unit`, `age`) goes by the words: a bitmap would go
//! over the same record once a column.

use core::cell::Cell;
use core::ops::Range;

use tinyalloc_bitmap::{BitmapOps, Words};

use super::Region;
use super::run_bounds::{FAR_BOUNDS, RunBounds};
use super::slice::SliceIndex;

pub(super) const SLICES_PER_WORD: usize = u64::BITS as usize;
pub(super) const NEAR_WORDS: usize = 128;
/// Further words lie in stretches of so many, each behind its bounds (`run_bounds`).
pub(super) const FAR_STRETCH_WORDS: usize = 512;
pub(super) const FAR_STRETCH_BYTES: usize = FAR_BOUNDS_BYTES + FAR_STRETCH_WORDS * size_of::<SliceBits>();
const FAR_BOUNDS_BYTES: usize = (FAR_BOUNDS * size_of::<RunBounds>()).next_multiple_of(size_of::<SliceBits>());
/// Where the first page of the near part lies, for which see `layout`: it has the bits of 4 MiB.
pub(super) const FIRST_PAGE_AT: usize = 60 * 1024;
const FIRST_WORDS: usize = 4;
/// Where the near bits end: the lowest word comes last.
pub(super) const NEAR_BITS_END: usize = FIRST_PAGE_AT + FIRST_WORDS * size_of::<SliceBits>();

/// The state of 64 slices. A free slice that is resident may hold old contents; one that is not
/// reads as zero, or faults if it is trapped.
#[repr(C)]
pub(super) struct SliceBits {
    columns: [Cell<u64>; COLUMNS],
}

const COLUMNS: usize = 4;

/// What is said of a slice. A number, since a function would be called for every word.
#[derive(Clone, Copy)]
enum Said {
    Used,
    Resident,
    Aged,
    Trapped,
}

impl SliceBits {
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) const fn used(&self) -> &Cell<u64> {
        &self.columns[Said::Used as usize]
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) const fn resident(&self) -> &Cell<u64> {
        &self.columns[Said::Resident as usize]
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) const fn aged(&self) -> &Cell<u64> {
        &self.columns[Said::Aged as usize]
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) const fn trapped(&self) -> &Cell<u64> {
        &self.columns[Said::Trapped as usize]
    }
}

/// The state of one slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SliceState {
    is_used: bool,
    is_resident: bool,
    is_aged: bool,
    is_trapped: bool,
}

impl SliceState {
    pub(crate) const fn is_used(self) -> bool {
        self.is_used
    }

    pub(crate) const fn is_resident(self) -> bool {
        self.is_resident
    }

    pub(crate) const fn is_aged(self) -> bool {
        self.is_aged
    }

    pub(crate) const fn is_trapped(self) -> bool {
        self.is_trapped
    }
}

/// One column of the slice bits.
pub(super) struct Column<'region> {
    region: &'region Region,
    said: Said,
    /// All ones in a column of what is said of the other slices.
    flipped: u64,
    bits: usize,
}

impl Column<'_> {
    /// The column as if it ended at a slice.
    pub(super) fn up_to(self, end: usize) -> Self {
        Column { bits: self.bits.min(end), ..self }
    }
}

impl Words for Column<'_> {
    fn bits(&self) -> usize {
        self.bits
    }

    fn word(&self, index: usize) -> u64 {
        // SAFETY: a column is as long as there are committed slices, and asked about those only.
        unsafe { self.region.slice_bits(index) }.columns[self.said as usize].get() ^ self.flipped
    }

    fn set_word(&self, index: usize, word: u64) {
        // SAFETY: as in `word`.
        unsafe { self.region.slice_bits(index) }.columns[self.said as usize].set(word ^ self.flipped);
    }
}

impl Region {
    /// The state of a slice, for walks that check invariants.
    pub(crate) fn state_of(&self, slice: SliceIndex) -> SliceState {
        let number = slice.number();
        SliceState {
            is_used: self.used().get(number),
            is_resident: self.resident().get(number),
            is_aged: self.aged().get(number),
            is_trapped: self.trapped().get(number),
        }
    }

    fn column(&self, said: Said) -> Column<'_> {
        Column { region: self, said, flipped: 0, bits: self.committed_slices() }
    }

    pub(super) fn used(&self) -> Column<'_> {
        self.column(Said::Used)
    }

    pub(super) fn free(&self) -> Column<'_> {
        Column { flipped: u64::MAX, ..self.used() }
    }

    pub(super) fn resident(&self) -> Column<'_> {
        self.column(Said::Resident)
    }

    pub(super) fn aged(&self) -> Column<'_> {
        self.column(Said::Aged)
    }

    pub(super) fn trapped(&self) -> Column<'_> {
        self.column(Said::Trapped)
    }

    /// The words of committed slices, each with the bits of these.
    pub(super) fn words_of(&self, slices: Range<usize>) -> impl Iterator<Item = (&SliceBits, u64)> {
        debug_assert!(slices.end <= self.committed_slices(), "slices that are not committed");
        let words = slices.start / SLICES_PER_WORD..slices.end.div_ceil(SLICES_PER_WORD);
        words.map(move |word| {
            // SAFETY: the slices are committed.
            (unsafe { self.slice_bits(word) }, bits_within(&slices, word))
        })
    }

    /// # Safety
    /// The word has the bits of a committed slice.
    pub(super) unsafe fn slice_bits(&self, word: usize) -> &SliceBits {
        let (part, at) = match word.checked_sub(NEAR_WORDS) {
            None => (&self.near_and_map, NEAR_BITS_END - (word + 1) * size_of::<SliceBits>()),
            Some(far) => (&self.far_bits, far_bits_at(far)),
        };
        // SAFETY: words of committed slices are committed (R2); zero is a valid state.
        let bits = unsafe { part.start().add(at) }.cast::<SliceBits>();
        // SAFETY: as above.
        unsafe { bits.as_ref() }
    }
}

/// Where a far word has its bits.
const fn far_bits_at(far: usize) -> usize {
    (far / FAR_STRETCH_WORDS + 1) * FAR_BOUNDS_BYTES + far * size_of::<SliceBits>()
}

/// What so many words need beyond the near part.
pub(super) const fn far_bits_bytes(words: usize) -> usize {
    match words.checked_sub(NEAR_WORDS + 1) {
        None => 0,
        Some(last) => far_bits_at(last) + size_of::<SliceBits>(),
    }
}

/// The bits that slices have in a word.
pub(super) const fn bits_within(slices: &Range<usize>, word: usize) -> u64 {
    let first = word * SLICES_PER_WORD;
    bits_from(slices.start.saturating_sub(first)) & !bits_from(slices.end.saturating_sub(first))
}

/// The bits of a word from one on.
const fn bits_from(bit: usize) -> u64 {
    if bit < SLICES_PER_WORD { u64::MAX << bit } else { 0 }
}
