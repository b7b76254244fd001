//! Who a span belongs to.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::Span;
use super::bins::Bins;

/// Who a span belongs to, when it is no heap: addresses that no heap has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// There is no live span here.
    Nobody,
    /// One large block; the space's lock guards it.
    Large,
    /// A freed large block that a thread keeps.
    Kept,
    /// The slots that serve a signal handler which interrupted the allocator.
    Emergency,
    /// A heap.
    Heap(NonNull<Bins>),
}

const NOBODY: usize = 1;
const LARGE: usize = 2;
const EMERGENCY: usize = 3;
const KEPT: usize = 4;

impl Owner {
    pub(super) const fn pointer(self) -> *mut Bins {
        match self {
            Owner::Nobody => NOBODY as *mut Bins,
            Owner::Large => LARGE as *mut Bins,
            Owner::Emergency => EMERGENCY as *mut Bins,
            Owner::Kept => KEPT as *mut Bins,
            Owner::Heap(heap) => heap.as_ptr(),
        }
    }
}

impl Span {
    pub(crate) fn set_owner(&self, owner: Owner) {
        self.owner.store(owner.pointer(), Ordering::Release);
    }

    /// Forgets the owner: the record is about to be retired.
    pub(crate) fn disown(&self) {
        self.set_owner(Owner::Nobody);
    }

    /// Takes a large block away from its owner; true for one caller only.
    pub(crate) fn claim_large(&self) -> bool {
        let (large, nobody) = (Owner::Large.pointer(), Owner::Nobody.pointer());
        self.owner.compare_exchange(large, nobody, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// As [`Span::claim_large`], for a thread that keeps the block.
    pub(crate) fn begin_keeping(&self) -> bool {
        let (large, kept) = (Owner::Large.pointer(), Owner::Kept.pointer());
        let begins = self.owner.compare_exchange(large, kept, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if begins {
            // SAFETY: the block is the caller's alone.
            unsafe { self.zeroed.set(false) };
        }
        begins
    }

    /// A kept block, which the caller has taken, is a live one again.
    pub(crate) fn end_keeping(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.set_owner(Owner::Large);
    }

    /// The owner as a heap's bins; what is no heap equals no thread's.
    #[inline(always)]
    pub(crate) fn owner_bins(&self) -> *const Bins {
        self.owner.load(Ordering::Relaxed)
    }

    /// Whether its slots are a heap's.
    pub(crate) fn has_heap(&self) -> bool {
        matches!(self.owner(), Owner::Heap(_))
    }

    pub(crate) fn owner(&self) -> Owner {
        let pointer = self.owner.load(Ordering::Acquire);
        match (pointer.addr(), NonNull::new(pointer)) {
            (LARGE, _) => Owner::Large,
            (EMERGENCY, _) => Owner::Emergency,
            (KEPT, _) => Owner::Kept,
            (NOBODY, _) | (_, None) => Owner::Nobody,
            (_, Some(heap)) => Owner::Heap(heap),
        }
    }
}
