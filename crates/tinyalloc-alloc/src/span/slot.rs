//! Free slots: intrusive lists whose every link has a signature.
//!
//! A free slot holds two words: the next free slot, and a signature with
//! `next + signature + slot == secret`. The signature answers two questions at once: on `free`, is
//! this slot already free (a live slot's words add up to a 64-bit secret by accident only)? On
//! `malloc`, has anyone written to it since (then its link is not followed)?

use core::cell::Cell;
use core::ptr::{NonNull, null_mut};

use super::class::SLICE_BYTES;
use crate::support::pair::read_pair;
use crate::support::pointer::pointer_to;

/// Whether links can be marked: reading two words at an odd address costs what it costs elsewhere.
pub(crate) const MARKS_WORK: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"));

/// What a marked link has more than the address of its slot.
const MARK: usize = 1;

/// The two words that a free slot holds.
#[repr(C, align(16))]
#[derive(Debug)]
pub(crate) struct SlotWords {
    next: Cell<*mut SlotWords>,
    signature: Cell<usize>,
}

// SAFETY: L2; `END` is never written.
unsafe impl Sync for SlotWords {}

/// Ends every list. Its words never add up to a secret (see [`Secret`]), so an empty list needs no
/// test of its own.
///
/// Among the initialised data, which start-up touches anyway, rather than on a page of its own.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static END: SlotWords = SlotWords { next: Cell::new(null_mut()), signature: Cell::new(0) };

/// What signatures are made of: its top bit is set, so that it differs from the address of [`END`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secret(usize);

impl Secret {
    #[expect(clippy::cast_possible_truncation, reason = "any part of a random number is random")]
    pub(crate) const fn new(random: u64) -> Secret {
        Secret(random as usize | 1 << (usize::BITS - 1))
    }

    /// What [`Secret::word`] told.
    pub(crate) const fn of_word(word: usize) -> Secret {
        Secret(word)
    }

    #[inline(always)]
    pub(crate) const fn word(self) -> usize {
        self.0
    }

    /// One that holds for no slot.
    pub(crate) const fn other(self) -> Secret {
        Secret(self.0 ^ 0x5a5a_5a5a_5a5a_5a5a)
    }

    /// Before there is one.
    pub(crate) const NONE: Secret = Secret(0);

    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// The address of a slot, or of the list's end.
///
/// Invariants. L1: it points at two readable words: a slot's, or [`END`]'s. L2: while the slot is
/// free, its words belong to the thread that holds the list that it is in; while it is live, to the
/// program, which gives them up with the call to free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Slot(NonNull<SlotWords>);

impl Slot {
    pub(crate) const END: Slot = Slot(pointer_to(&END));

    /// # Safety
    /// `start` is the start of a carved slot (L1).
    #[inline(always)]
    pub(crate) const unsafe fn new(start: NonNull<u8>) -> Slot {
        Slot(start.cast())
    }

    #[inline(always)]
    pub(crate) const fn start(self) -> NonNull<u8> {
        self.0.cast()
    }

    #[inline(always)]
    pub(crate) fn address(self) -> usize {
        self.0.as_ptr().addr()
    }

    #[inline(always)]
    fn words<'slot>(self) -> &'slot SlotWords {
        // SAFETY: L1.
        unsafe { self.0.as_ref() }
    }

    /// The two words, wherever a link leads to.
    #[inline(always)]
    fn read(self) -> (usize, usize) {
        if MARKS_WORK {
            // SAFETY: L1, L3.
            let [next, signature] = unsafe { read_pair(self.start()) };
            return (next, signature);
        }
        (self.words().next.get().addr(), self.words().signature.get())
    }

    pub(crate) fn is_end(self) -> bool {
        self == Slot::END
    }

    /// The link to the next slot of the list, unless this is the end or the words were tampered
    /// with.
    #[inline(always)]
    pub(crate) fn next(self, secret: Secret) -> Option<Slot> {
        let slot = self.unmarked();
        // SAFETY: the signature holds.
        slot.holds(secret).then(|| unsafe { slot.next_unchecked() })
    }

    /// Whether the two words are what [`Slot::sign`] left, as `is_signed` asks too; this order
    /// of the sum suits allocation.
    #[inline(always)]
    pub(crate) fn holds(self, secret: Secret) -> bool {
        let (next, signature) = self.read();
        next.wrapping_add(self.address()).wrapping_add(signature) == secret.word()
    }

    /// # Safety
    /// The signature holds.
    #[inline(always)]
    pub(crate) unsafe fn next_unchecked(self) -> Slot {
        // SAFETY: what `sign` wrote is a slot, never null.
        Slot(unsafe { NonNull::new_unchecked(self.words().next.get()) })
    }

    /// Whether the list that begins here contains the slot at `start`.
    pub(crate) fn leads_to(self, start: NonNull<u8>, secret: Secret) -> bool {
        let mut slot = self;
        while slot.unmarked().start() != start {
            match slot.next(secret) {
                Some(next) => slot = next,
                None => return false,
            }
        }
        true
    }

    /// Whether this slot is free, by its signature.
    #[inline(always)]
    pub(crate) fn is_signed(self, secret: Secret) -> bool {
        let words = self.words();
        let sum = words.next.get().addr().wrapping_add(words.signature.get());
        sum == secret.word().wrapping_sub(self.address())
    }

    /// Makes this a free slot before `next`.
    #[inline(always)]
    pub(crate) fn sign(self, next: Slot, secret: Secret) {
        let words = self.words();
        words.next.set(next.0.as_ptr());
        words.signature.set(secret.word().wrapping_sub(self.address()).wrapping_sub(next.address()));
    }

    /// Makes this a live slot.
    #[inline(always)]
    pub(crate) fn unsign(self) {
        self.words().signature.set(0);
    }
}

/// Marked links.
///
/// A link may be marked: the request that gets its slot is to take the slow path. The hit path
/// reads two words at the odd address, finds no signature there, and stops, without an instruction
/// of its own. The slot itself is as it was, so that a second free of it is noticed as ever.
///
/// Invariant L3: a slot that a marked link leads to has a readable byte behind its two words. What
/// walks a list goes through [`Slot::next`], which does without the mark; what signs a slot has an
/// address without one.
impl Slot {
    pub(crate) fn is_marked(self) -> bool {
        self.address() & MARK != 0
    }

    /// The same link with a mark; without, where that cannot be: the two words may be the last
    /// bytes that are readable.
    pub(crate) fn marked(self, slot_bytes: usize) -> Slot {
        let is_last = slot_bytes < size_of::<SlotWords>() + 1 && (self.address() + slot_bytes) % SLICE_BYTES == 0;
        if !MARKS_WORK || self.is_end() || is_last { self } else { Slot(self.0.map_addr(|address| address | MARK)) }
    }

    #[inline(always)]
    pub(crate) fn unmarked(self) -> Slot {
        if !MARKS_WORK {
            return self;
        }
        let words = self.0.as_ptr().map_addr(|address| address & !MARK);
        // SAFETY: no slot is at null.
        Slot(unsafe { NonNull::new_unchecked(words) })
    }
}

/// Hardened slots.
impl Slot {
    /// Leaves nothing of what the slot held as a free one.
    pub(crate) fn clear(self) {
        self.words().next.set(null_mut());
        self.words().signature.set(0);
    }
}

/// Conversions for the atomics of remote lists.
impl Slot {
    pub(crate) fn as_words(self) -> *mut SlotWords {
        self.0.as_ptr()
    }

    /// # Safety
    /// `words` came from [`Slot::as_words`] (L1).
    pub(crate) unsafe fn from_words(words: *mut SlotWords) -> Slot {
        // SAFETY: slots are never at null.
        Slot(unsafe { NonNull::new_unchecked(words) })
    }
}
