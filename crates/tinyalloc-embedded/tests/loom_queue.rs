//! The queue under loom: `src/queue.rs` and `src/lock/swap.rs` themselves, word for word, on loom's
//! atomics, with bytes that loom checks for races.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p tinyalloc-embedded --test loom_queue --release` runs it;
//! without the flag there is nothing here. The last tests weaken one ordering each and expect loom
//! to object: were one of them to pass, the model would prove nothing about it.
#![cfg(loom)]
#![allow(clippy::unwrap_used, clippy::disallowed_types, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs, reason = "parts of the crate, here without the rest")]

#[path = "../src/chunk.rs"]
mod chunk;
#[path = "../src/error.rs"]
mod error;

/// What `src/sync.rs` is in the crate.
mod sync {
    use std::cell::{Cell, OnceCell};

    use loom::sync::atomic;
    pub(crate) use loom::sync::atomic::Ordering;

    thread_local! {
        /// The ordering that is weakened to `Relaxed`. Loom runs every thread of a model on one
        /// thread of the system.
        pub(crate) static LOST: Cell<Option<Ordering>> = const { Cell::new(None) };
    }

    pub(crate) fn weakened(ordering: Ordering) -> Ordering {
        if LOST.get() == Some(ordering) { Ordering::Relaxed } else { ordering }
    }

    macro_rules! atomics {
        ($($name:ident $number:ty),*) => {$(
            /// As `core`'s, which can be made in a constant: loom's begins with its first use.
            pub(crate) struct $name {
                first: $number,
                atomic: OnceCell<atomic::$name>,
            }

            // SAFETY: loom switches threads only inside its own atomics and cells, and runs them
            // one at a time.
            unsafe impl Sync for $name {}

            impl $name {
                pub(crate) const fn new(first: $number) -> Self {
                    Self { first, atomic: OnceCell::new() }
                }

                /// Makes it in the thread that runs the model, so that it does not begin in two.
                pub(crate) fn begin(&self) -> &atomic::$name {
                    self.atomic.get_or_init(|| atomic::$name::new(self.first))
                }

                pub(crate) fn load(&self, ordering: Ordering) -> $number {
                    self.begin().load(weakened(ordering))
                }

                pub(crate) fn store(&self, value: $number, ordering: Ordering) {
                    self.begin().store(value, weakened(ordering));
                }

                pub(crate) fn swap(&self, value: $number, ordering: Ordering) -> $number {
                    self.begin().swap(value, weakened(ordering))
                }
            }
        )*};
    }

    atomics!(AtomicBool bool, AtomicUsize usize, AtomicU16 u16);

    impl AtomicU16 {
        pub(crate) fn compare_exchange_weak(&self, old: u16, new: u16, ok: Ordering, err: Ordering) -> Result<u16, u16> {
            self.begin().compare_exchange_weak(old, new, weakened(ok), err)
        }
    }
}

/// What `src/shared_bytes.rs` is in the crate: each byte is a cell in which loom finds races.
mod shared_bytes {
    use std::cell::OnceCell;

    use loom::cell::UnsafeCell;

    pub(crate) struct SharedBytes<const BYTES: usize>(OnceCell<[UnsafeCell<u8>; BYTES]>);

    // SAFETY: loom switches threads only inside its own atomics and cells, and runs them one at a
    // time.
    unsafe impl<const BYTES: usize> Sync for SharedBytes<BYTES> {}

    impl<const BYTES: usize> SharedBytes<BYTES> {
        pub(crate) const fn new() -> Self {
            Self(OnceCell::new())
        }

        fn cell(&self, at: usize) -> &UnsafeCell<u8> {
            &self.0.get_or_init(|| [(); BYTES].map(|()| UnsafeCell::new(0)))[at]
        }

        pub(crate) unsafe fn write(&self, at: usize, byte: u8) {
            // SAFETY: loom panics if anybody else touches it.
            self.cell(at).with_mut(|place| unsafe { *place = byte });
        }

        pub(crate) unsafe fn read(&self, at: usize) -> u8 {
            // SAFETY: loom panics if anybody writes it.
            self.cell(at).with(|place| unsafe { *place })
        }

        pub(crate) unsafe fn write_all(&self, at: usize, from: &[u8], bytes: usize) {
            // SAFETY: as above.
            from[..bytes].iter().enumerate().for_each(|(each, byte)| unsafe { self.write(at + each, *byte) });
        }

        pub(crate) unsafe fn read_all(&self, at: usize, out: &mut [u8], bytes: usize) {
            // SAFETY: as above.
            out[..bytes].iter_mut().enumerate().for_each(|(each, byte)| *byte = unsafe { self.read(at + each) });
        }

        /// Grants are slices, which loom cannot follow: the models copy.
        #[allow(clippy::mut_from_ref, reason = "as in the crate")]
        pub(crate) unsafe fn slice_mut(&self, _: usize, _: usize) -> &mut [u8] {
            &mut []
        }

        pub(crate) unsafe fn slice(&self, _: usize, _: usize) -> &[u8] {
            &[]
        }
    }
}

#[path = "../src/lock/swap.rs"]
mod lock;
#[path = "../src/wakers/none.rs"]
mod wakers;

#[path = "../src/queue.rs"]
mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::model;
use loom::sync::Arc;
use loom::thread::{spawn, yield_now};

use chunk::ChunkId;
use lock::Abandoned;
use queue::GlobalDeque;
use sync::{LOST, Ordering};

fn insist(mut step: impl FnMut() -> Option<u8>) -> u8 {
    loop {
        if let Some(byte) = step() {
            return byte;
        }
        yield_now();
    }
}

fn started<const BYTES: usize>() -> Arc<GlobalDeque<BYTES>> {
    let queue = Arc::new(GlobalDeque::new());
    // The stand-ins begin here, in one thread.
    assert!(queue.push(9).is_ok() && queue.pop() == Some(9));
    queue
}

fn bytes_pass_in_order() {
    let queue = started::<2>();
    let producer = queue.clone();
    let thread = spawn(move || {
        for byte in 1..=3 {
            insist(|| producer.push(byte).ok().map(|()| 0));
        }
    });
    (1..=3).for_each(|byte| assert_eq!(insist(|| queue.pop()), byte));
    thread.join().unwrap();
    assert!(queue.is_empty());
}

fn pieces_pass_in_order() {
    let queue = started::<3>();
    let producer = queue.clone();
    let thread = spawn(move || assert_eq!(producer.write(&[1, 2]), 2));
    let mut out = [0; 2];
    let mut read = 0;
    while read < 2 {
        read += queue.read(&mut out[read..]);
        yield_now();
    }
    assert_eq!(out, [1, 2]);
    thread.join().unwrap();
}

fn two_producers_take_turns() {
    let queue = started::<2>();
    let producer = queue.clone();
    let thread = spawn(move || producer.push(1).is_ok());
    let pushed = [queue.push(2).is_ok(), thread.join().unwrap()];
    let expected = pushed.iter().filter(|pushed| **pushed).count();
    assert!(expected > 0, "one of two that meet gets through");
    assert_eq!((0..2).filter_map(|_| queue.pop()).count(), expected);
}

#[test]
fn a_producer_and_a_consumer_never_touch_the_same_byte() {
    model(bytes_pass_in_order);
}

#[test]
fn pieces_are_copied_outside_of_the_lock_and_still_alone() {
    model(pieces_pass_in_order);
}

#[test]
fn two_producers_never_write_the_same_byte() {
    model(two_producers_take_turns);
}

#[test]
fn nothing_abandoned_is_lost_or_taken_twice() {
    model(|| {
        let abandoned = Arc::new(Abandoned::new());
        abandoned.push(ChunkId::new(9).unwrap(), |_| {});
        assert!(abandoned.take().is_some());
        let other = abandoned.clone();
        let push = |abandoned: &Abandoned, index| {
            let below = std::cell::Cell::new(None);
            abandoned.push(ChunkId::new(index).unwrap(), |note| below.set(note));
            below.get()
        };
        let thread = spawn(move || push(&other, 1));
        let below = [push(&abandoned, 0), thread.join().unwrap()];
        let top = abandoned.take().unwrap().index();
        assert_eq!(below[usize::from(top)].map(ChunkId::index), Some(1 - top));
        assert_eq!(below[usize::from(1 - top)], None);
    });
}

/// Whether loom objects to the model when one ordering is lost.
fn objects(lost: Ordering, step: fn()) -> bool {
    LOST.set(Some(lost));
    let outcome = catch_unwind(AssertUnwindSafe(|| model(step)));
    LOST.set(None);
    outcome.is_err()
}

#[test]
fn without_release_the_model_finds_a_race() {
    assert!(objects(Ordering::Release, bytes_pass_in_order));
}

#[test]
fn without_acquire_the_model_finds_a_race() {
    assert!(objects(Ordering::Acquire, bytes_pass_in_order));
}

#[test]
fn without_the_swaps_orderings_the_model_finds_a_race() {
    assert!(objects(Ordering::AcqRel, two_producers_take_turns));
}
