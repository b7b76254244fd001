//! The length of critical sections.

use core::cell::UnsafeCell;

use crate::timer::{Moment, elapsed, now};

static TRACE: Trace = Trace(UnsafeCell::new(State { is_on: false, begun: 0, longest: 0 }));

struct State {
    is_on: bool,
    begun: Moment,
    longest: u32,
}

/// Used where interrupts are masked, and by main where none has begun.
struct Trace(UnsafeCell<State>);

unsafe impl Sync for Trace {}

fn state() -> &'static mut State {
    unsafe { &mut *TRACE.0.get() }
}

/// Not inlined: a call is the same everywhere, and what it costs is known.
#[inline(never)]
pub(super) fn begin() {
    state().begun = now();
}

#[inline(never)]
pub(super) fn end() {
    let end = now();
    let state = state();
    if state.is_on {
        state.longest = state.longest.max(elapsed(state.begun, end));
    }
}

/// What the longest critical section took while the step ran, in the timer's unit.
pub fn longest(step: impl FnOnce()) -> u32 {
    (state().is_on, state().longest) = (true, 0);
    step();
    state().is_on = false;
    state().longest
}
