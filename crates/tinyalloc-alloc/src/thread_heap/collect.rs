//! What other threads freed, brought home.

use core::sync::atomic::Ordering;

use tinyalloc_array::Array;

use super::ThreadHeapRef;
use super::state::PoolAge;
use crate::config::policy::WALKS_AT_ONCE;
use crate::span::owner::Owner;
use crate::span::remote::{Step, TakenSpans, Walk};
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
        let mut dirty = self.dirty.take_all();
        let mut walks: Array<Walk, WALKS_AT_ONCE> = Array::new();
        let mut bring_home = |walk: &Walk, step| match step {
            Step::Ended => self.bring_home(walk, secret),
            _ => result = result.and(Err(walk.freed().last())),
        };
        loop {
            while !walks.is_full() {
                let Some(mut walk) = self.next_walk(&mut dirty) else { break };
                match walk.step(secret) {
                    Step::Further => drop(walks.push(walk)),
                    end => bring_home(&walk, end),
                }
            }
            if walks.is_empty() {
                return result;
            }
            // By turns: the slots lie in another processor's cache, and of each list one is on its
            // way.
            let mut turn = 0;
            while let Some(walk) = walks.as_mut_slice().get_mut(turn) {
                match walk.step(secret) {
                    Step::Further => turn += 1,
                    end => {
                        bring_home(walk, end);
                        let last = walks.pop();
                        if let (Some(walk), Some(last)) = (walks.as_mut_slice().get_mut(turn), last) {
                            *walk = last;
                        }
                    }
                }
            }
        }
    }

    /// Takes the remote list of the next span of this heap's.
    fn next_walk(self, dirty: &mut TakenSpans) -> Option<Walk> {
        loop {
            let span = dirty.next()?;
            match span.owner() {
                owner if owner == self.owner() => {
                    if let Some(walk) = Walk::begin(span) {
                        return Some(walk);
                    }
                }
                // SAFETY: an owner that is a heap is one (H2).
                Owner::Heap(bins) => unsafe { ThreadHeapRef::from_bins(bins) }.dirty.push(span),
                Owner::Nobody | Owner::Large | Owner::Kept | Owner::Emergency => {
                    debug_assert!(false, "a span without a heap is dirty");
                }
            }
        }
    }

    /// What a walk found is free from here on.
    #[inline(never)]
    fn bring_home(self, walk: &Walk, secret: Secret) {
        let (span, freed) = (walk.span(), walk.freed());
        // SAFETY: it is one of this heap's (H1).
        let span = unsafe { span.owned() };
        span.absorb(freed, secret);
        self.mark_some(span.first_free(), freed.slots() as usize, span.class(), secret);
        // No other thread writes it; a reader may come at any time.
        self.remote_frees.store(self.remote_frees.load(Ordering::Relaxed) + freed.slots() as usize, Ordering::Relaxed);
        match span.state() {
            // Of a pooled heap it may be empty now.
            SpanState::Current | SpanState::Lending => self.pool_age.set(PoolAge::Seen),
            SpanState::Spare | SpanState::Large => {}
            SpanState::Full | SpanState::Partial if freed.slots() < span.countdown() => {
                span.spend(freed.slots());
                self.stop_at_mark(span);
            }
            SpanState::Full | SpanState::Partial => self.relist(span, span.live() - freed.slots()),
        }
    }
}
