//! The last word of a hardened slot: is it a block, of how many bytes, or does it wait, or is it
//! free? Not generic, as `memory`.
//!
//! Whatever the slot's state is, the word has one of four values, and it changes between them by
//! one store: the thread that frees a block may look at its neighbour's, whichever thread that
//! belongs to.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::span::class::SMALL_BYTES_MAX;
use crate::support::memory::{fill_before, is_filled_before};

/// Bytes at the end of a hardened slot that only we write.
pub(crate) const CANARY_BYTES: usize = size_of::<u64>();
/// Behind the two words of a free slot there is room for the last one.
pub(crate) const HARDENED_SLOT_BYTES_MIN: usize = 32;

/// The upper bits of a block's canary tell how many bytes before it belong to no block: the rest of
/// the slot, beyond what was asked for. The lower ones confirm it.
const SLACK_SHIFT: u32 = 48;
const _: () = assert!(SMALL_BYTES_MAX < 1 << (u64::BITS - SLACK_SHIFT));
/// An odd number: half of the golden ratio's digits.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
/// Of a slot that is in no list and no block either.
const CLEAR: u64 = 0;

/// The last word of one slot, and what it is when the slot is a block of the slot's whole room.
#[derive(Clone, Copy)]
pub(crate) struct Canary {
    at: NonNull<u64>,
    room: usize,
    whole: u64,
}

impl Canary {
    /// That of the slot at `start`.
    ///
    /// # Safety
    /// A slot of so many bytes starts there, and its heap is hardened.
    #[inline(always)]
    pub(crate) unsafe fn of(start: NonNull<u8>, slot_bytes: usize, secret: u64) -> Canary {
        let room = slot_bytes - CANARY_BYTES;
        // SAFETY: the slot ends with it; slots are whole words.
        let at = unsafe { start.add(room) }.cast();
        // The byte that is overrun first is one that all of the address went into: the lowest is
        // the same in slots that are 256 bytes apart. Never 0, nor the other way round: see
        // `waiting`.
        let whole = (secret ^ start.as_ptr().addr() as u64).wrapping_mul(MIX).swap_bytes() | 1;
        Canary { at, room, whole }
    }

    fn word<'slot>(self) -> &'slot AtomicU64 {
        // SAFETY: the slot's last word, which no other thread writes but by mistake, and never
        // otherwise than whole.
        unsafe { AtomicU64::from_ptr(self.at.as_ptr()) }
    }

    /// What it is while the slot waits to be freed: differs from every block's in its lowest bit.
    const fn waiting(self) -> u64 {
        self.whole << 1 | 1 << SLACK_SHIFT
    }

    /// What lies between a block and its canary: a byte that is not zero, so that a string's end is
    /// seen there, and tells little else.
    const fn filler(self) -> u64 {
        (self.whole >> (SLACK_SHIFT - u8::BITS) & 0xff | 1) * 0x0101_0101_0101_0101
    }

    /// The slot is a block of `bytes` bytes from now on.
    pub(crate) fn sign(self, bytes: usize) {
        let slack = self.room - bytes;
        // SAFETY: the rest of the slot, before the canary.
        unsafe { fill_before(self.at.cast(), slack, self.filler()) };
        self.word().store(self.whole ^ sign_of(slack), Ordering::Relaxed);
    }

    /// Bytes of the block; `None` if it is none, or the program wrote beyond its end.
    pub(crate) fn asked_for(self) -> Option<usize> {
        let slack = self.slack(self.word().load(Ordering::Relaxed))?;
        // SAFETY: the rest of the slot, before the canary.
        unsafe { is_filled_before(self.at.cast(), slack, self.filler()) }.then_some(self.room - slack)
    }

    fn slack(self, word: u64) -> Option<usize> {
        let sign = word ^ self.whole;
        let slack = usize::try_from(sign >> SLACK_SHIFT).ok()?;
        (sign == sign_of(slack) && slack <= self.room).then_some(slack)
    }

    /// The slot is no block any more, and waits.
    pub(crate) fn wait(self) {
        self.word().store(self.waiting(), Ordering::Relaxed);
    }

    pub(crate) fn is_waiting(self) -> bool {
        self.word().load(Ordering::Relaxed) == self.waiting()
    }

    /// The slot is about to be put on a list.
    pub(crate) fn clear(self) {
        self.word().store(CLEAR, Ordering::Relaxed);
    }

    pub(crate) fn is_clear(self) -> bool {
        self.word().load(Ordering::Relaxed) == CLEAR
    }

    /// Whether it can be what we left there, in whichever state the slot is.
    pub(crate) fn is_whole(self) -> bool {
        let word = self.word().load(Ordering::Relaxed);
        word == CLEAR || word == self.waiting() || self.slack(word).is_some()
    }
}

/// What the canary of a block with so much slack has beyond one that has none; even, so that the
/// lowest bit tells that it is a block's.
const fn sign_of(slack: usize) -> u64 {
    (slack as u64) << SLACK_SHIFT | (slack as u64).wrapping_mul(MIX) << 1 & ((1 << SLACK_SHIFT) - 1)
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use core::ptr::NonNull;

    use super::{CANARY_BYTES, Canary};

    const SLOT_BYTES: usize = 112;
    const ROOM: usize = SLOT_BYTES - CANARY_BYTES;

    /// The slot is of cells, which the canary changes as well.
    fn with_slot(test: impl FnOnce(&[Cell<u64>; SLOT_BYTES / 8], Canary)) {
        let slot = [const { Cell::new(0) }; SLOT_BYTES / 8];
        // SAFETY: the array is the slot.
        let canary = unsafe { Canary::of(NonNull::from_ref(&slot).cast(), SLOT_BYTES, 0x1234_5678_9abc_def0) };
        test(&slot, canary);
    }

    fn flip(slot: &[Cell<u64>], bit: usize) {
        let word = &slot[bit / 64];
        word.set(word.get() ^ 1 << (bit % 64));
    }

    #[test]
    fn a_block_of_every_size_is_told_and_a_change_to_any_bit_behind_it_is_seen() {
        with_slot(|slot, canary| {
            for bytes in 0..=ROOM {
                slot.iter().for_each(|word| word.set(0));
                canary.sign(bytes);
                assert_eq!((canary.asked_for(), canary.is_whole()), (Some(bytes), true));
                for bit in bytes * 8..SLOT_BYTES * 8 {
                    flip(slot, bit);
                    assert_eq!(canary.asked_for(), None, "{bytes} bytes, bit {bit}");
                    flip(slot, bit);
                }
            }
        });
    }

    #[test]
    fn the_byte_behind_a_block_differs_between_slots_that_are_far_apart() {
        const SLOTS: usize = 64;
        const WORDS: usize = 256 / 8;
        let (mut slots, mut is_seen) = ([0_u64; SLOTS * WORDS], [false; 256]);
        for slot in slots.chunks_exact_mut(WORDS) {
            // SAFETY: the words are the slot.
            let canary = unsafe { Canary::of(NonNull::from_mut(slot).cast(), WORDS * 8, 0x1234_5678_9abc_def0) };
            canary.sign(WORDS * 8 - CANARY_BYTES);
            is_seen[usize::from(slot[WORDS - 1].to_ne_bytes()[0])] = true;
        }
        assert!(is_seen.iter().filter(|is_seen| **is_seen).count() > 20);
    }

    #[test]
    fn the_states_are_told_apart_and_nothing_else_passes_for_one() {
        with_slot(|slot, canary| {
            canary.wait();
            assert!(canary.is_waiting() && canary.is_whole() && !canary.is_clear() && canary.asked_for().is_none());
            canary.clear();
            assert!(canary.is_clear() && canary.is_whole() && !canary.is_waiting() && canary.asked_for().is_none());
            canary.sign(100);
            for bit in 0..48 {
                flip(slot, (SLOT_BYTES - 8) * 8 + bit);
                assert!(!canary.is_whole(), "bit {bit}");
                flip(slot, (SLOT_BYTES - 8) * 8 + bit);
            }
        });
    }
}
