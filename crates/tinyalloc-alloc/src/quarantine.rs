//! Freed slots that wait, in random order, before they may be used again: on a page of metadata, one for each thread's heap.

use core::cell::Cell;
use core::ptr::NonNull;

use crate::pages::META_PAGE_BYTES;
use crate::random::Random;

const PLACES: usize = 480;

/// Invariant Q1: one thread's, or nobody's while its heap is pooled.
#[repr(C)]
pub(crate) struct Quarantine {
    bytes: Cell<usize>,
    places: [Cell<Option<NonNull<u8>>>; PLACES],
}

const _: () = assert!(size_of::<Quarantine>() <= META_PAGE_BYTES);

impl Quarantine {
    /// # Safety
    /// The page is nobody else's, and stays mapped.
    pub(crate) unsafe fn init(page: NonNull<u8>) -> NonNull<Quarantine> {
        let quarantine = page.cast::<Quarantine>();
        let empty = Quarantine { bytes: Cell::new(0), places: [const { Cell::new(None) }; PLACES] };
        // SAFETY: the page is large enough, and the caller's promise.
        unsafe { quarantine.write(empty) };
        quarantine
    }

    /// Puts a slot in a random place; who waited there comes out.
    pub(crate) fn replace(&self, slot: NonNull<u8>, bytes: usize, random: &Random) -> Option<NonNull<u8>> {
        self.bytes.set(self.bytes.get() + bytes);
        self.places[random.below(PLACES)].replace(Some(slot))
    }

    /// A slot from a random place, if too many bytes wait.
    pub(crate) fn overflow(&self, bytes_max: usize, random: &Random) -> Option<NonNull<u8>> {
        if self.bytes.get() <= bytes_max {
            return None;
        }
        let first = random.below(PLACES);
        let (before, after) = self.places.split_at(first);
        after.iter().chain(before).find_map(Cell::take)
    }

    /// A slot came out.
    pub(crate) fn forget(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_sub(bytes));
    }

    /// Takes every slot out.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = NonNull<u8>> + '_ {
        self.places.iter().filter_map(Cell::take)
    }
}
