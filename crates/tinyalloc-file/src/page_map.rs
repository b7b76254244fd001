//! What each page of the file is, in memory: found without a search.

use core::ops::Range;

const USE_SHIFT: u32 = 30;
const BACK_MASK: u32 = (1 << USE_SHIFT) - 1;
const METADATA: u32 = 0;
const FREE: u32 = 1;
const SLOTS: u32 = 2;
const LARGE: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The file's own structures, or beyond its end.
    Metadata,
    /// A page of a free span.
    Free,
    /// A page of slots.
    Slots,
    /// A page of a large block that begins on page `first`.
    Large { first: usize },
}

/// An entry per page: its use, and how many pages back its block begins.
#[derive(Default)]
pub(crate) struct PageMap {
    entries: Vec<u32>,
}

impl PageMap {
    pub(crate) fn extend(&mut self, pages: usize) {
        self.entries.resize(pages.max(self.entries.len()), METADATA << USE_SHIFT);
    }

    pub(crate) fn place(&self, page: usize) -> Place {
        let entry = self.entries.get(page).copied().unwrap_or(METADATA << USE_SHIFT);
        match entry >> USE_SHIFT {
            FREE => Place::Free,
            SLOTS => Place::Slots,
            LARGE => Place::Large { first: page - (entry & BACK_MASK) as usize },
            _ => Place::Metadata,
        }
    }

    pub(crate) fn set_free(&mut self, pages: Range<usize>) {
        self.entries[pages].fill(FREE << USE_SHIFT);
    }

    pub(crate) fn set_slots(&mut self, page: usize) {
        self.entries[page] = SLOTS << USE_SHIFT;
    }

    /// Pages of the block that begins at `first`.
    pub(crate) fn set_large(&mut self, first: usize, pages: Range<usize>) {
        let back = (LARGE << USE_SHIFT..).skip(pages.start - first);
        self.entries[pages].iter_mut().zip(back).for_each(|(entry, value)| *entry = value);
    }
}
