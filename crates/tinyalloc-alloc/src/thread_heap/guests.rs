//! Guests: free slots in a bin that are not of its current span.
//!
//! A span whose slots are all live *lends* them, if they are large enough: what the owner thread
//! frees of it goes to the bin, whatever span is current, and is at hand for the next request. To
//! its span, a guest is a live slot. No free sends a guest home: a signal handler may be what
//! frees, and the thread that it interrupted about to take the first slots of the bin. Trims do,
//! and what takes spans of a heap that waits for a thread.

use core::ptr::NonNull;

use super::ThreadHeapRef;
use crate::config::policy::{LENT_SLOT_BYTES_MIN, LENT_SLOTS_MAX, LENT_TWICE_BYTES_MIN};
use crate::span::class::SizeClass;
use crate::span::owned::OwnedSpan;
use crate::span::owner::Owner;
use crate::span::remote::push_remote;
use crate::span::slot::{Secret, Slot};
use crate::span::span_ref::SpanRef;
use crate::span::state::SpanState;

/// Finds the span of a slot.
pub(crate) type FindSpan<'find> = &'find dyn Fn(usize) -> Option<SpanRef>;

/// What a class lends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lent {
    slots: u16,
    /// The current span came with most of its slots live.
    churns: bool,
    /// The bin may have guests whose span lends no longer.
    left: bool,
}

impl Lent {
    pub(super) const NONE: Lent = Lent { slots: 0, churns: false, left: false };
}

impl ThreadHeapRef {
    /// Whether the bin of a class may ever have guests. A heap with a limit uses the spans that it
    /// has.
    pub(crate) fn may_lend(self, class: SizeClass) -> bool {
        class.bytes() >= LENT_SLOT_BYTES_MIN && self.quota.is_none() && self.policy.lends_slots()
    }

    /// A span becomes current, and lends once it is full if most of its slots are live: its class
    /// frees and allocates by turns. What is filled at once is freed at once, too.
    pub(super) fn note_churn(self, span: OwnedSpan, class: SizeClass) {
        let is_used = span.state() == SpanState::Partial && span.countdown() >= span.slots() / 2;
        let lent = &self.lent[class.index()];
        lent.set(Lent { churns: is_used && self.may_lend(class), ..lent.get() });
    }

    /// A current span whose slots are all live is replaced.
    pub(super) fn lend(self, span: OwnedSpan, class: SizeClass) {
        let lent = self.lent[class.index()].get();
        let slots = u32::from(lent.slots) + span.slots();
        let most = if class.bytes() < LENT_TWICE_BYTES_MIN { LENT_SLOTS_MAX } else { 2 * LENT_SLOTS_MAX };
        match u16::try_from(slots) {
            Ok(slots) if lent.churns && slots <= most => {
                self.lent[class.index()].set(Lent { slots, ..lent });
                span.become_lending(self.bins.head(class));
            }
            _ => span.become_full(),
        }
        self.stop_at_mark(span);
    }

    /// From here on the freed slots of a span that lends go to its own list.
    pub(super) fn end_lending(self, span: OwnedSpan) {
        let lent = &self.lent[span.class().index()];
        let slots = u16::try_from(span.slots()).unwrap_or(u16::MAX);
        lent.set(Lent { slots: lent.get().slots.saturating_sub(slots), left: true, ..lent.get() });
        span.end_lending();
        self.stop_at_mark(span);
    }

    /// Sends all guests of a class home.
    ///
    /// # Errors
    /// A free slot that was written to.
    #[inline(never)]
    pub(crate) fn send_all_home(self, class: SizeClass, secret: Secret, find: FindSpan<'_>) -> Result<(), Slot> {
        let lent = self.lent[class.index()].get();
        if lent.slots == 0 && !lent.left {
            return Ok(());
        }
        let left = self.send_home(class, secret, find)?;
        let lent = &self.lent[class.index()];
        lent.set(Lent { left, ..lent.get() });
        Ok(())
    }

    /// Sends the guests home that `find` finds the span of. True if guests are left.
    ///
    /// # Errors
    /// A free slot that was written to. What lies behind it in the bin is lost.
    fn send_home(self, class: SizeClass, secret: Secret, find: FindSpan<'_>) -> Result<bool, Slot> {
        let bin = self.bins.head(class);
        let current = *self.current(class).get();
        let (mut slot, mut last) = (bin.replace(Slot::END), None::<Slot>);
        let (mut result, mut left) = (Ok(()), false);
        while !slot.is_end() {
            let Some(next) = slot.next(secret) else {
                result = Err(slot.unmarked());
                break;
            };
            let is_guest = !current.contains(slot.address());
            let home = if is_guest { find(slot.address()) } else { None };
            match home {
                Some(span) => self.send_slot_home(span, slot.unmarked(), secret),
                None => {
                    match last {
                        Some(last) => last.sign(slot, secret),
                        None => bin.set(slot),
                    }
                    last = Some(slot.unmarked());
                    left |= is_guest;
                }
            }
            slot = next;
        }
        if let Some(last) = last {
            last.sign(Slot::END, secret);
        }
        result.map(|()| left)
    }

    /// The span may have gone to another heap meanwhile.
    fn send_slot_home(self, span: SpanRef, slot: Slot, secret: Secret) {
        if span.owner() != self.owner() {
            if push_remote(span, slot, secret) {
                if let Owner::Heap(bins) = span.owner() {
                    // SAFETY: an owner that is a heap is one (H2).
                    unsafe { ThreadHeapRef::from_bins(bins) }.push_dirty(span);
                }
            }
            return;
        }
        // SAFETY: it is one of this heap's (H1).
        let span = unsafe { span.owned() };
        if span.state() == SpanState::Lending {
            self.end_lending(span);
        }
        if span.take_home(slot, secret) {
            self.relist(span, span.live());
        } else {
            self.stop_at_mark(span);
        }
    }

    /// Guests in the bin of a class.
    pub(crate) fn guests(self, class: SizeClass, secret: Secret) -> u32 {
        let current = self.current(class).get();
        let (mut slots, mut slot) = (0, self.bins.head(class).get());
        while let Some(next) = slot.next(secret) {
            slots += u32::from(!current.contains(slot.address()));
            slot = next;
        }
        slots
    }

    /// Whether a slot is in the bin of a class.
    pub(crate) fn has_in_bin(self, start: NonNull<u8>, class: SizeClass, secret: Secret) -> bool {
        self.may_lend(class) && self.bins.head(class).get().leads_to(start, secret)
    }

    /// Free slots of a span that are in the bin of its class.
    pub(crate) fn in_bin(self, span: OwnedSpan, secret: Secret) -> u32 {
        let (mut slots, mut slot) = (0, self.bins.head(span.class()).get());
        while let Some(next) = slot.next(secret) {
            slots += u32::from(span.contains(slot.address()));
            slot = next;
        }
        slots
    }
}
