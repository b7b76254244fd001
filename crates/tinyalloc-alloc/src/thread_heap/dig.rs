//! Free pages inside spans that have live slots: out of the free lists, so that their memory can
//! go.

use core::ptr::NonNull;

use super::ThreadHeapRef;
use super::guests::FindSpan;
use crate::config::policy::{IDLE_FREE_BYTES_MIN, IDLE_PAGES_PER_SPAN_MIN, IDLE_SPANS_DUG_MAX, LEFT_SPANS_DUG_MAX};
use crate::span::class::SizeClass;
use crate::span::holes::runs;
use crate::span::owned::OwnedSpan;
use crate::span::slot::{Secret, Slot};

/// Which free pages lose their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigScope {
    /// All. Bins are empty afterwards.
    All,
    /// Those of partial spans that were idle for an epoch, a few spans at a time, if the heap has
    /// much in free slots. Bins stay as they are, and so does the first slot of every list: a
    /// signal handler may be here.
    Idle,
    /// What a thread left that served for long, as far as that is soon done. Bins are empty
    /// afterwards.
    Left,
}

impl DigScope {
    /// Whether bins may be emptied: the caller has the heap to itself.
    pub(crate) const fn empties_bins(self) -> bool {
        !matches!(self, DigScope::Idle)
    }

    /// Whether memory stays that huge pages would have to be split for.
    pub(crate) const fn spares_huge_pages(self) -> bool {
        !matches!(self, DigScope::All)
    }
}

/// How pages lose their memory.
pub(crate) struct Digger<'dig> {
    page_bytes: usize,
    secret: Secret,
    find: FindSpan<'dig>,
    decommit: &'dig mut dyn FnMut(NonNull<u8>, usize) -> bool,
    is_over: &'dig dyn Fn() -> bool,
}

impl ThreadHeapRef {
    /// Makes holes of free pages in spans that have a live slot. The heaps of a limit, and hardened
    /// ones, have none.
    ///
    /// # Errors
    /// A free slot that was written to.
    pub(crate) fn dig(self, scope: DigScope, digger: &mut Digger<'_>) -> Result<(), Slot> {
        if !self.may_dig() {
            return Ok(());
        }
        match scope {
            DigScope::All => self.dig_all(digger),
            DigScope::Idle => self.dig_idle(digger),
            DigScope::Left => self.dig_left(digger),
        }
    }

    fn dig_all(self, digger: &mut Digger<'_>) -> Result<(), Slot> {
        let mut result = Ok(());
        for class in SizeClass::all() {
            result = result.and(self.retire_current(class, digger.secret, digger.find));
            for span in self.partial(class).iter() {
                if (digger.is_over)() {
                    return result;
                }
                result = result.and(digger.dig_span(span, false));
            }
        }
        result
    }

    fn dig_idle(self, digger: &mut Digger<'_>) -> Result<(), Slot> {
        let mut result = Ok(());
        if self.free_in_partial() < IDLE_FREE_BYTES_MIN {
            return result;
        }
        let mut left = IDLE_SPANS_DUG_MAX;
        for span in SizeClass::all().flat_map(|class| self.partial(class).iter()) {
            if left == 0 || (digger.is_over)() {
                break;
            }
            if span.is_idle_with(IDLE_PAGES_PER_SPAN_MIN * digger.page_bytes) {
                left -= 1;
                result = result.and(digger.dig_span(span, true));
            }
        }
        result
    }

    fn dig_left(self, digger: &mut Digger<'_>) -> Result<(), Slot> {
        let mut result = Ok(());
        for class in SizeClass::all() {
            result = result.and(self.retire_current(class, digger.secret, digger.find));
        }
        let free_bytes = IDLE_PAGES_PER_SPAN_MIN * digger.page_bytes;
        let worth_it = |span: &OwnedSpan| span.free_bytes() >= free_bytes;
        for span in SizeClass::all().flat_map(|class| self.partial(class).iter()).filter(worth_it).take(LEFT_SPANS_DUG_MAX) {
            if (digger.is_over)() {
                break;
            }
            result = result.and(digger.dig_span(span, false));
        }
        result
    }

    fn may_dig(self) -> bool {
        self.quota.is_none() && self.policy.digs_holes()
    }

    /// Bytes in free slots of partial spans, about.
    fn free_in_partial(self) -> usize {
        SizeClass::all().flat_map(|class| self.partial(class).iter()).map(OwnedSpan::free_bytes).sum()
    }
}

impl<'dig> Digger<'dig> {
    /// `decommit` is called with each run of pages; where it refuses, they are no holes. `is_over`
    /// is asked before each span: whether the rest is to be left as it is.
    pub(crate) fn new(
        page_bytes: usize,
        secret: Secret,
        find: FindSpan<'dig>,
        decommit: &'dig mut dyn FnMut(NonNull<u8>, usize) -> bool,
        is_over: &'dig dyn Fn() -> bool,
    ) -> Digger<'dig> {
        Digger { page_bytes, secret, find, decommit, is_over }
    }

    fn dig_span(&mut self, span: OwnedSpan, keeps_first: bool) -> Result<(), Slot> {
        for (at, bytes) in runs(span.dig(self.page_bytes, self.secret, keeps_first)?) {
            // SAFETY: holes lie within the span.
            let start = unsafe { span.start().add(at) };
            if !(self.decommit)(start, bytes) {
                span.undig(at, bytes, self.secret);
            }
        }
        Ok(())
    }
}
