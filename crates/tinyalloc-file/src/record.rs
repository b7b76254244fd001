//! The record of a span of pages: what it is used for. Kept for its first page.

use core::array::from_fn;

use crate::checksum::{is_sealed, seal};
use crate::class::{SLOT_WORDS, SizeClass};
use crate::field::{put_u64, put_usize, u64_at, usize_at};

pub(crate) const RECORD_BYTES: usize = 64;

const USE_AT: usize = 0;
const CLASS_AT: usize = 1;
const PAGES_AT: usize = 8;
const PAGE_AT: usize = 16;
const LIVE_AT: usize = 24;

const FREE: u8 = 1;
const SLOTS: u8 = 2;
const LARGE: u8 = 3;

/// Which slots of a page are live.
pub(crate) type Live = [u64; SLOT_WORDS];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// Nothing is in it.
    Free { pages: usize },
    /// One page, cut into slots.
    Slots { class: SizeClass, live: Live },
    /// One block.
    Large { pages: usize },
}

impl Span {
    pub(crate) fn pages(&self) -> usize {
        match *self {
            Span::Free { pages } | Span::Large { pages } => pages,
            Span::Slots { .. } => 1,
        }
    }

    /// The record of a span that begins at `page`: there, and nowhere else, it is valid.
    pub(crate) fn encode(&self, page: usize) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        put_usize(&mut bytes, PAGES_AT, self.pages());
        put_usize(&mut bytes, PAGE_AT, page);
        bytes[USE_AT] = match self {
            Span::Free { .. } => FREE,
            Span::Slots { .. } => SLOTS,
            Span::Large { .. } => LARGE,
        };
        if let Span::Slots { class, live } = self {
            bytes[CLASS_AT] = class.number();
            for (word, bits) in live.iter().enumerate() {
                put_u64(&mut bytes, LIVE_AT + word * 8, *bits);
            }
        }
        seal(&mut bytes);
        bytes
    }

    /// What a record says, if it was written for `page` and is as it was written.
    pub(crate) fn decode(bytes: &[u8], page: usize) -> Option<Span> {
        if is_sealed(bytes) && usize_at(bytes, PAGE_AT) == page { Span::decode_known(bytes) } else { None }
    }

    /// What a record says that was decoded or written since the file was opened.
    pub(crate) fn decode_known(bytes: &[u8]) -> Option<Span> {
        let pages = usize_at(bytes, PAGES_AT);
        match bytes[USE_AT] {
            FREE if pages > 0 => Some(Span::Free { pages }),
            LARGE if pages > 0 => Some(Span::Large { pages }),
            SLOTS if pages == 1 => {
                let class = SizeClass::numbered(usize::from(bytes[CLASS_AT]))?;
                let live: Live = from_fn(|word| u64_at(bytes, LIVE_AT + word * 8));
                last_live(&live).is_none_or(|slot| slot < class.slots()).then_some(Span::Slots { class, live })
            }
            _ => None,
        }
    }
}

pub(crate) fn is_live(live: &Live, slot: usize) -> bool {
    live[slot / 64] & (1 << (slot % 64)) != 0
}

pub(crate) fn flip(live: &mut Live, slot: usize) {
    live[slot / 64] ^= 1 << (slot % 64);
}

pub(crate) fn count_live(live: &Live) -> usize {
    live.iter().map(|word| word.count_ones() as usize).sum()
}

pub(crate) fn first_dead(live: &Live) -> Option<usize> {
    let word = live.iter().position(|word| *word != u64::MAX)?;
    Some(word * 64 + live[word].trailing_ones() as usize)
}

fn last_live(live: &Live) -> Option<usize> {
    let word = live.iter().rposition(|word| *word != 0)?;
    Some(word * 64 + 63 - live[word].leading_zeros() as usize)
}
