//! Free pages inside spans that have live slots: out of the free lists, so that their memory can
//! go.

use core::ops::Range;
use core::ptr::NonNull;

use super::ThreadHeapRef;
use crate::config::policy::{IDLE_PAGES_PER_SPAN_MIN, IDLE_SPANS_DUG_MAX};
use crate::span::class::SizeClass;
use crate::span::holes::runs;
use crate::span::owned::OwnedSpan;
use crate::span::slot::{Secret, Slot};
use crate::support::lock::Gate;

/// Which free pages lose their memory. But for all of them, bins stay as they are, and so does the
/// first slot of every list: a signal handler may be here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigScope {
    /// All. Bins are empty afterwards.
    All,
    /// Those of partial spans that were idle for an epoch, a few spans at a time.
    Idle,
    /// Those of partial spans with many pages that have no live slot, as many as are wanted.
    Sparse,
}

/// What a heap has in its partial spans.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Survey {
    free_bytes: usize,
    sparse_bytes: usize,
    hole_bytes: usize,
}

impl Survey {
    /// Bytes in free slots.
    pub(crate) fn free_bytes(&self) -> usize {
        self.free_bytes
    }

    /// Bytes of pages without a live slot that are worth digging for, by a guess.
    pub(crate) fn sparse_bytes(&self) -> usize {
        self.sparse_bytes
    }

    /// Bytes of holes.
    pub(crate) fn hole_bytes(&self) -> usize {
        self.hole_bytes
    }
}

/// How pages lose their memory.
pub(crate) struct Digger<'dig> {
    page_bytes: usize,
    secret: Secret,
    spared: Range<usize>,
    bytes_wanted: usize,
    bytes_dug: usize,
    gate: &'dig Gate,
    decommit: &'dig dyn Fn(NonNull<u8>, usize) -> bool,
}

impl ThreadHeapRef {
    /// Makes holes of free pages in spans that have a live slot. The heaps of a limit, and hardened
    /// ones, have none.
    ///
    /// # Errors
    /// A free slot that was written to.
    pub(crate) fn dig(self, scope: DigScope, digger: &mut Digger<'_>) -> Result<(), Slot> {
        let mut result = Ok(());
        if !self.may_dig() {
            return result;
        }
        if scope == DigScope::All {
            SizeClass::all().for_each(|class| self.retire_current(class, digger.secret));
        }
        let mut idle_left = IDLE_SPANS_DUG_MAX;
        // Those with the largest slots first: they are the cheapest to dig.
        for class in SizeClass::all().rev() {
            for span in self.partial(class).iter() {
                if idle_left == 0 || digger.is_over() {
                    return result;
                }
                let is_wanted = match scope {
                    DigScope::All => true,
                    DigScope::Idle => span.is_idle_with(IDLE_PAGES_PER_SPAN_MIN * digger.page_bytes),
                    DigScope::Sparse => span.sparse_bytes(digger.page_bytes) > 0,
                };
                if is_wanted {
                    idle_left -= usize::from(scope == DigScope::Idle);
                    result = result.and(digger.dig_span(span, scope != DigScope::All));
                }
            }
        }
        result
    }

    /// What the heap may dig for.
    pub(crate) fn survey(self, page_bytes: usize) -> Survey {
        let mut survey = Survey::default();
        if !self.may_dig() {
            return survey;
        }
        for class in SizeClass::all() {
            for span in self.partial(class).iter() {
                survey.free_bytes += span.present_bytes().saturating_sub(span.countdown() as usize * span.slot_bytes());
                survey.sparse_bytes += span.sparse_bytes(page_bytes);
                survey.hole_bytes += span.hole_bytes();
            }
        }
        survey
    }

    fn may_dig(self) -> bool {
        self.quota.is_none() && self.policy.digs_holes()
    }
}

impl<'dig> Digger<'dig> {
    /// Spans that begin in `spared` have no holes. `decommit` is called with each run of pages;
    /// where it refuses, they are none. A fork that is near ends the work after a span, and so do
    /// as many bytes as are wanted.
    pub(crate) fn new(
        page_bytes: usize,
        secret: Secret,
        spared: Range<usize>,
        bytes_wanted: usize,
        gate: &'dig Gate,
        decommit: &'dig dyn Fn(NonNull<u8>, usize) -> bool,
    ) -> Digger<'dig> {
        Digger { page_bytes, secret, spared, bytes_wanted, bytes_dug: 0, gate, decommit }
    }

    /// Bytes that lost their memory.
    pub(crate) fn bytes_dug(&self) -> usize {
        self.bytes_dug
    }

    fn is_over(&self) -> bool {
        self.bytes_dug >= self.bytes_wanted || self.gate.is_fork_near()
    }

    fn dig_span(&mut self, span: OwnedSpan, keeps_first: bool) -> Result<(), Slot> {
        if self.spared.contains(&span.address()) {
            return Ok(());
        }
        for (at, bytes) in runs(span.dig(self.page_bytes, self.secret, keeps_first)?) {
            // SAFETY: holes lie within the span.
            let start = unsafe { span.start().add(at) };
            if (self.decommit)(start, bytes) {
                self.bytes_dug += bytes;
            } else {
                span.undig(at, bytes, self.secret);
            }
        }
        Ok(())
    }
}
