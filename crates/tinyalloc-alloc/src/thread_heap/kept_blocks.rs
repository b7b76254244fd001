//! Freed large blocks that a thread heap keeps: the owner thread takes one of them again without a
//! lock.

use core::cell::Cell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use crate::config::policy::{
    KEPT_BLOCK_SLICES_MAX, KEPT_BLOCKS_MAX, KEPT_RETURNS_MIN, KEPT_SLICES_MAX, KEPT_WASTE_PART, LENT_SLICES,
};
use crate::span::Span;
use crate::span::span_ref::SpanRef;

/// The number of slices less one lies in the low bits of the address.
const SLICES_MASK: usize = align_of::<Span>() - 1;
const _: () = assert!(KEPT_BLOCK_SLICES_MAX <= SLICES_MASK + 1);

/// A place for a kept block, which holds the address of its record and its slices in one word.
///
/// Invariant K2: only the thread of the heap puts a record there, one of a block of the global heap
/// whose owner is [`Owner::Kept`](crate::span::owner::Owner::Kept). Who takes it out by
/// compare-and-swap owns the block.
struct KeptBlock(AtomicPtr<Span>);

impl KeptBlock {
    /// Slices of the block there; 1 if there is none, which no large block is as small as.
    fn slices(word: *mut Span) -> usize {
        (word.addr() & SLICES_MASK) + 1
    }

    fn take(&self, word: *mut Span) -> Option<SpanRef> {
        if word.is_null() {
            return None;
        }
        let taken = self.0.compare_exchange(word, null_mut(), Ordering::Acquire, Ordering::Relaxed).is_ok();
        // SAFETY: a word that is not null holds a record's address (K2).
        taken.then(|| unsafe { SpanRef::from_raw(word.map_addr(|address| address & !SLICES_MASK)) })
    }
}

/// The blocks, in no order.
pub(crate) struct KeptBlocks {
    blocks: [KeptBlock; KEPT_BLOCKS_MAX],
    slices: Cell<usize>,
    next_out: Cell<usize>,
    licensed_until: AtomicU64,
    used: AtomicBool,
    lent: AtomicUsize,
    lent_used: AtomicBool,
    freed: Cell<usize>,
    returns: Cell<u32>,
}

impl KeptBlocks {
    pub(super) const fn new() -> KeptBlocks {
        KeptBlocks {
            blocks: [const { KeptBlock(AtomicPtr::new(null_mut())) }; KEPT_BLOCKS_MAX],
            slices: Cell::new(0),
            next_out: Cell::new(0),
            licensed_until: AtomicU64::new(0),
            used: AtomicBool::new(false),
            lent: AtomicUsize::new(0),
            lent_used: AtomicBool::new(false),
            freed: Cell::new(0),
            returns: Cell::new(0),
        }
    }
}

/// For the thread of the heap, and for signal handlers that interrupt it: each change is one atomic
/// access.
impl KeptBlocks {
    /// Until then, frees may keep their block.
    pub(crate) fn license(&self, until_milliseconds: u64) {
        self.used.store(true, Ordering::Relaxed);
        self.licensed_until.store(until_milliseconds, Ordering::Relaxed);
    }

    /// Whether a free may keep its block.
    pub(crate) fn is_licensed(&self, now_milliseconds: impl FnOnce() -> u64) -> bool {
        let until = self.licensed_until.load(Ordering::Relaxed);
        until > 0 && now_milliseconds() < until
    }

    /// A place for a block of so many slices, if the budget allows for it.
    pub(crate) fn place_for(&self, slices: usize) -> Option<usize> {
        if slices > KEPT_BLOCK_SLICES_MAX || self.has_no_room(slices) {
            return None;
        }
        self.blocks.iter().position(|block| block.0.load(Ordering::Relaxed).is_null())
    }

    /// What others took is noticed when there seems to be no room.
    fn has_no_room(&self, slices: usize) -> bool {
        let most = KEPT_SLICES_MAX + self.lent.load(Ordering::Relaxed);
        if self.slices.get() + slices > most {
            let words = self.blocks.iter().map(|block| block.0.load(Ordering::Relaxed));
            self.slices.set(words.filter(|word| !word.is_null()).map(KeptBlock::slices).sum());
        }
        self.slices.get() + slices > most
    }

    /// Keeps a block; false if a signal handler came first.
    pub(crate) fn put(&self, place: usize, span: SpanRef) -> bool {
        self.used.store(true, Ordering::Relaxed);
        self.slices.set(self.slices.get() + span.slices() as usize);
        let word = span.as_ptr().map_addr(|address| address | (span.slices() as usize - 1));
        self.blocks[place].0.compare_exchange(null_mut(), word, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// A block of at least so many slices, and not of many more: the first that fits well.
    pub(crate) fn take(&self, slices: usize) -> Option<SpanRef> {
        let waste_max = slices / KEPT_WASTE_PART;
        for block in &self.blocks {
            let word = block.0.load(Ordering::Relaxed);
            let found = KeptBlock::slices(word);
            if found.wrapping_sub(slices) <= waste_max {
                self.used.store(true, Ordering::Relaxed);
                self.slices.set(self.slices.get().saturating_sub(found));
                if found > KEPT_SLICES_MAX {
                    self.lent_used.store(true, Ordering::Relaxed);
                }
                return block.take(word);
            }
        }
        None
    }

    /// A block makes room for others: each in its turn.
    pub(crate) fn take_next(&self) -> Option<SpanRef> {
        let next = self.next_out.get() % KEPT_BLOCKS_MAX;
        self.next_out.set(next + 1);
        let block = &self.blocks[next];
        block.take(block.0.load(Ordering::Relaxed))
    }
}

/// For the thread of the heap, with the lock of the space.
impl KeptBlocks {
    /// A block of so many slices was freed that there was no room for.
    pub(crate) fn note_freed(&self, slices: usize) {
        self.freed.set(slices);
    }

    /// A block of so many slices was taken from the space.
    pub(crate) fn note_taken(&self, slices: usize) {
        let returns = if self.freed.replace(0) == slices { self.returns.get().saturating_add(1) } else { 0 };
        self.returns.set(returns);
    }

    /// Whether room would be used for what is freed.
    pub(crate) fn is_room_wanted(&self) -> bool {
        self.returns.get() >= KEPT_RETURNS_MIN
    }

    /// Whether there is room for what is larger than all that a thread may keep otherwise.
    pub(crate) fn is_lent_room(&self) -> bool {
        self.lent.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn lend_room(&self) {
        self.lent_used.store(true, Ordering::Relaxed);
        self.lent.store(LENT_SLICES, Ordering::Relaxed);
    }
}

/// For any thread with the lock of the space.
impl KeptBlocks {
    /// The room that was lent is another thread's; how much it is.
    pub(crate) fn end_loan(&self) -> usize {
        let lent = self.lent.load(Ordering::Relaxed);
        self.lent.store(0, Ordering::Relaxed);
        lent
    }

    /// Whether room is lent that was not used since this was asked last.
    pub(crate) fn is_loan_idle(&self) -> bool {
        self.is_lent_room() && !self.lent_used.swap(false, Ordering::Relaxed)
    }
}

/// For any thread.
impl KeptBlocks {
    /// A block, if any is left.
    pub(crate) fn take_any(&self) -> Option<SpanRef> {
        self.blocks.iter().find_map(|block| block.take(block.0.load(Ordering::Relaxed)))
    }

    /// Whether the thread used any since this was asked last.
    pub(crate) fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}
