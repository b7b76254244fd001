//! What other threads freed, brought home.

use core::sync::atomic::Ordering;

use super::ThreadHeapRef;
use super::state::PoolAge;
use crate::span::owner::Owner;
use crate::span::remote::take_remote;
use crate::span::slot::{Secret, Slot};
use crate::span::span_ref::SpanRef;
use crate::span::state::SpanState;

impl ThreadHeapRef {
    pub(crate) fn push_dirty(self, span: SpanRef) {
        self.dirty.push(span);
    }

    /// Brings home what other threads freed.
    ///
    /// # Errors
    /// A free slot that the program wrote to.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn collect(self, secret: Secret) -> Result<(), Slot> {
        if self.dirty.is_empty() {
            return Ok(());
        }
        let mut result = Ok(());
        for span in self.dirty.take_all() {
            match span.owner() {
                owner if owner == self.owner() => result = result.and(self.integrate(span, secret)),
                // SAFETY: an owner that is a heap is one (H2).
                Owner::Heap(bins) => unsafe { ThreadHeapRef::from_bins(bins) }.dirty.push(span),
                Owner::Nobody | Owner::Large | Owner::Kept | Owner::Emergency => {
                    debug_assert!(false, "a span without a heap is dirty")
                }
            }
        }
        result
    }

    fn integrate(self, span: SpanRef, secret: Secret) -> Result<(), Slot> {
        let Some(freed) = take_remote(span, secret)? else {
            return Ok(());
        };
        // SAFETY: it is one of this heap's (H1).
        let span = unsafe { span.owned() };
        if span.state() == SpanState::Lending && freed.slots() >= span.countdown() {
            self.end_lending(span);
        }
        span.absorb(&freed, secret);
        // No other thread writes it; a reader may come at any time.
        self.remote_frees.store(self.remote_frees.load(Ordering::Relaxed) + freed.slots() as usize, Ordering::Relaxed);
        match span.state() {
            // Of a pooled heap it may be empty now.
            SpanState::Current => self.pool_age.set(PoolAge::Seen),
            SpanState::Lending => {
                span.spend(freed.slots());
                self.pool_age.set(PoolAge::Seen);
            }
            SpanState::Spare | SpanState::Large => {}
            SpanState::Full | SpanState::Partial if freed.slots() < span.countdown() => span.spend(freed.slots()),
            SpanState::Full | SpanState::Partial => self.relist(span, span.live() - freed.slots()),
        }
        Ok(())
    }
}
