//! What a span becomes: slots of one class, one large block, or the emergency slots.

use core::ptr::{NonNull, from_ref, null_mut};
use core::sync::atomic::Ordering;

use super::Span;
use super::bins::Bins;
use super::class::SizeClass;
use super::owner::Owner;
use super::slot::Slot;
use super::state::SpanState;

impl Span {
    /// Makes this a span of small slots that belongs to `heap`, with nothing carved yet.
    pub(crate) fn become_small(&self, heap: NonNull<Bins>, class: SizeClass, slots: u32) {
        self.class.set(class.byte());
        self.reciprocal.set(class.reciprocal());
        self.slots.set(slots);
        self.bytes.set(class.bytes());
        self.set_owner(Owner::Heap(heap));
    }

    /// Makes this spare span one of another class, with nothing carved.
    pub(crate) fn recut(&self, class: SizeClass, slots: u32) {
        self.slots_carved.store(0, Ordering::Relaxed);
        self.bound.store(0, Ordering::Relaxed);
        self.list.set(Slot::END);
        self.zeroed.set(false);
        self.class.set(class.byte());
        self.reciprocal.set(class.reciprocal());
        self.slots.set(slots);
        self.bytes.set(class.bytes());
    }

    /// Forgets every slot, and everybody who knows of one: a spare span, as good as new.
    pub(crate) fn start_over(&self) {
        self.remote.store(null_mut(), Ordering::Relaxed);
        self.head.set(from_ref(&self.list));
        self.recut(self.class(), self.slots.get());
        self.become_spare();
    }

    /// Makes this one large block of `bytes`, the whole of its one slot.
    pub(crate) fn become_large(&self, bytes: usize) {
        self.set_state(SpanState::Large);
        self.reciprocal.set(1);
        self.bound.store(1, Ordering::Relaxed);
        self.bytes.set(bytes);
        self.set_owner(Owner::Large);
    }

    /// Makes this the span of `slots` emergency slots of `class`.
    pub(crate) fn become_emergency(&self, class: SizeClass, slots: u32) {
        self.class.set(class.byte());
        self.reciprocal.set(class.reciprocal());
        self.bound.store(class.scale() * u64::from(slots), Ordering::Relaxed);
        self.slots.set(slots);
        self.bytes.set(class.bytes());
        self.set_owner(Owner::Emergency);
    }
}
