//! The heaps of threads that have ended, waiting for a thread to take them over, or for their spans to be taken one by one.

use core::iter::from_fn;

use crate::class::SizeClass;
use crate::heap::{HeapRef, Standing};
use crate::slot::{Secret, Slot};
use crate::span::SpanRef;

/// How many pooled heaps a refill asks for a span.
const HEAPS_ASKED: usize = 4;

pub(crate) struct Pool {
    first: Option<HeapRef>,
    last: Option<HeapRef>,
}

// SAFETY: heaps are reached under the pool's lock only (H1).
unsafe impl Send for Pool {}

impl Pool {
    pub(crate) const fn new() -> Pool {
        Pool { first: None, last: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn push(&mut self, heap: HeapRef) {
        heap.next_pooled().set(self.first);
        heap.set_standing(Standing::Pooled);
        self.first = Some(heap);
        self.last = self.last.or(self.first);
    }

    pub(crate) fn pop(&mut self) -> Option<HeapRef> {
        let heap = self.first?;
        self.first = heap.next_pooled().take();
        if self.first.is_none() {
            self.last = None;
        }
        heap.set_standing(Standing::Live);
        Some(heap)
    }

    pub(crate) fn heaps(&self) -> impl Iterator<Item = HeapRef> {
        let mut next = self.first;
        from_fn(move || {
            let heap = next?;
            next = heap.next_pooled().get();
            Some(heap)
        })
    }

    /// Moves the first heap to the end: the next refill asks others.
    fn rotate(&mut self) {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            return;
        };
        if let Some(second) = first.next_pooled().take() {
            last.next_pooled().set(Some(first));
            self.first = Some(second);
            self.last = Some(first);
        }
    }

    /// A span of `class` with free slots, from one of the heaps, for `taker`.
    ///
    /// # Errors
    /// A free slot that somebody wrote to.
    pub(crate) fn take_span(&mut self, class: SizeClass, taker: HeapRef, secret: Secret) -> Result<Option<SpanRef>, Slot> {
        for _ in 0..HEAPS_ASKED {
            let Some(heap) = self.first else {
                break;
            };
            heap.collect(secret)?;
            if let Some(span) = heap.give_up(class, taker) {
                return Ok(Some(span));
            }
            self.rotate();
        }
        Ok(None)
    }
}
