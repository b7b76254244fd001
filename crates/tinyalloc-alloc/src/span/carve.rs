//! Carving: how slots that never were become free ones, and which addresses are slots since.

use core::ops::Range;
use core::sync::atomic::Ordering;

use tinyalloc_sys::round_down;

use super::Span;
use super::owned::OwnedSpan;
use super::slot::{Secret, Slot};
use super::state::SpanState;

/// For any thread.
impl Span {
    /// Whether a carved slot starts at `address`.
    #[inline(always)]
    pub(crate) fn is_slot(&self, address: usize) -> bool {
        self.is_slot_before_holes(address) || self.is_slot_among_holes(address)
    }

    /// As [`Span::is_slot`], as far as the hit path knows.
    #[inline(always)]
    pub(crate) fn is_slot_before_holes(&self, address: usize) -> bool {
        self.place(address) < self.bound.load(Ordering::Relaxed)
    }

    /// `bound` may be that of a moment ago, and so may the holes: the owner thread changes one
    /// after the other. A live slot is carved, and in no hole, before and after.
    #[cold]
    #[inline(never)]
    fn is_slot_among_holes(&self, address: usize) -> bool {
        self.is_carved(address) && !self.is_in_hole(self.slot_index(address))
    }

    /// Whether a carved slot starts at `address`, be it in a hole.
    pub(super) fn is_carved(&self, address: usize) -> bool {
        self.place(address) < self.class().scale() * u64::from(self.slots_carved())
    }

    /// Below the bound, if a carved slot starts there.
    #[inline(always)]
    fn place(&self, address: usize) -> u64 {
        let offset = address.wrapping_sub(self.address()) as u64;
        offset.wrapping_mul(self.reciprocal.get())
    }

    /// Bytes from the span's start that may have been written.
    pub(crate) fn touched_bytes(&self) -> usize {
        match self.state() {
            SpanState::Large => self.slot_bytes(),
            _ => self.slots_carved() as usize * self.slot_bytes(),
        }
    }

    pub(crate) fn can_carve(&self) -> bool {
        self.slots_carved() < self.slots.get() || self.has_holes()
    }
}

/// For the owner.
impl OwnedSpan {
    /// As [`Span::is_slot`]: compilers fold a plain load into the comparison, and an atomic one
    /// they do not.
    #[inline(always)]
    pub(crate) fn is_own_slot(self, address: usize) -> bool {
        // SAFETY: no other thread writes it (S2).
        self.place(address) < unsafe { self.bound.as_ptr().read() }
    }

    /// The slots that start on the next OS pages, `pages` or as many as one slot needs: at least
    /// one, at most all. Not carving further keeps pages untouched until they are needed.
    pub(crate) fn slots_to_carve(self, page_bytes: usize, pages: usize) -> usize {
        let carved = self.slots_carved() as usize;
        let slot_bytes = self.slot_bytes();
        let page_end = round_down(carved * slot_bytes, page_bytes) + page_bytes * pages;
        page_end.div_ceil(slot_bytes).max(carved + 1).min(self.slots.get() as usize) - carved
    }

    /// The slots that were never carved.
    pub(crate) fn slots_left(self) -> usize {
        (self.slots.get() - self.slots_carved()) as usize
    }

    /// Carves as many slots more as `order` has, of which there are that many. Returns the first
    /// free slot.
    pub(crate) fn carve(self, order: Order, secret: Secret) -> Slot {
        let carved = self.slots_carved() as usize;
        let last = carved + order.slots;
        let list =
            if order.is_in_a_row() { self.sign_rows(carved, order, secret) } else { self.sign_leaps(carved, order, secret) };
        let last = u32::try_from(last).unwrap_or(self.slots.get());
        self.slots_carved.store(last, Ordering::Relaxed);
        self.bound.store(self.class().scale() * u64::from(last), Ordering::Relaxed);
        list
    }
}

impl OwnedSpan {
    /// Lists the slots of an order in a row, from `carved` on.
    #[inline(always)]
    fn sign_rows(self, carved: usize, order: Order, secret: Secret) -> Slot {
        let slot_bytes = self.slot_bytes();
        let mut list = Slot::END;
        for row in order.rows_backwards() {
            let mut start = self.start_of(carved + row.end);
            for _ in row {
                // SAFETY: the slot lies before that end, and within the span.
                start = unsafe { start.sub(slot_bytes) };
                // SAFETY: the order has slots below its number of them, and they become carved.
                let slot = unsafe { Slot::new(start) };
                slot.sign(list, secret);
                list = slot;
            }
        }
        list
    }

    /// As [`OwnedSpan::sign_rows`], of any order.
    #[cold]
    #[inline(never)]
    fn sign_leaps(self, carved: usize, order: Order, secret: Secret) -> Slot {
        let mut list = Slot::END;
        for slot in order.backwards() {
            // SAFETY: as in `sign_rows`.
            let slot = unsafe { Slot::new(self.start_of(carved + slot)) };
            slot.sign(list, secret);
            list = slot;
        }
        list
    }
}

/// In which order slots are carved: a random one, so that no program knows which block follows
/// which. All of them come up, each once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    slots: usize,
    first: usize,
    step: usize,
}

impl Order {
    /// In a row, from a random one on if it is the span's first; or, `shuffled`, in leaps. (A
    /// random start on every page cost a tenth of the time of bursts.)
    #[expect(clippy::cast_possible_truncation, reason = "any part of a random number is random")]
    pub(crate) fn new(slots: usize, random: u64, is_first: bool, shuffled: bool) -> Order {
        let is_random = is_first || shuffled;
        let first = if is_random { (((random >> 32) * slots as u64) >> 32) as usize } else { slots - 1 };
        let step = if shuffled { Order::far_step(slots, random as usize) } else { 1 };
        Order { slots, first, step }
    }

    /// A step of about a third to two thirds of the slots, with no factor in common with them: it
    /// comes to each of them once.
    fn far_step(slots: usize, random: usize) -> usize {
        let third = slots / 3;
        (third + random % (third + 1)..).find(|step| greatest_common_factor(*step, slots) == 1).unwrap_or(1)
    }

    fn is_in_a_row(self) -> bool {
        self.step == 1
    }

    /// As [`Order::backwards`], of an order in a row: the slots up to the first one, and those
    /// behind it, each with the last of them first.
    fn rows_backwards(self) -> [Range<usize>; 2] {
        [0..self.first + 1, self.first + 1..self.slots]
    }

    /// Every slot once, the one that is handed out last first. (A remainder for every slot cost a
    /// fifth of the time of bursts.)
    fn backwards(self) -> impl Iterator<Item = usize> {
        let mut next = self.first;
        (0..self.slots).map(move |_| {
            let slot = next;
            next = if slot < self.step { slot + self.slots - self.step } else { slot - self.step };
            slot
        })
    }
}

fn greatest_common_factor(one: usize, other: usize) -> usize {
    if other == 0 { one } else { greatest_common_factor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use core::mem::replace;

    use super::Order;

    #[test]
    fn every_order_comes_to_every_slot_once() {
        for slots in 1..300 {
            for random in [0, 1, 0x1234_5678_9abc_def0, u64::MAX] {
                for shuffled in [false, true] {
                    let order = Order::new(slots, random, true, shuffled);
                    let mut met = [false; 300];
                    order.backwards().for_each(|slot| assert!(!replace(&mut met[slot], true)));
                    assert!(met[..slots].iter().all(|met| *met), "{slots} slots");
                    if order.is_in_a_row() {
                        let rows = order.rows_backwards().into_iter();
                        assert!(rows.flat_map(Iterator::rev).eq(order.backwards()), "{slots} slots");
                    }
                }
            }
        }
    }
}
