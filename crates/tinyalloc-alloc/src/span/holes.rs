//! Holes: pages of a span on which every slot is free, and which have no memory.
//!
//! A hole is a bit for each [`UNIT_BYTES`] of the span. The slots that reach into one are on no
//! list. A page without memory reads as zero, and so would a slot there as a live one: `bound` ends
//! before the first hole, and what lies behind is looked up here, off the hit path.

use core::iter::from_fn;
use core::sync::atomic::Ordering;

use super::Span;
use super::class::SLICE_BYTES;
use super::owned::OwnedSpan;
use super::slot::{Secret, Slot};

/// The smallest page of any system.
const UNIT_BYTES: usize = 4096;
const UNITS: usize = u64::BITS as usize;

/// For any thread.
impl Span {
    pub(crate) fn has_holes(&self) -> bool {
        self.holes.load(Ordering::Relaxed) != 0
    }

    /// Bytes of its holes.
    pub(crate) fn hole_bytes(&self) -> usize {
        self.holes.load(Ordering::Relaxed).count_ones() as usize * UNIT_BYTES
    }

    /// Bytes of the pages that hold or held live slots, without its holes.
    pub(crate) fn active_bytes(&self, page_bytes: usize) -> usize {
        let span_bytes = self.slices() as usize * SLICE_BYTES;
        let carved = (self.slots_carved() as usize * self.slot_bytes()).next_multiple_of(page_bytes).min(span_bytes);
        carved.saturating_sub(self.hole_bytes())
    }

    /// Whether the slot of that number reaches into a hole.
    pub(crate) fn is_in_hole(&self, index: usize) -> bool {
        self.holes.load(Ordering::Relaxed) & self.units_of(index) != 0
    }

    /// Carved slots that are in no hole: each is live, or on a list.
    pub(crate) fn slots_present(&self) -> u32 {
        let carved = self.slots_carved();
        if !self.has_holes() {
            return carved;
        }
        let (mut present, mut next) = (0, 0);
        for (start, bytes) in runs(self.holes.load(Ordering::Relaxed)) {
            let first = (start / self.slot_bytes()).min(carved as usize);
            present += first.saturating_sub(next);
            next = (start + bytes).div_ceil(self.slot_bytes());
        }
        u32::try_from(present + (carved as usize).saturating_sub(next)).unwrap_or(carved)
    }

    /// The units that a slot lies in.
    fn units_of(&self, index: usize) -> u64 {
        let start = index * self.slot_bytes();
        units(start / UNIT_BYTES, (start + self.slot_bytes() - 1) / UNIT_BYTES)
    }
}

/// For the owner.
impl OwnedSpan {
    /// Makes holes of the pages on which every slot is free, and takes the slots that reach into
    /// them off the list. Yields the bits of the new ones, whose memory the caller decommits before
    /// another slot of the span is carved.
    ///
    /// With `keeps_first`, the first slot of the list stays the first: a free that a signal handler
    /// interrupted, which digs, may be about to link its slot to that one.
    ///
    /// # Errors
    /// A free slot that was written to.
    pub(crate) fn dig(self, page_bytes: usize, secret: Secret, keeps_first: bool) -> Result<u64, Slot> {
        let page_units = page_bytes / UNIT_BYTES;
        // Larger pages than slices belong to neighbours, too.
        if page_units == 0 || page_bytes > SLICE_BYTES || self.slices() as usize * SLICE_BYTES > UNITS * UNIT_BYTES {
            return Ok(0);
        }
        let before = self.holes.load(Ordering::Relaxed);
        let holes = self.free_units(page_units, secret, keeps_first)?;
        let new = holes & !before;
        if new != 0 {
            self.set_holes(holes);
            self.unlist_holed(secret);
        }
        Ok(new)
    }

    /// Bytes of a partial span in free slots that are in no hole.
    pub(crate) fn free_bytes(self) -> usize {
        let present = (self.slots_carved() as usize * self.slot_bytes()).saturating_sub(self.hole_bytes());
        present.saturating_sub(self.countdown() as usize * self.slot_bytes())
    }

    /// Whether a partial span has so many bytes in free slots, and no slot of it was allocated or
    /// freed since it was last asked, an epoch ago. True once, until one is.
    pub(crate) fn is_idle_with(self, free_bytes: usize) -> bool {
        const LIVE: u32 = 0x3fff;
        const SEEN: u32 = 0x4000;
        const DUG: u32 = 0x8000;
        let live = self.countdown();
        if self.free_bytes() < free_bytes {
            return false;
        }
        let before = u32::from(self.looked_at().get());
        let is_idle = before == live & LIVE | SEEN;
        if before != live & LIVE | DUG {
            let now = live & LIVE | if is_idle { DUG } else { SEEN };
            self.looked_at().set(u16::try_from(now).unwrap_or(0));
        }
        is_idle
    }

    /// Gives the slots of the first hole, or of as much of it as one slot needs, to the caller: a
    /// list of free slots.
    pub(crate) fn fill_hole(self, page_bytes: usize, secret: Secret) -> Slot {
        let before = self.holes.load(Ordering::Relaxed);
        let page_units = (page_bytes / UNIT_BYTES).max(1);
        let (mut left, mut list) = (before, Slot::END);
        while left != 0 && list.is_end() {
            let first = left.trailing_zeros() as usize / page_units * page_units;
            left &= !units(first, first + page_units - 1);
            list = self.list_filled(before, left, list, secret);
        }
        self.set_holes(left);
        list
    }

    /// A part of the holes keeps its memory, which the system did not take: its slots are listed
    /// again.
    pub(crate) fn undig(self, start: usize, bytes: usize, secret: Secret) {
        let before = self.holes.load(Ordering::Relaxed);
        let left = before & !units(start / UNIT_BYTES, (start + bytes - 1) / UNIT_BYTES);
        self.list().set(self.list_filled(before, left, self.list().get(), secret));
        self.set_holes(left);
    }

    /// The slots that no longer reach into a hole, when `before` becomes `left`, before those of
    /// `list`.
    fn list_filled(self, before: u64, left: u64, list: Slot, secret: Secret) -> Slot {
        let filled = before & !left;
        let (mut list, mut slots) = (list, self.slots_on(filled));
        while let Some(index) = slots.next_back() {
            let on = self.units_of(index);
            if on & filled != 0 && on & left == 0 {
                // SAFETY: the slot is carved, and free.
                let slot = unsafe { Slot::new(self.start_of(index)) };
                slot.sign(list, secret);
                list = slot;
            }
        }
        list
    }

    /// The slots from the first that reaches into any of these units to the last.
    fn slots_on(self, units: u64) -> impl DoubleEndedIterator<Item = usize> {
        let (first, end) = (units.trailing_zeros() as usize, UNITS - units.leading_zeros() as usize);
        let last = ((end * UNIT_BYTES).div_ceil(self.slot_bytes())).min(self.slots_carved() as usize);
        first * UNIT_BYTES / self.slot_bytes()..last
    }

    /// Whole pages on which every carved slot is free, old holes included; but for those of the
    /// list's first slot, if that is to stay.
    fn free_units(self, page_units: usize, secret: Secret, keeps_first: bool) -> Result<u64, Slot> {
        let mut free = [0_u16; UNITS];
        let mut count = |index: usize| {
            let mut left = self.units_of(index);
            while left != 0 {
                free[left.trailing_zeros() as usize] += 1;
                left &= left - 1;
            }
        };
        let mut slot = self.list().get();
        if keeps_first && !slot.is_end() {
            slot = slot.next(secret).ok_or(slot.unmarked())?;
        }
        while !slot.is_end() {
            count(self.slot_index(slot.address()));
            slot = slot.next(secret).ok_or(slot.unmarked())?;
        }
        (0..self.slots_carved() as usize).filter(|index| self.is_in_hole(*index)).for_each(&mut count);
        let is_free = |unit: usize| free[unit] > 0 && usize::from(free[unit]) == self.slots_on(1 << unit).count();
        let end = (self.slots_carved() as usize * self.slot_bytes()).div_ceil(UNIT_BYTES).next_multiple_of(page_units);
        let pages = (0..end / page_units).map(|page| page * page_units..(page + 1) * page_units);
        let carved = |unit: usize| unit * UNIT_BYTES < self.slots_carved() as usize * self.slot_bytes();
        let whole = pages.filter(|page| page.clone().all(|unit| is_free(unit) || !carved(unit)));
        Ok(whole.fold(0, |all, page| all | units(page.start, page.end - 1)))
    }

    /// Leaves the slots in holes out of the list.
    fn unlist_holed(self, secret: Secret) {
        let mut slot = self.list().replace(Slot::END);
        let mut last: Option<Slot> = None;
        while !slot.is_end() {
            // Every signature was looked at a moment ago.
            let next = slot.next(secret).unwrap_or(Slot::END);
            if !self.is_in_hole(self.slot_index(slot.address())) {
                match last {
                    Some(last) => last.sign(slot, secret),
                    None => self.list().set(slot),
                }
                last = Some(slot.unmarked());
            }
            slot = next;
        }
        if let Some(last) = last {
            last.sign(Slot::END, secret);
        }
    }

    /// The hit path knows the slots before the first hole.
    fn set_holes(self, holes: u64) {
        self.holes.store(holes, Ordering::Relaxed);
        let known = if holes == 0 { self.slots_carved() as usize } else { self.slots_on(holes).next().unwrap_or(0) };
        self.bound.store(self.class().scale() * known as u64, Ordering::Relaxed);
    }
}

/// The units from `first` to `last`.
fn units(first: usize, last: usize) -> u64 {
    if first >= UNITS {
        return 0;
    }
    u64::MAX << first & u64::MAX >> (UNITS - 1 - last.min(UNITS - 1))
}

/// Runs of neighbouring holes: where each begins in the span, and its bytes.
pub(crate) fn runs(holes: u64) -> impl Iterator<Item = (usize, usize)> {
    let mut left = holes;
    from_fn(move || {
        (left != 0).then(|| {
            let first = left.trailing_zeros() as usize;
            let length = (left >> first).trailing_ones() as usize;
            left &= !units(first, first + length - 1);
            (first * UNIT_BYTES, length * UNIT_BYTES)
        })
    })
}
