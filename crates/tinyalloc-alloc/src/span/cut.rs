//! What a span becomes: slots of one class, one large block, or the emergency slots.

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::Ordering;

use super::bins::Bins;
use super::class::SizeClass;
use super::owned::OwnedSpan;
use super::owner::Owner;
use super::slot::Slot;
use super::state::SpanState;

impl OwnedSpan {
    /// Makes this a span of small slots that belongs to `heap`, with nothing carved yet.
    pub(crate) fn become_small(self, heap: NonNull<Bins>, class: SizeClass, slots: u32) {
        self.set_class(class, slots);
        self.set_owner(Owner::Heap(heap));
    }

    /// Makes this spare span one of another class, with nothing carved.
    pub(crate) fn recut(self, class: SizeClass, slots: u32) {
        self.slots_carved.store(0, Ordering::Relaxed);
        self.bound.store(0, Ordering::Relaxed);
        self.holes.store(0, Ordering::Relaxed);
        self.list().set(Slot::END);
        // SAFETY: S2; no slot is live.
        unsafe { self.zeroed.set(false) };
        self.set_class(class, slots);
    }

    /// Forgets every slot, and everybody who knows of one: a spare span, as good as new.
    pub(crate) fn start_over(self) {
        self.remote.store(null_mut(), Ordering::Relaxed);
        self.head().set(self.list());
        self.recut(self.class(), self.slots.get());
        self.become_spare();
    }

    /// Makes this one large block of `bytes`, the whole of its one slot.
    pub(crate) fn become_large(self, bytes: usize) {
        self.set_state(SpanState::Large);
        // SAFETY: S2; no other thread knows the block yet.
        unsafe { self.reciprocal.set(1) };
        self.bound.store(1, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        self.set_owner(Owner::Large);
    }

    /// Makes this the span of `slots` emergency slots of `class`.
    pub(crate) fn become_emergency(self, class: SizeClass, slots: u32) {
        self.set_class(class, slots);
        self.bound.store(class.scale() * u64::from(slots), Ordering::Relaxed);
        self.set_owner(Owner::Emergency);
    }

    /// A large block has another size.
    ///
    /// # Safety
    /// So many slices are taken for it, from its start on (S4).
    pub(crate) unsafe fn set_size(self, slices: u32, bytes: usize) {
        // SAFETY: S2; its only slot is the caller's.
        unsafe { self.slices.set(slices) };
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    #[inline(always)]
    fn set_class(self, class: SizeClass, slots: u32) {
        // SAFETY: S2; no slot is live.
        unsafe { self.class.set(class.byte()) };
        // SAFETY: as above.
        unsafe { self.reciprocal.set(class.reciprocal()) };
        // SAFETY: as above.
        unsafe { self.slots.set(slots) };
        self.bytes.store(class.bytes(), Ordering::Relaxed);
    }
}
