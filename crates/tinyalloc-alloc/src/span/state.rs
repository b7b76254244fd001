//! The state of a span in its heap.

use core::cell::Cell;
use core::ptr::from_ref;
use core::sync::atomic::Ordering;

use super::Span;
use super::owned::OwnedSpan;
use super::slot::{Secret, Slot};

/// The state of a span in its heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum SpanState {
    /// Its free slots are the list of its heap's bin; `countdown` means nothing.
    Current,
    /// In the heap's list of spans with free slots; `countdown` counts its live slots.
    Partial,
    /// In no list; `countdown` counts the frees until it is worth a place among the partial ones.
    Full,
    /// As full, and what is freed of it goes to the bin of its class, where to the span it is still
    /// a live slot; `countdown` means nothing.
    Lending,
    /// No live slot, kept by its heap for whichever class wants a span next.
    Spare,
    /// One block of its own.
    Large,
}

impl SpanState {
    const ALL: [SpanState; 6] =
        [SpanState::Current, SpanState::Partial, SpanState::Full, SpanState::Lending, SpanState::Spare, SpanState::Large];
}

/// While a span is current its frees are not counted: a countdown that no span reaches the end of.
const COUNTDOWN_OFF: u32 = u32::MAX / 2;

/// States; only the owner calls these (S2).
/// For any thread.
impl Span {
    pub(crate) fn state(&self) -> SpanState {
        SpanState::ALL[usize::from(self.state.load(Ordering::Relaxed)) % SpanState::ALL.len()]
    }

    /// Live slots of a span that is full or partial; present ones of a current one, whose free
    /// slots the caller counts.
    pub(crate) fn live(&self) -> u32 {
        match self.state() {
            SpanState::Full => self.slots.get().saturating_sub(self.full_countdown().wrapping_sub(self.countdown())),
            SpanState::Partial => self.countdown(),
            SpanState::Lending => self.slots.get(),
            SpanState::Current => self.slots_present(),
            SpanState::Spare => 0,
            SpanState::Large => 1,
        }
    }

    pub(crate) fn countdown(&self) -> u32 {
        // SAFETY: the owner asks, or statistics, which may meet another thread's span half-way
        // through a change.
        unsafe { self.countdown.cell() }.get().wrapping_add(self.rest.load(Ordering::Relaxed))
    }

    fn full_countdown(&self) -> u32 {
        (self.slots.get() / 8).max(1)
    }
}

/// For the owner.
impl OwnedSpan {
    pub(super) fn set_state(self, state: SpanState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Whether its own list has one, which is so of spans that are not current.
    pub(crate) fn has_free_slot(self) -> bool {
        !self.list().get().is_end()
    }

    /// Becomes the span that `bin` hands out slots of; its own list moves there.
    pub(crate) fn enter_bin(self, bin: &Cell<Slot>) {
        bin.set(self.list().replace(Slot::END));
        self.head().set(from_ref(bin));
        self.count_down_from(COUNTDOWN_OFF);
        self.set_state(SpanState::Current);
    }

    /// Leaves `bin` with whatever list is there, and keeps it as its own.
    pub(crate) fn leave_bin(self, bin: &Cell<Slot>) {
        self.list().set(bin.replace(Slot::END));
        self.head().set(self.list());
    }

    /// Becomes a span that waits for a class.
    pub(crate) fn become_spare(self) {
        self.set_state(SpanState::Spare);
        self.count_down_from(COUNTDOWN_OFF);
    }

    /// Every slot is live: wait until an eighth is free before taking part again.
    ///
    /// Without this, random replacement turns a span partial and full at every other call
    /// (measured: twice the time).
    pub(crate) fn become_full(self) {
        self.set_state(SpanState::Full);
        self.count_down_from(self.full_countdown());
    }

    /// As [`OwnedSpan::become_full`], and its freed slots go to `bin`.
    pub(crate) fn become_lending(self, bin: &Cell<Slot>) {
        self.head().set(from_ref(bin));
        self.set_state(SpanState::Lending);
        self.stop_countdown();
    }

    /// Becomes a full span, whose guests are live slots.
    pub(crate) fn end_lending(self) {
        self.head().set(self.list());
        self.become_full();
    }

    /// Takes a slot that counts as live onto its own list; true if the countdown is at zero.
    pub(crate) fn take_home(self, slot: Slot, secret: Secret) -> bool {
        slot.sign(self.list().get(), secret);
        self.list().set(slot);
        self.spend(1);
        self.countdown_left().get() == 0
    }

    /// Takes part again with `live` live slots.
    pub(crate) fn become_partial(self, live: u32) {
        self.set_state(SpanState::Partial);
        self.count_down_from(live);
    }

    pub(crate) fn spend(self, slots: u32) {
        self.count_down_from(self.countdown() - slots);
    }

    /// A current span has been freed into more often than anyone counts.
    pub(crate) fn stop_countdown(self) {
        self.count_down_from(COUNTDOWN_OFF);
    }

    fn count_down_from(self, frees: u32) {
        self.countdown_left().set(frees);
        self.rest.store(0, Ordering::Relaxed);
    }

    /// The countdown reaches zero after so many frees, fewer than there are left, though the state
    /// stays what it is then.
    pub(crate) fn stop_after(self, frees: u32) {
        let all = self.countdown();
        self.countdown_left().set(frees);
        self.rest.store(all - frees, Ordering::Relaxed);
    }

    /// Whether the countdown is at zero because of [`OwnedSpan::stop_after`]. What is left of it
    /// goes on: all of it, for a signal handler may have come in between, and have given the span
    /// another state and countdown.
    pub(crate) fn has_stopped(self) -> bool {
        let has_stopped = self.rest.load(Ordering::Relaxed) > 0;
        self.count_down_from(self.countdown());
        has_stopped
    }

    /// Where the list begins that freed slots go to.
    pub(crate) fn first_free(self) -> &'static Cell<Slot> {
        // SAFETY: `head` points at this record's list or at the bin of a heap; neither is ever
        // unmapped (S1, H2).
        unsafe { &*self.head().get() }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "tests may allocate")]
mod tests {
    use super::super::Span;
    use super::super::owned::OwnedSpan;
    use super::super::span_ref::SpanRef;

    fn span() -> OwnedSpan {
        let record = Box::leak(Box::new(Span::none()));
        // SAFETY: the record is never unmapped.
        let span = unsafe { SpanRef::from_raw(record) };
        // SAFETY: the test owns it.
        unsafe { span.owned() }
    }

    #[test]
    fn a_countdown_that_stops_goes_on_with_all_that_is_left() {
        let span = span();
        span.become_partial(7);
        span.stop_after(3);
        assert_eq!(span.countdown(), 7);
        span.countdown_left().set(0);
        assert!(span.has_stopped());
        assert_eq!((span.countdown(), span.countdown_left().get()), (4, 4));
        assert!(!span.has_stopped());
        assert_eq!(span.countdown(), 4);
    }

    /// Between the free that brought the countdown to zero and what it calls, a signal handler
    /// brings remote frees home.
    #[test]
    fn a_state_that_a_signal_handler_gave_the_span_meanwhile_stays() {
        let span = span();
        span.become_partial(7);
        assert!(!span.has_stopped());
        assert_eq!(span.live(), 7, "no slot less lives");
        span.stop_after(2);
        assert!(span.has_stopped());
        assert_eq!(span.live(), 7);
    }
}
