//! Sampled allocations on pages of their own, between guards: the thread that reads or writes
//! beyond them, or after they were freed, is trapped, and told which block that was and who made
//! and freed it.

use core::ptr::{NonNull, null_mut, with_exposed_provenance_mut};
use core::slice::from_raw_parts;
use core::sync::atomic::{AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use crate::config::names::MappingName;
use crate::span::class::SLOT_ALIGN;
use crate::support::fields::{Field, fields};

/// Blocks that may live, or be remembered, at a time.
const PLACES: usize = 512;
/// Addresses of callers that are kept.
pub const TRACE_LENGTH: usize = 14;
/// Fills the bytes between a block and its guards.
const TAIL: u8 = 0xad;

/// Who called: addresses of code, the innermost first; 0 beyond the last.
pub type Trace = [usize; TRACE_LENGTH];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Never,
    Live,
    Freed,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    state: State,
    bytes: usize,
    start: usize,
    made_by: usize,
    freed_by: usize,
    made_at: Trace,
    freed_at: Trace,
    freed_next: usize,
}

const NO_PLACE: usize = usize::MAX;

/// What a trapped access did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardedAccess {
    /// The block was freed.
    AfterFree,
    /// It lies behind the block's end.
    Overflow,
    /// It lies before the block's start.
    Underflow,
}

/// A trapped access, and the block that it was meant for.
#[derive(Clone, Copy, Debug)]
pub struct GuardReport {
    /// What it did.
    pub access: GuardedAccess,
    /// The address.
    pub address: usize,
    /// Where the block starts, or started.
    pub start: usize,
    /// Bytes that were asked for.
    pub bytes: usize,
    /// The thread that made the block.
    pub made_by: usize,
    /// Where it was made.
    pub made_at: Trace,
    /// The thread that freed it; 0 if none did.
    pub freed_by: usize,
    /// Where it was freed.
    pub freed_at: Trace,
}

/// What is wrong with freeing an address here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardMistake {
    Freed,
    Inside { start: usize },
    NoBlock,
    Overflown,
}

/// Where the guarded blocks are; read without a lock, by every free.
pub(crate) struct GuardRange {
    start: AtomicUsize,
    bytes: AtomicUsize,
}

impl GuardRange {
    pub(crate) const fn new() -> GuardRange {
        GuardRange { start: AtomicUsize::new(0), bytes: AtomicUsize::new(0) }
    }

    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start.load(Ordering::Relaxed)) < self.bytes.load(Ordering::Acquire)
    }
}

/// Invariant U1: `places` points at `PLACES` places that stay mapped, or nowhere; the lock of the
/// guards is held for every call but
/// [`Guards::look`].
pub(crate) struct Guards {
    places: *mut Place,
    used: usize,
    freed_first: usize,
    freed_last: usize,
    live: usize,
}

// SAFETY: the places are reached under the lock (U1).
unsafe impl Send for Guards {}

impl Guards {
    pub(crate) const fn new() -> Guards {
        Guards { places: null_mut(), used: 0, freed_first: NO_PLACE, freed_last: NO_PLACE, live: 0 }
    }

    /// A block of `bytes`, its end as close to a guard as `align` allows.
    pub(crate) fn allocate<M: Mapper>(
        &mut self,
        mapper: &M,
        range: &GuardRange,
        bytes: usize,
        align: usize,
        maker: (usize, Trace),
    ) -> Option<NonNull<u8>> {
        let page_bytes = mapper.page_bytes();
        if bytes > page_bytes || align > page_bytes {
            return None;
        }
        self.prepare(mapper, range)?;
        let index = self.next_place()?;
        let page = self.page(range, index, page_bytes);
        // SAFETY: the page is ours, and trapped.
        if unsafe { mapper.untrap(page, page_bytes) }.is_err() {
            self.put_back(index);
            return None;
        }
        let offset = (page_bytes - bytes.max(1)) & !(align.max(SLOT_ALIGN) - 1);
        // SAFETY: the offset lies in the page.
        let start = unsafe { page.add(offset) };
        let tail = page_bytes - offset - bytes;
        // SAFETY: the page is ours.
        unsafe { page.write_bytes(TAIL, offset) };
        // SAFETY: the rest of the page follows the block.
        let behind = unsafe { start.add(bytes) };
        // SAFETY: as above.
        unsafe { behind.write_bytes(TAIL, tail) };
        let (made_by, made_at) = maker;
        let address = start.as_ptr().addr();
        let place = Place { bytes, start: address, made_by, made_at, state: State::Live, ..NEVER };
        self.set(index, place);
        self.live += 1;
        Some(start)
    }

    /// Frees a block: from here on any access to it faults.
    pub(crate) fn free<M: Mapper>(
        &mut self,
        mapper: &M,
        range: &GuardRange,
        address: usize,
        freer: (usize, Trace),
    ) -> Result<(), GuardMistake> {
        let page_bytes = mapper.page_bytes();
        let (index, mut place) = self.block_at(range, address, page_bytes)?;
        let page = self.page(range, index, page_bytes);
        let begin = place.start - page.as_ptr().addr();
        let end = begin + place.bytes;
        // SAFETY: a live block's page is accessible.
        let page_contents = unsafe { from_raw_parts(page.as_ptr(), page_bytes) };
        let is_whole = page_contents.iter().enumerate().all(|(at, byte)| (begin..end).contains(&at) || *byte == TAIL);
        // SAFETY: the page is ours; the caller gave the block up. Refused, the page stays
        // accessible.
        let _ = unsafe { mapper.trap(page, page_bytes) };
        (place.freed_by, place.freed_at) = freer;
        place.state = State::Freed;
        place.freed_next = NO_PLACE;
        self.set(index, place);
        self.live -= 1;
        self.queue(index);
        if is_whole { Ok(()) } else { Err(GuardMistake::Overflown) }
    }

    /// Bytes up to the guard of a live block, which may all be used.
    pub(crate) fn usable(&self, range: &GuardRange, address: usize, page_bytes: usize) -> Result<usize, GuardMistake> {
        self.block_at(range, address, page_bytes).map(|(_, place)| place.bytes)
    }

    fn block_at(&self, range: &GuardRange, address: usize, page_bytes: usize) -> Result<(usize, Place), GuardMistake> {
        let offset = address.wrapping_sub(range.start.load(Ordering::Relaxed));
        let (index, in_guard) = (offset / page_bytes / 2, (offset / page_bytes) % 2 == 0);
        if in_guard || index >= self.used {
            return Err(GuardMistake::NoBlock);
        }
        let place = self.get(index);
        match place.state {
            State::Live if place.start == address => Ok((index, place)),
            State::Live if address > place.start => Err(GuardMistake::Inside { start: place.start }),
            State::Freed if place.start == address => Err(GuardMistake::Freed),
            State::Never | State::Live | State::Freed => Err(GuardMistake::NoBlock),
        }
    }

    /// What a trapped access at `address` was meant for; for a signal handler, which may have
    /// interrupted who holds the lock.
    pub(crate) fn look(&self, range: &GuardRange, address: usize, page_bytes: usize) -> Option<GuardReport> {
        if !range.contains(address) || self.places.is_null() {
            return None;
        }
        let page = (address - range.start.load(Ordering::Relaxed)) / page_bytes;
        // The lower half of a guard is behind the end of a block, the upper half before the start
        // of the next.
        let (before, behind) = ((page / 2).checked_sub(1), Some(page / 2));
        let candidates = match (page % 2 == 0, address % page_bytes < page_bytes / 2) {
            (false, _) => [behind, None],
            (true, true) => [before, behind],
            (true, false) => [behind, before],
        };
        let known = |index: usize| Some(self.get(index)).filter(|place| index < self.used && place.state != State::Never);
        let place = candidates.into_iter().flatten().find_map(known)?;
        let access = match place.state {
            State::Freed => GuardedAccess::AfterFree,
            _ if address < place.start => GuardedAccess::Underflow,
            _ => GuardedAccess::Overflow,
        };
        let Place { bytes, start, made_by, made_at, freed_by, freed_at, .. } = place;
        Some(GuardReport { access, address, start, bytes, made_by, made_at, freed_by, freed_at })
    }

    fn prepare<M: Mapper>(&mut self, mapper: &M, range: &GuardRange) -> Option<()> {
        if !self.places.is_null() {
            return Some(());
        }
        let page_bytes = mapper.page_bytes();
        let bytes = (2 * PLACES + 1) * page_bytes;
        let places_bytes = mapper.page_ceiling(PLACES * size_of::<Place>());
        let places = mapper.map(places_bytes, page_bytes).ok()?;
        let area = mapper.map(bytes, page_bytes).ok()?;
        MappingName::Metadata.give(mapper, places, places_bytes);
        MappingName::Blocks.give(mapper, area, bytes);
        // SAFETY: the area is new.
        unsafe { mapper.trap(area, bytes) }.ok()?;
        range.start.store(area.as_ptr().expose_provenance(), Ordering::Relaxed);
        range.bytes.store(bytes, Ordering::Release);
        self.places = places.as_ptr().cast();
        Some(())
    }

    /// A place that never was used, or the one that was freed first: what was freed is remembered
    /// as long as possible.
    fn next_place(&mut self) -> Option<usize> {
        if self.used < PLACES {
            self.used += 1;
            self.set(self.used - 1, NEVER);
            return Some(self.used - 1);
        }
        let first = self.freed_first;
        if first == NO_PLACE {
            return None;
        }
        self.freed_first = self.get(first).freed_next;
        if self.freed_first == NO_PLACE {
            self.freed_last = NO_PLACE;
        }
        Some(first)
    }

    fn put_back(&mut self, index: usize) {
        self.set(index, NEVER);
        self.queue(index);
    }

    fn queue(&mut self, index: usize) {
        match self.freed_last {
            NO_PLACE => self.freed_first = index,
            last => {
                let place = self.get(last);
                self.set(last, Place { freed_next: index, ..place });
            }
        }
        self.freed_last = index;
    }

    /// Pages alternate: guard, block, guard, block, ... guard.
    fn page(&self, range: &GuardRange, index: usize, page_bytes: usize) -> NonNull<u8> {
        let address = range.start.load(Ordering::Relaxed) + (2 * index + 1) * page_bytes;
        // The area is not at null.
        NonNull::new(with_exposed_provenance_mut(address)).unwrap_or(NonNull::dangling())
    }

    fn get(&self, index: usize) -> Place {
        // SAFETY: U1.
        let place = unsafe { self.places.add(index) };
        // SAFETY: U1.
        unsafe { place.read() }
    }

    fn set(&mut self, index: usize, place: Place) {
        // SAFETY: U1.
        let to = unsafe { self.places.add(index) };
        // SAFETY: U1.
        unsafe { to.write(place) };
    }
}

const NEVER: Place = Place {
    state: State::Never,
    bytes: 0,
    start: 0,
    made_by: 0,
    freed_by: 0,
    made_at: [0; TRACE_LENGTH],
    freed_at: [0; TRACE_LENGTH],
    freed_next: NO_PLACE,
};

/// For debuggers.
impl Guards {
    pub(crate) const FIELDS: &'static [Field] = fields!("guards", Guards: places used);
    pub(crate) const OF_PLACES: &'static [Field] = fields!("place", Place: state bytes start made_by freed_by);
    pub(crate) const NUMBERS: &'static [Field] = &[("place.size", size_of::<Place>())];
}

impl GuardRange {
    pub(crate) const FIELDS: &'static [Field] = fields!("guard_range", GuardRange: start bytes);
}
