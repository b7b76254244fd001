//! The state of a span, now that slots were freed or taken.

use super::ThreadHeapRef;
use crate::span::class::SizeClass;
use crate::span::owned::OwnedSpan;
use crate::span::slot::Secret;
use crate::span::span_ref::SpanRef;
use crate::span::state::SpanState;

impl ThreadHeapRef {
    /// The span's countdown is at zero.
    pub(crate) fn on_countdown_zero(self, span: OwnedSpan, secret: Secret) {
        // A signal handler may have come first, and have given the span away.
        if span.owner() != self.owner() || self.has_met_mark(span, secret) {
            return;
        }
        match span.state() {
            SpanState::Current | SpanState::Lending | SpanState::Spare | SpanState::Large => {
                span.stop_countdown();
                self.stop_at_mark(span);
            }
            SpanState::Full | SpanState::Partial => self.relist(span, span.live()),
        }
    }

    /// A full span waits until an eighth of it is free; at a limit it takes part with its first
    /// free slot. True if it did.
    pub(crate) fn take_part(self, span: SpanRef, class: SizeClass) -> bool {
        // Its owner first: another thread may be changing the span.
        if span.owner() != self.owner() || span.state() != SpanState::Full || span.class() != class {
            return false;
        }
        // SAFETY: it is one of this heap's (H1).
        let span = unsafe { span.owned() };
        let has_room = span.live() < span.slots_carved();
        if has_room {
            self.relist(span, span.live());
        }
        has_room
    }

    /// Moves a span to where its `live` slots put it.
    pub(super) fn relist(self, span: OwnedSpan, live: u32) {
        let list = self.partial(span.class());
        let was_listed = span.state() == SpanState::Partial;
        if live > 0 {
            span.become_partial(live);
            self.stop_at_mark(span);
            if !was_listed {
                // SAFETY: it was in no list.
                unsafe { list.push_front(span) };
            }
            return;
        }
        if was_listed {
            // SAFETY: it is in that list.
            unsafe { list.remove(span) };
        }
        self.empty_out(span);
    }

    /// A span whose carved slots are all live waits at the end of the line if it can be carved
    /// further: pages that were touched before are used up first.
    pub(super) fn put_aside(self, span: OwnedSpan, class: SizeClass) {
        if !span.can_carve() {
            return self.lend(span, class);
        }
        let present = span.slots_present();
        if present == 0 {
            return self.empty_out(span);
        }
        span.become_partial(present);
        self.stop_at_mark(span);
        // SAFETY: a current span is in no list.
        unsafe { self.partial(class).push_back(span) };
    }

    pub(super) fn empty_out(self, span: OwnedSpan) {
        self.uncount_span(span.class());
        span.become_spare();
        self.keep_spare(span);
    }
}
