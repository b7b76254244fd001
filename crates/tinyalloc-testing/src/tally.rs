//! What this thread allocated since the innermost measurement began. It is a thread-local of plain
//! data, with nothing to run at first use or at the thread's end, so that counting never allocates.

use std::cell::Cell;

use crate::measurement::Measurement;

thread_local! {
    static TALLY: Cell<Measurement> = const { Cell::new(Measurement::NOTHING) };
}

/// Notes what was done.
#[inline]
pub(crate) fn note(change: impl FnOnce(&mut Measurement)) {
    let mut tally = TALLY.get();
    change(&mut tally);
    TALLY.set(tally);
}

/// Puts another tally in place of this thread's.
pub(crate) fn exchange(tally: Measurement) -> Measurement {
    TALLY.replace(tally)
}

/// What was noted.
pub(crate) fn so_far() -> Measurement {
    TALLY.get()
}
