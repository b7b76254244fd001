//! The lock under loom: `src/support/lock.rs` itself, word for word, on loom's atomics, around a
//! value that loom checks for races.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p tinyalloc-alloc --test loom_lock --release` runs it;
//! without the flag there is nothing here. The last tests weaken one ordering each and expect loom
//! to object, or a thread to sleep for ever: were one of them to pass, the model would prove
//! nothing about it.
//!
//! Loom has no total order of sequentially consistent accesses: it takes them for acquire and
//! release. Here such a load or store is an exchange, which loom orders with all others of that
//! atomic: that is what the lock relies on, and a lost order is a plain access.
#![cfg(loom)]
#![allow(clippy::unwrap_used, clippy::disallowed_types, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(dead_code, missing_docs, unreachable_pub, reason = "a part of it serves the engine only")]

#[path = "../src/support/lock.rs"]
mod lock;
#[path = "../src/config/policy.rs"]
mod policy;

mod config {
    pub(crate) use crate::policy;
}

/// What `crate::sync` is in the engine, with orderings that a test may weaken.
mod sync {
    use std::cell::{Cell, OnceCell};
    pub(crate) use std::sync::atomic::Ordering;

    use loom::cell::UnsafeCell as LoomCell;
    use loom::sync::atomic::{AtomicBool as LoomBool, AtomicU8 as LoomU8, AtomicU32 as LoomU32, AtomicUsize as LoomUsize};
    use loom::sync::{Condvar, Mutex};

    /// Once: the next look finds the lock free too often.
    pub(crate) const SPINS: u32 = 1;

    /// The step that loses its ordering.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Step {
        /// The holder is set.
        Take,
        /// The holder is cleared.
        Release,
        /// The releasing thread counts the waiters.
        LookForWaiters,
        /// The releasing thread wakes no other.
        Wake,
        /// The forking thread wakes no other.
        WakeAll,
        /// A reader looks for the fork.
        LookForFork,
        /// The thread that ends the fork looks for the reader.
        LookForReader,
    }

    thread_local! {
        /// Loom runs every thread of a model on one thread of the system.
        pub(crate) static LOST: Cell<Option<Step>> = const { Cell::new(None) };
    }

    fn is_lost(step: Step) -> bool {
        LOST.get() == Some(step)
    }

    pub(crate) fn spin_loop() {
        loom::thread::yield_now();
    }

    /// An atomic that loom knows from its first use on: `core`'s can be made in a constant.
    macro_rules! begun_late {
        ($name:ident, $loom:ty, $value:ty) => {
            pub(crate) struct $name {
                first: $value,
                atomic: OnceCell<$loom>,
            }

            // SAFETY: loom switches threads only inside its own atomics and cells, and runs them
            // one at a time.
            unsafe impl Sync for $name {}
            // SAFETY: as above.
            unsafe impl Send for $name {}

            impl $name {
                pub(crate) const fn new(first: $value) -> Self {
                    Self { first, atomic: OnceCell::new() }
                }

                /// The model uses the lock before there are threads.
                pub(crate) fn get(&self) -> &$loom {
                    self.atomic.get_or_init(|| <$loom>::new(self.first))
                }
            }
        };
    }

    begun_late!(AtomicBool, LoomBool, bool);
    begun_late!(AtomicUsize, LoomUsize, usize);
    begun_late!(AtomicU8, LoomU8, u8);
    begun_late!(AtomicU32, LoomU32, u32);

    impl AtomicBool {
        pub(crate) fn load(&self, ordering: Ordering) -> bool {
            match ordering {
                Ordering::SeqCst if is_lost(Step::LookForFork) => self.get().load(Ordering::Relaxed),
                Ordering::SeqCst => self.get().fetch_or(false, Ordering::AcqRel),
                other => self.get().load(other),
            }
        }

        pub(crate) fn store(&self, value: bool, ordering: Ordering) {
            match ordering {
                Ordering::SeqCst => drop(self.get().swap(value, Ordering::AcqRel)),
                other => self.get().store(value, other),
            }
        }

        pub(crate) fn swap(&self, value: bool, ordering: Ordering) -> bool {
            self.get().swap(value, ordering)
        }
    }

    impl AtomicU8 {
        pub(crate) fn load(&self, ordering: Ordering) -> u8 {
            self.get().load(ordering)
        }

        pub(crate) fn store(&self, value: u8, ordering: Ordering) {
            self.get().store(value, ordering);
        }
    }

    impl AtomicUsize {
        pub(crate) fn load(&self, ordering: Ordering) -> usize {
            match ordering {
                Ordering::SeqCst if is_lost(Step::LookForReader) => self.get().load(Ordering::Relaxed),
                Ordering::SeqCst => self.get().fetch_add(0, Ordering::AcqRel),
                other => self.get().load(other),
            }
        }

        pub(crate) fn fetch_add(&self, value: usize, ordering: Ordering) -> usize {
            self.get().fetch_add(value, ordering)
        }

        pub(crate) fn store(&self, value: usize, ordering: Ordering) {
            match ordering {
                Ordering::SeqCst if is_lost(Step::Release) => self.get().store(value, Ordering::Relaxed),
                Ordering::SeqCst => drop(self.get().swap(value, Ordering::AcqRel)),
                other => self.get().store(value, other),
            }
        }

        pub(crate) fn compare_exchange(
            &self,
            from: usize,
            to: usize,
            success: Ordering,
            failure: Ordering,
        ) -> Result<usize, usize> {
            let success = if is_lost(Step::Take) { Ordering::Release } else { success };
            self.get().compare_exchange(from, to, success, failure)
        }
    }

    impl AtomicU32 {
        pub(crate) fn load(&self, ordering: Ordering) -> u32 {
            match ordering {
                Ordering::SeqCst if is_lost(Step::LookForWaiters) => self.get().load(Ordering::Acquire),
                Ordering::SeqCst => self.get().fetch_add(0, Ordering::AcqRel),
                other => self.get().load(other),
            }
        }

        pub(crate) fn store(&self, value: u32, ordering: Ordering) {
            self.get().store(value, ordering);
        }

        pub(crate) fn fetch_add(&self, value: u32, ordering: Ordering) -> u32 {
            self.get().fetch_add(value, ordering)
        }

        pub(crate) fn fetch_update(
            &self,
            set: Ordering,
            fetch: Ordering,
            update: impl FnMut(u32) -> Option<u32>,
        ) -> Result<u32, u32> {
            self.get().fetch_update(set, fetch, update)
        }
    }

    /// A cell that loom checks: the thread that asks for it may write.
    pub(crate) struct UnsafeCell<T> {
        value: std::cell::UnsafeCell<T>,
        checked: OnceCell<LoomCell<()>>,
    }

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell { value: std::cell::UnsafeCell::new(value), checked: OnceCell::new() }
        }

        pub(crate) fn get(&self) -> *mut T {
            self.checked.get_or_init(|| LoomCell::new(())).with_mut(|_| ());
            self.value.get()
        }
    }

    /// The kernel's half of a futex: no thread gets in between the look and the sleep, and one who
    /// sleeps is woken.
    pub(crate) struct Futex {
        sleepers: Mutex<Sleepers>,
        woken: Condvar,
    }

    #[derive(Default)]
    struct Sleepers {
        asleep: u32,
        to_wake: u32,
        /// How often all were woken.
        dawns: u32,
    }

    impl Futex {
        pub(crate) fn new() -> Futex {
            Futex { sleepers: Mutex::new(Sleepers::default()), woken: Condvar::new() }
        }

        fn wait(&self, word: &AtomicU32, expected: u32) {
            let mut sleepers = self.sleepers.lock().unwrap();
            if word.get().fetch_add(0, Ordering::AcqRel) != expected {
                return;
            }
            sleepers.asleep += 1;
            let dawns = sleepers.dawns;
            while sleepers.to_wake == 0 && sleepers.dawns == dawns {
                sleepers = self.woken.wait(sleepers).unwrap();
            }
            if sleepers.dawns == dawns {
                sleepers.to_wake -= 1;
                sleepers.asleep -= 1;
            }
        }

        fn wake(&self) {
            let mut sleepers = self.sleepers.lock().unwrap();
            if sleepers.to_wake < sleepers.asleep && !is_lost(Step::Wake) {
                sleepers.to_wake += 1;
                self.woken.notify_one();
            }
        }
    }

    impl Futex {
        fn wake_all(&self) {
            let mut sleepers = self.sleepers.lock().unwrap();
            if !is_lost(Step::WakeAll) {
                *sleepers = Sleepers { dawns: sleepers.dawns + 1, ..Sleepers::default() };
                self.woken.notify_all();
            }
        }
    }

    thread_local! {
        /// The kernel of the model that runs.
        pub(crate) static FUTEX: Cell<Option<&'static Futex>> = const { Cell::new(None) };
    }

    /// Only Windows ends threads that go on elsewhere.
    pub(crate) const fn are_others_gone() -> bool {
        false
    }

    pub(crate) fn wait_on(word: &AtomicU32, expected: u32) {
        FUTEX.get().expect("a model runs").wait(word, expected);
    }

    /// The time is over at once.
    pub(crate) fn wait_on_briefly(_word: &AtomicU32, _expected: u32, _nanoseconds: u32) -> bool {
        loom::thread::yield_now();
        false
    }

    pub(crate) fn wake_one(_word: &AtomicU32) {
        FUTEX.get().expect("a model runs").wake();
    }

    pub(crate) fn wake_all(_word: &AtomicU32) {
        FUTEX.get().expect("a model runs").wake_all();
    }
}

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::model::Builder;
use loom::thread::{JoinHandle, spawn};

use lock::{Lock, Ranked, Ranking, ThreadId};
use sync::{FUTEX, Futex, LOST, Step};

/// What the lock protects: two numbers that are the same but while a thread is inside.
type Pair = [u32; 2];

const MAIN: ThreadId = ThreadId(16);
const RACE: &str = "Causality violation";
const DEADLOCK: &str = "deadlock";

/// A lock that loom knows, and the kernel that its threads sleep in.
fn begin() -> &'static Lock<Pair> {
    let futex: &'static Futex = Box::leak(Box::new(Futex::new()));
    FUTEX.set(Some(futex));
    // Never dropped: a thread that loom ends inside must not look at it again.
    let lock: &'static Lock<Pair> = Box::leak(Box::new(Lock::new([0, 0])));
    lock.hold_for_fork(MAIN, false);
    drop(lock.lock(MAIN).expect("it is held for a fork"));
    lock.release_after_fork();
    lock
}

fn count(lock: &Lock<Pair>, thread: ThreadId) {
    let mut pair = lock.lock_patiently(thread).expect("no handler interrupts");
    assert_eq!(pair[0], pair[1], "the thread that is inside is alone");
    pair[0] += 1;
    pair[1] += 1;
}

fn counting(lock: &'static Lock<Pair>, name: usize) -> JoinHandle<()> {
    spawn(move || count(lock, ThreadId(name * 16)))
}

fn total(lock: &Lock<Pair>) -> Pair {
    *lock.lock(MAIN).expect("no handler interrupts")
}

/// Three threads count.
fn counts() {
    let lock = begin();
    let threads = [2, 3].map(|name| counting(lock, name));
    count(lock, MAIN);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(total(lock), [3, 3]);
}

/// A thread holds the lock for a fork, and enters it meanwhile, once at a time; what the child
/// would see is whole.
fn forks() {
    let lock = begin();
    let threads = [2, 3].map(|name| counting(lock, name));
    lock.hold_for_fork(MAIN, false);
    {
        let pair = lock.lock(MAIN).expect("the holder may enter");
        assert!(lock.lock(MAIN).is_none(), "a signal handler that interrupts it may not");
        assert_eq!(pair[0], pair[1], "nothing is half done");
    }
    lock.release_after_fork();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(total(lock), [2, 2]);
}

/// A thread reads while another one forks, goes inside, and comes to an end.
fn readings() {
    let lock = begin();
    let reader = spawn(move || {
        let pair = lock.look(ThreadId(32)).expect("no handler interrupts");
        assert_eq!(pair[0], pair[1], "the thread that reads meets no writer");
    });
    lock.hold_for_fork(MAIN, false);
    count(lock, MAIN);
    lock.release_after_fork();
    count(lock, MAIN);
    reader.join().unwrap();
    assert_eq!(total(lock), [2, 2]);
}

/// The thread that forks waits for a thread that waits for the lock: that one does without.
fn stalls() {
    let lock = begin();
    let counting = counting(lock, 2);
    let refused = spawn(move || drop(lock.lock(ThreadId(48))));
    lock.hold_for_fork(MAIN, false);
    refused.join().unwrap();
    lock.release_after_fork();
    counting.join().unwrap();
    assert_eq!(total(lock), [1, 1]);
}

/// A thread returns the lock for a moment, with things half done, and no fork comes in between.
fn finishes() {
    let lock = begin();
    let thread = ThreadId(32);
    let finishing = spawn(move || {
        let mut pair = lock.lock_patiently(thread).expect("no handler interrupts");
        let Some(unfinished) = pair.unfinished() else {
            return;
        };
        pair[0] += 1;
        drop(pair);
        unfinished.finish(thread).expect("no handler interrupts")[1] += 1;
    });
    lock.hold_for_fork(MAIN, false);
    {
        let pair = lock.lock(MAIN).expect("the holder may enter");
        assert_eq!(pair[0], pair[1], "nothing is half done");
    }
    lock.release_after_fork();
    finishing.join().unwrap();
}

fn check(model: fn()) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// What loom says when that step loses its ordering.
fn objection_without(step: Step, model: fn()) -> String {
    LOST.set(Some(step));
    let outcome = catch_unwind(AssertUnwindSafe(|| check(model)));
    LOST.set(None);
    let reason = outcome.expect_err("loom objects");
    reason
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| reason.downcast_ref::<&str>().map(|text| (*text).into()))
        .unwrap_or_default()
}

#[test]
fn the_thread_inside_is_alone_and_none_sleeps_for_ever() {
    check(counts);
}

#[test]
fn who_forks_holds_the_lock_and_enters_it() {
    check(forks);
}

#[test]
fn who_reads_beside_a_fork_is_waited_for() {
    check(readings);
}

#[test]
fn no_thread_waits_for_a_fork_that_lasts() {
    check(stalls);
}

#[test]
fn a_fork_waits_for_what_is_unfinished() {
    check(finishes);
}

/// A lock, and one that is taken after it.
struct Two(&'static Lock<Pair>, &'static Lock<Pair>);

impl Ranking<Pair> for Two {
    fn ranked(&self) -> &Lock<Pair> {
        self.0
    }

    fn is_inside_later(&self, thread: ThreadId) -> bool {
        self.1.is_inside(thread)
    }

    fn wake_overlooked_later(&self) {
        self.1.wake_overlooked();
    }
}

/// A signal handler that interrupts the holder of a later lock would wait for a thread that waits
/// for that one.
#[test]
fn who_is_inside_a_later_lock_is_refused_an_earlier_one() {
    loom::model(|| {
        let (earlier, later) = (begin(), begin());
        let locks = Two(earlier, later);
        let earlier = || Ranked::new(&locks);
        let inside = later.lock(MAIN);
        assert!(earlier().lock(MAIN).is_none());
        drop(inside);
        assert!(earlier().lock(MAIN).is_some());
        earlier().hold_for_fork(MAIN, false);
        later.hold_for_fork(MAIN, false);
        assert!(earlier().lock(MAIN).is_some(), "who holds both for a fork enters both");
    });
}

#[test]
fn taking_the_lock_must_acquire() {
    assert!(objection_without(Step::Take, counts).contains(RACE));
}

#[test]
fn giving_it_back_must_release() {
    assert!(objection_without(Step::Release, counts).contains(RACE));
}

/// A waiter counts itself and finds the lock taken; the releasing thread finds no waiter: as if
/// each had come before the other. (The store that returns it must be in that order as well. Loom
/// lets a load be early, not a store be late: it is the same.)
#[test]
fn the_look_for_waiters_must_be_in_order() {
    let said = objection_without(Step::LookForWaiters, counts);
    assert!(said.contains(DEADLOCK), "{said}");
}

#[test]
fn waiters_must_be_woken() {
    let said = objection_without(Step::Wake, counts);
    assert!(said.contains(DEADLOCK), "{said}");
}

/// A thread that sleeps, and does not know of the fork, sleeps as long as that lasts.
#[test]
fn the_forking_thread_must_wake_the_waiters() {
    let said = objection_without(Step::WakeAll, stalls);
    assert!(said.contains(DEADLOCK), "{said}");
}

/// As if the reader had come before the fork's end, and the fork's end before the reader.
#[test]
fn the_looks_of_readers_and_forks_at_each_other_must_be_in_order() {
    for step in [Step::LookForFork, Step::LookForReader] {
        let said = objection_without(step, readings);
        assert!(said.contains(RACE) || said.contains("the thread that reads meets"), "{step:?}: {said}");
    }
}
