//! A span's free slots: how one is freed by its owner, and what is wrong with one that cannot be.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::Span;
use super::owned::OwnedSpan;
use super::owner::Owner;
use super::slot::{Secret, Slot};
use crate::report::misuse::Misuse;

/// What a local free tells the heap.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freed {
    /// Nothing to do.
    Done,
    /// The countdown reached zero: the span changes its state.
    CountdownZero,
    /// The slot was free already, or looks so.
    AlreadyFree,
    /// No live slot can start there.
    NotASlot,
}

/// For the owner.
impl OwnedSpan {
    /// The owner's free: checks the pointer, puts the slot on the list.
    #[inline(always)]
    pub(crate) fn free_local(self, start: NonNull<u8>, secret: Secret) -> Freed {
        if !self.is_own_slot(start.as_ptr().addr()) {
            return Freed::NotASlot;
        }
        // SAFETY: a carved slot starts there.
        unsafe { self.free_slot(start, secret) }
    }

    /// As [`OwnedSpan::free_local`], for an address that was looked up.
    ///
    /// # Safety
    /// A carved slot starts there, which is in no hole.
    #[inline(always)]
    pub(crate) unsafe fn free_slot(self, start: NonNull<u8>, secret: Secret) -> Freed {
        // SAFETY: the caller's promise.
        let slot = unsafe { Slot::new(start) };
        if slot.is_signed(secret) { Freed::AlreadyFree } else { self.free_live(slot, secret) }
    }

    /// As [`OwnedSpan::free_slot`], for a slot that is not signed.
    #[inline(always)]
    pub(crate) fn free_live(self, slot: Slot, secret: Secret) -> Freed {
        // SAFETY: `head` points at this record's list or at the bin of a heap; neither is ever
        // unmapped (S1, H2).
        let head = unsafe { &*self.head().get() };
        slot.sign(head.get(), secret);
        head.set(slot);
        let countdown = self.countdown_left().get() - 1;
        self.countdown_left().set(countdown);
        if countdown == 0 { Freed::CountdownZero } else { Freed::Done }
    }

    /// Whether the slot is on a list of free slots, the owner's or the remote one; walks both. Only
    /// the owner takes slots off.
    pub(crate) fn lists(self, start: NonNull<u8>, secret: Secret) -> bool {
        // SAFETY: as in `free_local`.
        let own = unsafe { &*self.head().get() }.get();
        let remote = NonNull::new(self.remote.load(Ordering::Acquire)).map_or(Slot::END, |words| {
            // SAFETY: the list holds slots only.
            unsafe { Slot::from_words(words.as_ptr()) }
        });
        own.leads_to(start, secret) || remote.leads_to(start, secret)
    }

    /// Takes over `slots` slots that other threads freed.
    pub(crate) fn absorb(self, freed: &FreedList, secret: Secret) {
        // SAFETY: as in `free_local`.
        let head = unsafe { &*self.head().get() };
        freed.last.sign(head.get(), secret);
        head.set(freed.first);
    }
}

/// For any thread.
impl Span {
    /// What is wrong with freeing `address`, which is no live slot.
    pub(crate) fn verdict(&self, address: usize) -> Misuse {
        let slot_bytes = self.slot_bytes();
        if self.owner() == Owner::Kept {
            let is_start = self.is_slot(address);
            return if is_start { Misuse::DoubleFree { address, slot_bytes } } else { Misuse::FreedBefore { address } };
        }
        let offset = address.wrapping_sub(self.address());
        if offset >= self.touched_bytes() {
            return Misuse::NotAllocated { address };
        }
        if self.is_carved(address) {
            return Misuse::DoubleFree { address, slot_bytes };
        }
        Misuse::Interior { address, slot_start: self.address() + self.slot_index(address) * slot_bytes, slot_bytes }
    }
}

/// Slots that were freed remotely, taken off the span's remote list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreedList {
    first: Slot,
    last: Slot,
    slots: u32,
}

impl FreedList {
    pub(crate) const fn of(slot: Slot) -> FreedList {
        FreedList { first: slot, last: slot, slots: 1 }
    }

    /// Adds the slot that the last one leads to.
    pub(crate) const fn extend(&mut self, next: Slot) {
        self.last = next;
        self.slots += 1;
    }

    pub(crate) const fn first(&self) -> Slot {
        self.first
    }

    pub(crate) const fn last(&self) -> Slot {
        self.last
    }

    pub(crate) const fn slots(&self) -> u32 {
        self.slots
    }
}
