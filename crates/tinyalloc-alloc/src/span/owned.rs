//! Who may touch which field of a record, by type: an atomic is any thread's, the other two are the
//! owner's.

use core::cell::Cell;
use core::ops::Deref;
use core::ptr::NonNull;

use super::Span;
use super::slot::Slot;
use super::span_ref::SpanRef;

/// A field that only the owner of the span touches.
#[repr(transparent)]
pub(super) struct Owned<T>(Cell<T>);

impl<T> Owned<T> {
    pub(super) const fn new(value: T) -> Owned<T> {
        Owned(Cell::new(value))
    }

    /// # Safety
    /// The caller owns the span (S2), or is content with what another thread half changed.
    pub(super) const unsafe fn cell(&self) -> &Cell<T> {
        &self.0
    }
}

/// A field that only the owner writes, while no other thread has a slot of the span, and any thread
/// reads that has one.
#[repr(transparent)]
pub(super) struct Published<T>(Cell<T>);

impl<T: Copy> Published<T> {
    pub(super) const fn new(value: T) -> Published<T> {
        Published(Cell::new(value))
    }

    pub(super) fn get(&self) -> T {
        self.0.get()
    }

    pub(super) fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// # Safety
    /// The caller owns the span, and no other thread has a slot of it (S2).
    pub(super) unsafe fn set(&self, value: T) {
        self.0.set(value);
    }
}

/// A span, for its owner: a [`SpanRef`] and the promise of S2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct OwnedSpan(SpanRef);

impl Deref for OwnedSpan {
    type Target = SpanRef;

    #[inline(always)]
    fn deref(&self) -> &SpanRef {
        &self.0
    }
}

impl SpanRef {
    /// # Safety
    /// The caller owns the span for as long as it keeps this (S2).
    #[inline(always)]
    pub(crate) const unsafe fn owned(self) -> OwnedSpan {
        OwnedSpan(self)
    }
}

impl OwnedSpan {
    /// Never written to: it has nothing to carve, and no slot to free.
    pub(crate) const NONE: OwnedSpan = OwnedSpan(SpanRef::NONE);

    /// # Safety
    /// `record` is one (S1), of a span that the caller owns (S2).
    pub(super) unsafe fn from_record(record: NonNull<Span>) -> OwnedSpan {
        // SAFETY: the caller's promise.
        OwnedSpan(unsafe { SpanRef::from_raw(record.as_ptr()) })
    }

    /// The list that freed slots go to: the record's own, or the bin of a heap.
    #[inline(always)]
    pub(super) fn head(&self) -> &Cell<*const Cell<Slot>> {
        // SAFETY: S2.
        unsafe { self.head.cell() }
    }

    #[inline(always)]
    pub(super) fn list(&self) -> &Cell<Slot> {
        // SAFETY: S2.
        unsafe { self.list.cell() }
    }

    /// What the span was when it was last looked at for holes.
    pub(super) fn looked_at(&self) -> &Cell<u16> {
        // SAFETY: S2.
        unsafe { self.looked_at.cell() }
    }

    #[inline(always)]
    pub(super) fn countdown_left(&self) -> &Cell<u32> {
        // SAFETY: S2.
        unsafe { self.countdown.cell() }
    }
}
