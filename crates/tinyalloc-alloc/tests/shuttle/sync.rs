//! What `core::sync` and `crate::sync` are in the engine.

use std::cell::RefCell;
use std::ptr::from_ref;

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread::{Thread, current, park};

pub(crate) use crate::cell::UnsafeCell;
pub(crate) use crate::hint::spin_loop;
use crate::watch::{is_alone, leave_child, pause, yield_now};
pub(crate) use atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering};

/// Once: the next look finds the lock free too often.
pub(crate) const SPINS: u32 = 1;
/// One of so many sleeps ends for no reason, once others ran.
const SLEEPS_PER_IDLE_WAKE: u32 = 8;

thread_local! {
    /// Who sleeps on which word. (Shuttle runs every thread of a model on one thread of the
    /// system.)
    static SLEEPERS: RefCell<Vec<(usize, Thread)>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn forget_sleepers() {
    SLEEPERS.take();
}

/// Only Windows ends threads that go on elsewhere.
pub(crate) const fn are_others_gone() -> bool {
    false
}

/// As the futex: no thread gets in between the look and the sleep, which may end for no reason.
pub(crate) fn wait_on(word: &AtomicU32, expected: u32) {
    if word.peek() == expected {
        if is_alone() {
            leave_child("the child of a fork waits for a thread that is gone");
        }
        if thread_rng().gen_ratio(1, SLEEPS_PER_IDLE_WAKE) {
            return yield_now();
        }
        let sleeper = current();
        SLEEPERS.with_borrow_mut(|sleepers| sleepers.push((from_ref(word).addr(), sleeper.clone())));
        // Shuttle ends a `park` for no reason as long as any other thread can run. Whom no thread
        // wakes would wake nevertheless.
        while is_asleep(&sleeper) {
            park();
        }
    }
}

fn is_asleep(sleeper: &Thread) -> bool {
    SLEEPERS.with_borrow(|sleepers| sleepers.iter().any(|(_, other)| other.id() == sleeper.id()))
}

/// The time is over at once, or after others ran.
pub(crate) fn wait_on_briefly(_word: &AtomicU32, _expected: u32, _nanoseconds: u32) -> bool {
    yield_now();
    false
}

pub(crate) fn wake_all(word: &AtomicU32) {
    pause();
    let address = from_ref(word).addr();
    let woken =
        SLEEPERS.with_borrow_mut(|sleepers| sleepers.extract_if(.., |(sleeps_on, _)| *sleeps_on == address).collect::<Vec<_>>());
    woken.into_iter().for_each(|(_, thread)| thread.unpark());
}

pub(crate) fn wake_one(word: &AtomicU32) {
    pause();
    let address = from_ref(word).addr();
    let woken = SLEEPERS.with_borrow_mut(|sleepers| {
        let first = sleepers.iter().position(|(sleeps_on, _)| *sleeps_on == address)?;
        Some(sleepers.remove(first).1)
    });
    if let Some(thread) = woken {
        thread.unpark();
    }
}

pub(crate) mod atomic {
    use std::ptr::from_ref;
    use std::sync::atomic::{
        AtomicBool as StdBool, AtomicPtr as StdPtr, AtomicU8 as StdU8, AtomicU32 as StdU32, AtomicU64 as StdU64,
        AtomicUsize as StdUsize,
    };
    pub(crate) use std::sync::atomic::{Ordering, compiler_fence};

    use crate::watch::{Access, Point};

    macro_rules! watched {
        ($name:ident $([$generic:ident])?, $std:ty, $value:ty) => {
            #[derive(Debug)]
            #[repr(transparent)]
            pub(crate) struct $name$(<$generic>)?($std);

            impl$(<$generic>)? $name$(<$generic>)? {
                pub(crate) const fn new(value: $value) -> Self {
                    Self(<$std>::new(value))
                }

                /// Without a change of threads.
                pub(crate) fn peek(&self) -> $value {
                    self.0.load(Ordering::SeqCst)
                }

                /// # Safety
                /// As for `core`'s.
                pub(crate) const unsafe fn from_ptr<'place>(place: *mut $value) -> &'place Self {
                    // SAFETY: the caller's promise, and it is nothing else.
                    unsafe { &*place.cast() }
                }

                /// For its only writer.
                pub(crate) fn as_ptr(&self) -> *mut $value {
                    self.0.as_ptr()
                }

                #[track_caller]
                pub(crate) fn load(&self, ordering: Ordering) -> $value {
                    let point = self.reach(Access::Load, ordering);
                    point.acquire();
                    self.0.load(Ordering::SeqCst)
                }

                #[track_caller]
                pub(crate) fn store(&self, value: $value, ordering: Ordering) {
                    let point = self.reach(Access::Store, ordering);
                    point.publish();
                    self.0.store(value, Ordering::SeqCst);
                }

                #[track_caller]
                pub(crate) fn swap(&self, value: $value, ordering: Ordering) -> $value {
                    let point = self.reach(Access::Swap, ordering);
                    point.exchange();
                    self.0.swap(value, Ordering::SeqCst)
                }

                #[track_caller]
                pub(crate) fn compare_exchange(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    let point = self.reach(Access::CompareExchange, success);
                    let result = self.0.compare_exchange(current, new, Ordering::SeqCst, Ordering::SeqCst);
                    match result {
                        Ok(_) => point.exchange(),
                        // A lock that keeps no thread out.
                        Err(_) if point.is_forced() => {
                            point.exchange();
                            return Ok(self.0.swap(new, Ordering::SeqCst));
                        }
                        Err(_) => point.with(failure).acquire(),
                    }
                    result
                }

                #[track_caller]
                pub(crate) fn compare_exchange_weak(
                    &self,
                    current: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    self.compare_exchange(current, new, success, failure)
                }

                #[track_caller]
                pub(crate) fn fetch_update(
                    &self,
                    success: Ordering,
                    failure: Ordering,
                    mut update: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    let mut before = self.load(failure);
                    while let Some(after) = update(before) {
                        match self.compare_exchange(before, after, success, failure) {
                            Ok(_) => return Ok(before),
                            Err(now) => before = now,
                        }
                    }
                    Err(before)
                }

                #[track_caller]
                fn reach(&self, access: Access, ordering: Ordering) -> Point {
                    Point::reach(from_ref(self).addr(), access, ordering)
                }
            }
        };
    }

    macro_rules! counting {
        ($name:ident, $value:ty, $($method:ident),+) => {
            impl $name {
                $(#[track_caller]
                pub(crate) fn $method(&self, value: $value, ordering: Ordering) -> $value {
                    let point = self.reach(Access::Count, ordering);
                    point.exchange();
                    self.0.$method(value, Ordering::SeqCst)
                })+
            }
        };
    }

    watched!(AtomicBool, StdBool, bool);
    watched!(AtomicU8, StdU8, u8);
    watched!(AtomicU32, StdU32, u32);
    watched!(AtomicU64, StdU64, u64);
    watched!(AtomicUsize, StdUsize, usize);
    watched!(AtomicPtr[T], StdPtr<T>, *mut T);
    counting!(AtomicU32, u32, fetch_add, fetch_sub, fetch_and, fetch_or);
    counting!(AtomicU64, u64, fetch_add, fetch_sub, fetch_and, fetch_or);
    counting!(AtomicUsize, usize, fetch_add, fetch_sub, fetch_max);
}
