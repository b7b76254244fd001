//! Spans of another thread's heap that no thread has a slot of: what a trim takes while their owner
//! sleeps.

use core::sync::atomic::Ordering;

use super::ThreadHeapRef;
use super::spare::SpareLimit;
use crate::span::owned::OwnedSpan;
use crate::span::owner::Owner;
use crate::span::remote::{put_back_remote, take_remote};
use crate::span::slot::{Secret, Slot};
use crate::span::span_ref::SpanRef;
use crate::span::state::SpanState;

impl ThreadHeapRef {
    /// Calls `take` with every spare span, and with those that other threads freed every slot of.
    /// Of these the owner thread can neither free nor allocate a slot on its hit path: they are not
    /// current, and no slot is live. Other spans stay as they are.
    ///
    /// # Errors
    /// A free slot that was written to.
    ///
    /// # Safety
    /// The caller has entered the heap for a trim.
    pub(crate) unsafe fn reclaim(self, secret: Secret, mut take: impl FnMut(SpanRef)) -> Result<(), Slot> {
        while let Some(span) = self.pop_spare(SpareLimit::None) {
            take(*span);
        }
        let mut result = Ok(());
        for span in self.dirty.take_all() {
            match (span.owner(), span.state()) {
                (owner, SpanState::Full | SpanState::Lending | SpanState::Partial) if owner == self.owner() => {
                    match self.reclaim_freed(span, secret) {
                        Ok(Some(span)) => take(*span),
                        Ok(None) => {}
                        Err(tampered) => result = Err(tampered),
                    }
                }
                // SAFETY: an owner that is a heap is one (H2).
                (Owner::Heap(bins), _) => unsafe { ThreadHeapRef::from_bins(bins) }.dirty.push(span),
                _ => debug_assert!(false, "a span without a heap has remote frees"),
            }
        }
        result
    }

    /// The span, if other threads freed all of it.
    fn reclaim_freed(self, span: SpanRef, secret: Secret) -> Result<Option<OwnedSpan>, Slot> {
        let Some(freed) = take_remote(span, secret)? else {
            return Ok(None);
        };
        if freed.slots() != span.slots_carved() {
            if put_back_remote(span, &freed, secret) {
                self.dirty.push(span);
            }
            return Ok(None);
        }
        // SAFETY: no thread has a slot of it, and the caller is in the heap.
        let span = unsafe { span.owned() };
        match span.state() {
            // SAFETY: it is in that list.
            SpanState::Partial => unsafe { self.partial(span.class()).remove(span) },
            SpanState::Lending => self.end_lending(span),
            SpanState::Current | SpanState::Full | SpanState::Spare | SpanState::Large => {}
        }
        self.uncount_span(span.class());
        self.uncharge_span(*span);
        self.remote_frees.store(self.remote_frees.load(Ordering::Relaxed) + freed.slots() as usize, Ordering::Relaxed);
        Ok(Some(span))
    }
}
