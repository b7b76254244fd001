//! The lock under loom: `src/lock.rs` itself, word for word, on loom's atomics, with blocks that
//! loom checks for races.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p tinyalloc-stack --test loom_lock --release` runs it;
//! without the flag there is nothing here. The last tests weaken one ordering each and expect loom
//! to object: were one of them to pass, the model would prove nothing about it.
#![cfg(loom)]
#![allow(clippy::unwrap_used, clippy::disallowed_types, clippy::absolute_paths, reason = "tests may allocate and give up")]

#[path = "../src/lock.rs"]
mod lock;

/// What `src/sync.rs` is in the crate, with orderings that a test may weaken.
mod sync {
    use std::cell::{Cell, OnceCell};

    use loom::sync::atomic::AtomicU32 as LoomU32;
    pub(crate) use std::sync::atomic::Ordering;

    /// The step that loses its ordering.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Step {
        Enter,
        Leave,
        LeaveNews,
        TakeNews,
    }

    thread_local! {
        /// Loom runs every thread of a model on one thread of the system.
        pub(crate) static LOST: Cell<Option<Step>> = const { Cell::new(None) };
    }

    fn weakened(step: Step, ordering: Ordering) -> Ordering {
        if LOST.get() == Some(step) { Ordering::Relaxed } else { ordering }
    }

    pub(crate) fn spin_loop() {
        loom::thread::yield_now();
    }

    /// As `core`'s, which can be made in a constant: loom's begins with its first use.
    pub(crate) struct AtomicU32 {
        first: u32,
        atomic: OnceCell<LoomU32>,
    }

    // SAFETY: loom switches threads only inside its own atomics and cells, and runs them one at a
    // time.
    unsafe impl Sync for AtomicU32 {}
    // SAFETY: as above.
    unsafe impl Send for AtomicU32 {}

    impl AtomicU32 {
        pub(crate) const fn new(first: u32) -> Self {
            Self { first, atomic: OnceCell::new() }
        }

        /// The model makes it before there are threads.
        fn atomic(&self) -> &LoomU32 {
            self.atomic.get_or_init(|| LoomU32::new(self.first))
        }

        pub(crate) fn load(&self, ordering: Ordering) -> u32 {
            self.atomic().load(ordering)
        }

        pub(crate) fn compare_exchange(&self, from: u32, to: u32, success: Ordering, failure: Ordering) -> Result<u32, u32> {
            let step = if to == 0 { Step::Leave } else { Step::Enter };
            self.atomic().compare_exchange(from, to, weakened(step, success), failure)
        }

        pub(crate) fn fetch_or(&self, bits: u32, ordering: Ordering) -> u32 {
            self.atomic().fetch_or(bits, weakened(Step::LeaveNews, ordering))
        }

        pub(crate) fn swap(&self, value: u32, ordering: Ordering) -> u32 {
            self.atomic().swap(value, weakened(Step::TakeNews, ordering))
        }
    }
}

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::Arc;
use loom::thread::spawn;

use lock::{Leaving, Lock};
use sync::{LOST, Step};

const RACE: &str = "Causality violation: Concurrent write accesses to `UnsafeCell`.\n";
const LEFT_BEHIND: &str = "nothing is left behind";

/// Blocks that wait to be reclaimed, and what is counted inside the lock.
/// A mark orders what was done in its block; the lock, all else.
struct Model {
    lock: Lock,
    marks: [loom::sync::atomic::AtomicBool; 2],
    contents: [UnsafeCell<u32>; 2],
    reclaimed: UnsafeCell<[bool; 2]>,
    served: UnsafeCell<u32>,
}

impl Model {
    fn new() -> Model {
        let lock = Lock::new();
        // It begins here.
        assert!(lock.enter(1));
        assert_eq!(lock.leave(), Leaving::Left);
        Model {
            lock,
            marks: [(); 2].map(|()| loom::sync::atomic::AtomicBool::new(false)),
            contents: [(); 2].map(|()| UnsafeCell::new(0)),
            reclaimed: UnsafeCell::new([false; 2]),
            served: UnsafeCell::new(0),
        }
    }

    /// As `Blocks::free`.
    fn free(&self, block: usize) {
        // SAFETY: loom checks it.
        self.contents[block].with_mut(|contents| unsafe { *contents = 7 });
        self.marks[block].store(true, sync::Ordering::Release);
        if self.lock.enter_or_leave_news() {
            self.reclaim();
            self.leave();
        }
    }

    /// As `Blocks::allocate`.
    fn allocate(&self, attempts: u32) {
        if self.lock.enter(attempts) {
            // SAFETY: loom checks it.
            self.served.with_mut(|served| unsafe { *served += 1 });
            self.leave();
        }
    }

    fn leave(&self) {
        while self.lock.leave() == Leaving::News {
            self.reclaim();
        }
    }

    fn reclaim(&self) {
        for block in 0..2 {
            if self.marks[block].load(sync::Ordering::Acquire) {
                // Who reclaims a block uses its memory.
                // SAFETY: loom checks it.
                self.contents[block].with_mut(|contents| unsafe { *contents = 8 });
                // SAFETY: loom checks it.
                self.reclaimed.with_mut(|reclaimed| unsafe { (*reclaimed)[block] = true });
            }
        }
    }
}

/// Two threads free a block each while the first one allocates; at the end nothing is left behind.
fn frees_and_allocations() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let model = Arc::new(Model::new());
        let threads = [0, 1].map(|block| {
            let model = model.clone();
            spawn(move || model.free(block))
        });
        model.allocate(1);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        // SAFETY: loom checks it.
        assert_eq!(model.reclaimed.with(|reclaimed| unsafe { *reclaimed }), [true; 2], "{LEFT_BEHIND}");
        assert!(model.lock.enter(1), "the lock is free");
    });
}

/// What loom says when that step loses its ordering.
fn objection_without(step: Step) -> String {
    LOST.set(Some(step));
    let outcome = catch_unwind(AssertUnwindSafe(frees_and_allocations));
    LOST.set(None);
    outcome.expect_err("loom objects").downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn what_is_freed_is_reclaimed_in_every_order_of_steps() {
    frees_and_allocations();
}

#[test]
fn loom_objects_when_entering_does_not_acquire() {
    assert_eq!(objection_without(Step::Enter), RACE);
}

#[test]
fn loom_objects_when_leaving_does_not_release() {
    assert_eq!(objection_without(Step::Leave), RACE);
}

#[test]
fn loom_objects_when_leaving_news_does_not_release() {
    assert!(objection_without(Step::LeaveNews).contains(LEFT_BEHIND));
}

#[test]
fn loom_objects_when_taking_news_does_not_acquire() {
    assert!(objection_without(Step::TakeNews).contains(LEFT_BEHIND));
}
