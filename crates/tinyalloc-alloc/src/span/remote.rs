//! Remote frees: how a slot freed by a thread that does not own its span finds its way back.
//!
//! 1. The freeing thread pushes the slot on the span's remote list.
//! 2. If the list was empty, it pushes the span on the dirty stack of the heap that owns it.
//! 3. The owner takes its whole dirty stack, reads each span's link, and only then empties that
//!    span's remote list.
//!
//! The thread that turned an empty list into a non-empty one pushes the span, and no other thread:
//! a span is on at most one dirty stack, once. Nothing here blocks or takes a lock, so that signal
//! handlers may free, too. A span whose owner changed between 1 and 2 lands on its old owner's
//! stack, which forwards it.

use core::ptr::{NonNull, null_mut};

use super::Span;
use super::free_list::FreedList;
use super::slot::{Secret, Slot};
use super::span_ref::SpanRef;
use crate::sync::{AtomicPtr, Ordering};

/// More slots than any span has.
const SLOTS_MAX: u32 = 1 << 16;

/// The spans of one heap that have remote frees waiting. A `List` of tinyalloc-list has one owner;
/// here any thread pushes.
pub(crate) struct DirtyStack {
    top: AtomicPtr<Span>,
}

impl DirtyStack {
    pub(crate) const fn new() -> DirtyStack {
        DirtyStack { top: AtomicPtr::new(null_mut()) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.top.load(Ordering::Relaxed).is_null()
    }

    pub(crate) fn push(&self, span: SpanRef) {
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            span.dirty_next().store(top, Ordering::Relaxed);
            match self.top.compare_exchange_weak(top, span.as_ptr(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Takes every span; each is yielded after its link was read, so that it may be pushed again at
    /// once.
    pub(crate) fn take_all(&self) -> TakenSpans {
        TakenSpans { next: self.top.swap(null_mut(), Ordering::Acquire) }
    }
}

pub(crate) struct TakenSpans {
    next: *mut Span,
}

impl Iterator for TakenSpans {
    type Item = SpanRef;

    fn next(&mut self) -> Option<SpanRef> {
        if self.next.is_null() {
            return None;
        }
        // SAFETY: only records are pushed (S1).
        let span = unsafe { SpanRef::from_raw(self.next) };
        self.next = span.dirty_next().load(Ordering::Relaxed);
        Some(span)
    }
}

/// Puts `slot` on the remote list of its span. True: the list was empty, and the caller must push
/// the span on its owner's stack.
#[must_use]
pub(crate) fn push_remote(span: SpanRef, slot: Slot, secret: Secret) -> bool {
    let mut head = span.remote().load(Ordering::Relaxed);
    loop {
        let next = if head.is_null() {
            Slot::END
        } else {
            // SAFETY: the list holds slots only.
            unsafe { Slot::from_words(head) }
        };
        slot.sign(next, secret);
        // Acquire: the owner that emptied the list has read the span's link before we overwrite it.
        match span.remote().compare_exchange_weak(head, slot.as_words(), Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return head.is_null(),
            Err(now) => head = now,
        }
    }
}

/// Puts back what was taken, before what came since. True: as of [`push_remote`].
#[must_use]
pub(crate) fn put_back_remote(span: SpanRef, freed: &FreedList, secret: Secret) -> bool {
    let mut head = span.remote().load(Ordering::Relaxed);
    loop {
        let next = if head.is_null() {
            Slot::END
        } else {
            // SAFETY: the list holds slots only.
            unsafe { Slot::from_words(head) }
        };
        freed.last().sign(next, secret);
        match span.remote().compare_exchange_weak(head, freed.first().as_words(), Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return head.is_null(),
            Err(now) => head = now,
        }
    }
}

/// A remote list that was taken, and is walked to see each signature and how many slots there are.
pub(crate) struct Walk {
    span: SpanRef,
    freed: FreedList,
}

/// Where a step leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Further,
    /// The last slot was the list's last.
    Ended,
    /// The program wrote to the last slot after it was freed, and what follows is lost. Or two
    /// threads freed one slot at the same time and both found it live: the list leads back to
    /// itself.
    Tampered,
}

impl Walk {
    /// Empties the remote list of a span; `None` if it is empty.
    #[inline(always)]
    pub(crate) fn begin(span: SpanRef) -> Option<Walk> {
        let head = NonNull::new(span.remote().swap(null_mut(), Ordering::AcqRel))?;
        // SAFETY: the list holds slots only.
        let first = unsafe { Slot::from_words(head.as_ptr()) };
        Some(Walk { span, freed: FreedList::of(first) })
    }

    pub(crate) fn span(&self) -> SpanRef {
        self.span
    }

    /// The slots that were met.
    pub(crate) fn freed(&self) -> &FreedList {
        &self.freed
    }

    #[inline(always)]
    pub(crate) fn step(&mut self, secret: Secret) -> Step {
        match self.freed.last().next(secret) {
            Some(next) if next.is_end() => Step::Ended,
            Some(next) if self.freed.slots() <= SLOTS_MAX => {
                self.freed.extend(next);
                Step::Further
            }
            _ => Step::Tampered,
        }
    }
}

/// Empties the remote list, checking every signature.
///
/// # Errors
/// The slot that the program wrote to after it was freed. The rest of the list is lost then.
pub(crate) fn take_remote(span: SpanRef, secret: Secret) -> Result<Option<FreedList>, Slot> {
    let Some(mut walk) = Walk::begin(span) else {
        return Ok(None);
    };
    loop {
        match walk.step(secret) {
            Step::Further => {}
            Step::Ended => return Ok(Some(walk.freed)),
            Step::Tampered => return Err(walk.freed().last()),
        }
    }
}
