//! Which requests are sampled: marks on free slots.
//!
//! A slot becomes free in one of three ways: it is carved, this thread frees it, or it comes home
//! from another thread. Each time it is marked with a probability that only its size decides, and
//! the request that gets a marked slot takes the slow path. So each request is sampled with that
//! probability, whichever way its slot came, and the hit paths have no part in it: a span that this
//! thread frees into has a countdown anyway, which stops at the slot that is to be marked.

use core::cell::Cell;

use super::ThreadHeapRef;
use crate::config::policy::SAMPLES_ROOM_PART;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::owned::OwnedSpan;
use crate::span::slot::{Secret, Slot};
use crate::span::span_ref::SpanRef;
use crate::span::state::SpanState;
use crate::support::exponential::next_mark;

impl ThreadHeapRef {
    /// From here on, one mark falls on so many bytes; on none, if it is 0. Spans that are full, and
    /// so in no list, follow by [`ThreadHeapRef::follow_interval_in`].
    pub(crate) fn follow_interval(self, interval: usize, seed: u64, secret: Secret) {
        let (before, now) = (self.interval.get(), u32::try_from(interval).unwrap_or(u32::MAX));
        self.interval.set(now);
        if before == now || now == 0 {
            return;
        }
        self.random.seed(seed);
        for class in SizeClass::all() {
            self.mark_list(self.bins.head(class), class, secret);
            let current = self.current(class).get();
            if !current.is_none() {
                self.stop_at_mark(current);
            }
            for span in self.partial(class).iter() {
                self.mark_anew(span, secret);
                self.stop_at_mark(span);
            }
        }
        for span in self.spare.iter() {
            self.mark_anew(span, secret);
        }
    }

    /// Marks free slots of a span that is not current, which may have been marked by another
    /// interval, or by none.
    pub(crate) fn mark_anew(self, span: OwnedSpan, secret: Secret) {
        if self.interval.get() > 0 {
            self.mark_list(span.first_free(), span.class(), secret);
        }
    }

    fn mark_list(self, list: &Cell<Slot>, class: SizeClass, secret: Secret) {
        self.mark_some(list, unmark(list, secret), class, secret);
    }

    /// As [`ThreadHeapRef::follow_interval`], for a span that is in no list, if it is this heap's.
    pub(crate) fn follow_interval_in(self, span: SpanRef, secret: Secret) {
        if span.owner() != self.owner() || !matches!(span.state(), SpanState::Full | SpanState::Lending) {
            return;
        }
        // SAFETY: it is one of this heap's (H1).
        let span = unsafe { span.owned() };
        // What is freed of one that lends is in the bin.
        if span.state() == SpanState::Full {
            self.mark_anew(span, secret);
        }
        self.stop_at_mark(span);
    }

    /// Whether there is room for one more sample of `class`, in a heap of sampled blocks: a program
    /// does not come to its limit because of samples.
    pub(crate) fn has_room_for_sample(self, class: SizeClass) -> bool {
        let Some(quota) = self.quota.filter(|quota| quota.limit_bytes() != usize::MAX) else {
            return true;
        };
        let taken: usize = SizeClass::all().map(|class| self.spans(class) * class.span_slices(0) * SLICE_BYTES).sum();
        let part = quota.limit_bytes() / SAMPLES_ROOM_PART;
        let room = quota.limit_bytes().saturating_sub(quota.charged_bytes()) / SAMPLES_ROOM_PART;
        // A span that is there already has a slot, perhaps: then nothing is charged.
        let more = if self.bins.head(class).get().is_end() { class.span_slices(0) * SLICE_BYTES } else { 0 };
        taken + more <= part && room >= class.bytes().max(SLICE_BYTES)
    }

    pub(crate) fn interval(self) -> usize {
        self.interval.get() as usize
    }

    /// Whether a marked slot was taken since this was asked last.
    pub(crate) fn has_taken_marked(self) -> bool {
        self.met_mark.replace(false)
    }

    /// Marks some of the first `slots` of a list, which became free just now.
    #[inline]
    pub(super) fn mark_some(self, list: &Cell<Slot>, slots: usize, class: SizeClass, secret: Secret) {
        if self.interval.get() > 0 && slots > 0 {
            self.mark_each(list, slots, class, secret);
        }
    }

    #[cold]
    #[inline(never)]
    fn mark_each(self, list: &Cell<Slot>, slots: usize, class: SizeClass, secret: Secret) {
        let mut left = slots;
        // What leads to the slots that are left.
        let mut last: Option<Slot> = None;
        while let Some(before) = next_mark(&self.random, left, class.bytes(), self.interval()) {
            for _ in 0..before {
                let Some(slot) = link(list, last, secret) else {
                    return;
                };
                last = Some(slot.unmarked());
            }
            let Some(slot) = link(list, last, secret) else {
                return;
            };
            match last {
                Some(last) => last.sign(slot.marked(class.bytes()), secret),
                None => list.set(slot.marked(class.bytes())),
            }
            last = Some(slot.unmarked());
            left -= before + 1;
        }
    }

    /// The span's countdown, which was set just now, stops at the next free that is to be marked.
    #[inline]
    pub(super) fn stop_at_mark(self, span: OwnedSpan) {
        if self.interval.get() > 0 {
            self.stop_at(span);
        }
    }

    #[cold]
    #[inline(never)]
    fn stop_at(self, span: OwnedSpan) {
        // The last free changes the state of the span: see `has_met_mark`.
        let frees = (span.countdown() as usize).saturating_sub(1);
        let bytes = span.class().bytes();
        if let Some(before) = next_mark(&self.random, frees, bytes, self.interval()) {
            if let Ok(before) = u32::try_from(before) {
                span.stop_after(before + 1);
            }
        }
    }

    /// The countdown of a span is at zero: true if it only stopped, for the slot that was freed
    /// last, which is marked then.
    pub(super) fn has_met_mark(self, span: OwnedSpan, secret: Secret) -> bool {
        if span.has_stopped() {
            let list = span.first_free();
            if self.interval.get() > 0 {
                list.set(list.get().marked(span.class().bytes()));
            }
            self.stop_at_mark(span);
            return true;
        }
        self.mark_some(span.first_free(), 1, span.class(), secret);
        false
    }
}

/// The link in `last`, or where the list begins.
fn link(list: &Cell<Slot>, last: Option<Slot>, secret: Secret) -> Option<Slot> {
    let slot = last.map_or_else(|| Some(list.get()), |last| last.next(secret))?;
    (!slot.is_end()).then_some(slot)
}

/// Takes the marks out of a list. Yields how many slots it has.
fn unmark(list: &Cell<Slot>, secret: Secret) -> usize {
    let (mut slots, mut last) = (0, None::<Slot>);
    while let Some(slot) = link(list, last, secret) {
        if slot.is_marked() {
            match last {
                Some(last) => last.sign(slot.unmarked(), secret),
                None => list.set(slot.unmarked()),
            }
        }
        (slots, last) = (slots + 1, Some(slot.unmarked()));
    }
    slots
}
