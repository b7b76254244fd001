//! Free pages inside spans that have live slots: out of the free lists, so that their memory can
//! go.

use core::ptr::NonNull;

use super::ThreadHeapRef;
use crate::config::policy::{IDLE_FREE_BYTES_MIN, IDLE_PAGES_PER_SPAN_MIN, IDLE_SPANS_DUG_MAX};
use crate::span::class::SizeClass;
use crate::span::holes::runs;
use crate::span::owned::OwnedSpan;
use crate::span::slot::{Secret, Slot};

impl ThreadHeapRef {
    /// Makes holes of all free pages in spans that have a live slot, and calls `decommit` with each
    /// run of them; where it refuses, they are none. Bins are empty afterwards. The heaps of a
    /// limit, and hardened ones, have none.
    ///
    /// # Errors
    /// A free slot that was written to.
    pub(crate) fn dig(
        self,
        page_bytes: usize,
        secret: Secret,
        decommit: &mut dyn FnMut(NonNull<u8>, usize) -> bool,
    ) -> Result<(), Slot> {
        if !self.may_dig() {
            return Ok(());
        }
        let mut result = Ok(());
        for class in SizeClass::all() {
            self.retire_current(class, secret);
            for span in self.partial(class).iter() {
                result = result.and(dig_span(span, page_bytes, secret, false, decommit));
            }
        }
        result
    }

    /// As [`ThreadHeapRef::dig`], in partial spans that were idle for an epoch, a few at a time, if
    /// the heap has much in free slots. Bins stay as they are, and so does the first slot of every
    /// list: a signal handler may be here.
    ///
    /// # Errors
    /// A free slot that was written to.
    pub(crate) fn dig_idle(
        self,
        page_bytes: usize,
        secret: Secret,
        decommit: &mut dyn FnMut(NonNull<u8>, usize) -> bool,
    ) -> Result<(), Slot> {
        let mut result = Ok(());
        if !self.may_dig() || self.free_in_partial() < IDLE_FREE_BYTES_MIN {
            return result;
        }
        let mut left = IDLE_SPANS_DUG_MAX;
        for span in SizeClass::all().flat_map(|class| self.partial(class).iter()) {
            if left > 0 && span.is_idle_with(IDLE_PAGES_PER_SPAN_MIN * page_bytes) {
                left -= 1;
                result = result.and(dig_span(span, page_bytes, secret, true, decommit));
            }
        }
        result
    }

    fn may_dig(self) -> bool {
        self.quota.is_none() && self.policy.digs_holes()
    }

    /// Bytes in free slots of partial spans, about.
    fn free_in_partial(self) -> usize {
        let free = |span: OwnedSpan| {
            let carved = span.slots_carved() as usize * span.slot_bytes();
            carved.saturating_sub(span.hole_bytes() + span.countdown() as usize * span.slot_bytes())
        };
        SizeClass::all().flat_map(|class| self.partial(class).iter()).map(free).sum()
    }
}

fn dig_span(
    span: OwnedSpan,
    page_bytes: usize,
    secret: Secret,
    keeps_first: bool,
    decommit: &mut dyn FnMut(NonNull<u8>, usize) -> bool,
) -> Result<(), Slot> {
    for (at, bytes) in runs(span.dig(page_bytes, secret, keeps_first)?) {
        // SAFETY: holes lie within the span.
        let start = unsafe { span.start().add(at) };
        if !decommit(start, bytes) {
            span.undig(at, bytes, secret);
        }
    }
    Ok(())
}
