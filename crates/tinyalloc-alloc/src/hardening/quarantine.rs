//! Freed slots that wait, in random order, before they may be used again: on a page of metadata,
//! one for each thread's heap.

use core::cell::Cell;
use core::ptr::NonNull;

use crate::region::pages::META_PAGE_BYTES;
use crate::support::random::Random;

const PLACES: usize = 480;

/// Invariants. Q1: one thread's, or no thread's while its heap is pooled. Q2: the first `used`
/// places hold slots.
#[repr(C)]
pub(crate) struct Quarantine {
    bytes: Cell<usize>,
    used: Cell<usize>,
    places: [Cell<Option<NonNull<u8>>>; PLACES],
}

const _: () = assert!(size_of::<Quarantine>() <= META_PAGE_BYTES);

impl Quarantine {
    /// # Safety
    /// The page belongs to no other thread, and stays mapped.
    pub(crate) unsafe fn init(page: NonNull<u8>) -> NonNull<Quarantine> {
        let quarantine = page.cast::<Quarantine>();
        let empty = Quarantine { bytes: Cell::new(0), used: Cell::new(0), places: [const { Cell::new(None) }; PLACES] };
        // SAFETY: the page is large enough, and the caller's promise.
        unsafe { quarantine.write(empty) };
        quarantine
    }

    /// A slot waits from now on.
    pub(crate) fn put(&self, slot: NonNull<u8>, bytes: usize) {
        let used = self.used.get();
        if let Some(place) = self.places.get(used) {
            place.set(Some(slot));
            self.used.set(used + 1);
            self.bytes.set(self.bytes.get() + bytes);
        }
    }

    /// One of those that wait, at random, if too many bytes do or there is no room for another one;
    /// the latest if it is alone.
    #[inline(always)]
    pub(crate) fn overflow(&self, bytes_max: usize, random: &Random) -> Option<NonNull<u8>> {
        let used = self.used.get();
        if used == 0 || (self.bytes.get() <= bytes_max && used < PLACES) {
            return None;
        }
        let last = used - 1;
        let latest = self.places[last].take();
        self.used.set(last);
        if last == 0 { latest } else { self.places[random.below(last)].replace(latest) }
    }

    /// A slot came out.
    pub(crate) fn forget(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_sub(bytes));
    }

    /// Takes every slot out.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = NonNull<u8>> + '_ {
        self.used.set(0);
        self.places.iter().filter_map(Cell::take)
    }
}
