//! The heaps of threads that have ended, waiting for a thread to take them over, or for their spans
//! to be taken one by one.

use core::cell::Cell;
use core::iter::from_fn;

use super::ThreadHeapRef;
use super::guests::FindSpan;
use super::state::HeapState;
use crate::config::policy::{POOLED_HEAPS_ASKED, POOLED_HEAPS_LOOKED_AT};
use crate::span::class::SizeClass;
use crate::span::owned::OwnedSpan;
use crate::span::slot::{Secret, Slot};
use crate::support::lock::ThreadId;

/// Linked by one word of each heap. A `List` of tinyalloc-list takes two, so that a node can leave
/// from the middle; heaps never do.
///
/// Invariant P1: the lock of the pool is held for every call, of every pool.
pub(crate) struct Pool {
    first: Cell<Option<ThreadHeapRef>>,
    last: Cell<Option<ThreadHeapRef>>,
}

// SAFETY: heaps are reached under the pool's lock only (H1).
unsafe impl Send for Pool {}

impl Pool {
    pub(crate) const fn new() -> Pool {
        Pool { first: Cell::new(None), last: Cell::new(None) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_none()
    }

    pub(crate) fn push(&self, heap: ThreadHeapRef) {
        heap.next_pooled().set(self.first.get());
        heap.set_thread(None);
        heap.set_state(HeapState::Pooled);
        self.first.set(Some(heap));
        self.last.set(self.last.get().or(Some(heap)));
    }

    /// As [`Pool::push`], behind all others.
    pub(crate) fn push_last(&self, heap: ThreadHeapRef) {
        heap.next_pooled().set(None);
        heap.set_thread(None);
        heap.set_state(HeapState::Pooled);
        match self.last.replace(Some(heap)) {
            Some(last) => last.next_pooled().set(Some(heap)),
            None => self.first.set(Some(heap)),
        }
    }

    /// A heap for `thread`: one whose memory is near to it, if there is one among the first.
    pub(crate) fn pop(&self, thread: ThreadId, node: u32) -> Option<ThreadHeapRef> {
        let looked_at = || self.heaps().take(POOLED_HEAPS_LOOKED_AT);
        let near = looked_at().position(|heap| heap.node() == node);
        self.take_out(near.and_then(|near| looked_at().nth(near.checked_sub(1)?)), thread)
    }

    /// The first heap, for `thread`.
    pub(crate) fn pop_first(&self, thread: ThreadId) -> Option<ThreadHeapRef> {
        self.take_out(None, thread)
    }

    /// The heap behind one, or the first.
    fn take_out(&self, before: Option<ThreadHeapRef>, thread: ThreadId) -> Option<ThreadHeapRef> {
        let link = before.as_ref().map_or(&self.first, |before| before.next_pooled());
        let heap = link.get()?;
        link.set(heap.next_pooled().take());
        if link.get().is_none() {
            self.last.set(before);
        }
        heap.set_state(HeapState::Live);
        heap.set_thread(Some(thread));
        Some(heap)
    }

    pub(crate) fn heaps(&self) -> impl Iterator<Item = ThreadHeapRef> {
        let mut next = self.first.get();
        from_fn(move || {
            let heap = next?;
            next = heap.next_pooled().get();
            Some(heap)
        })
    }

    /// Moves the first heap to the end: the next refill asks others.
    fn rotate(&self) {
        let (Some(first), Some(last)) = (self.first.get(), self.last.get()) else {
            return;
        };
        if let Some(second) = first.next_pooled().take() {
            last.next_pooled().set(Some(first));
            self.first.set(Some(second));
            self.last.set(Some(first));
        }
    }

    /// A span of `class` with free slots, from one of the heaps, for `taker`.
    ///
    /// # Errors
    /// A free slot that the program wrote to.
    pub(crate) fn take_span(
        &self,
        class: SizeClass,
        taker: ThreadHeapRef,
        secret: Secret,
        find: FindSpan<'_>,
    ) -> Result<Option<OwnedSpan>, Slot> {
        let mut asked = 0;
        for _ in 0..POOLED_HEAPS_LOOKED_AT {
            let Some(heap) = self.first.get().filter(|_| asked < POOLED_HEAPS_ASKED) else {
                break;
            };
            if heap.node() != taker.node() {
                self.rotate();
                continue;
            }
            asked += 1;
            heap.collect(secret)?;
            if let Some(span) = heap.surrender_span(class, taker, secret, find)? {
                return Ok(Some(span));
            }
            self.rotate();
        }
        Ok(None)
    }
}
