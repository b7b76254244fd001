use std::alloc::{Layout, alloc, dealloc};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::measurement::Measurement;
use crate::tally::{exchange, note, so_far};

static COUNTS: AtomicBool = AtomicBool::new(false);

/// Runs the closure, and says what this thread allocated and freed meanwhile.
///
/// # Panics
/// If the program's global allocator is not a [`Counting`](crate::Counting); otherwise only as the
/// closure does.
#[track_caller]
pub fn measure<R>(work: impl FnOnce() -> R) -> (R, Measurement) {
    require_counting();
    let scope = Scope::begin();
    let result = work();
    (result, scope.end())
}

/// Panics if nothing is counted.
#[track_caller]
pub(crate) fn require_counting() {
    if !COUNTS.load(Ordering::Relaxed) {
        assert!(
            a_block_is_counted(),
            "nothing is counted, because the global allocator of this program is not `testing::Counting`; it takes one line: \
             #[global_allocator] static GLOBAL: Counting<System> = Counting::new(System);"
        );
        COUNTS.store(true, Ordering::Relaxed);
    }
}

fn a_block_is_counted() -> bool {
    let outer = exchange(Measurement::NOTHING);
    let layout = Layout::new::<u64>();
    // The compiler may leave out a block that no thread looks at.
    // SAFETY: the layout is not empty.
    let block = black_box(unsafe { alloc(layout) });
    if !block.is_null() {
        // SAFETY: the block is live.
        unsafe { dealloc(block, layout) };
    }
    exchange(outer).allocations() > 0
}

/// A measurement that is under way on this thread: the outer one's tally waits here.
struct Scope {
    outer: Measurement,
}

impl Scope {
    fn begin() -> Scope {
        Scope { outer: exchange(Measurement::NOTHING) }
    }

    fn end(self) -> Measurement {
        so_far()
    }
}

/// Also when the closure panics.
impl Drop for Scope {
    fn drop(&mut self) {
        let inner = exchange(self.outer);
        note(|tally| tally.add(&inner));
    }
}
