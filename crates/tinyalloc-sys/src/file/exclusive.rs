//! A lock that signal handlers wait for, too: they are held back while it is held, so that none
//! meets itself inside.
//!
//! No thread waits for ever for a thread that forks: it may itself wait, for a lock of the C
//! library's that the waiter has.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use libc::{SIG_SETMASK, pthread_sigmask, sigfillset, sigset_t};

use crate::futex::{wait_on_briefly, wake_one};
use crate::posix::keeping_errno;
use crate::system::errno_location;

const FREE: u32 = 0;
const HELD: u32 = 1;
const WAITED_FOR: u32 = 2;
const NO_THREAD: usize = 0;
/// How long a fork is waited for.
const FORK_NANOSECONDS: u32 = 1_000_000;

/// Invariant X1: the value is touched only by the thread that moved `word` away from free, or by
/// the thread that forks while it holds the lock.
pub(super) struct Exclusive<T> {
    word: AtomicU32,
    forking: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: X1.
unsafe impl<T: Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    pub(super) const fn new(value: T) -> Exclusive<T> {
        Exclusive { word: AtomicU32::new(FREE), forking: AtomicUsize::new(NO_THREAD), value: UnsafeCell::new(value) }
    }

    /// Runs `change` while no other thread is inside; errno is as before. `None`: another thread
    /// holds the lock for a fork that lasts.
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        keeping_errno(|| {
            let signals = hold_signals();
            let may_enter = self.forking.load(Ordering::Relaxed) == this_thread();
            let is_taken = !may_enter && self.take();
            // SAFETY: X1.
            let result = (may_enter || is_taken).then(|| change(unsafe { &mut *self.value.get() }));
            if is_taken {
                self.release();
            }
            release_signals(&signals);
            result
        })
    }

    /// Takes the lock until [`Exclusive::release_after_fork`], after another fork if need be; this
    /// thread may enter meanwhile.
    pub(super) fn hold_for_fork(&self) {
        while !self.take() {}
        self.forking.store(this_thread(), Ordering::Relaxed);
    }

    /// In the parent, and in the child, where no thread waits.
    pub(super) fn release_after_fork(&self) {
        self.forking.store(NO_THREAD, Ordering::Relaxed);
        self.release();
    }

    /// False if one fork lasts for as long as they are waited for.
    fn take(&self) -> bool {
        if self.word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return true;
        }
        let mut is_refused = false;
        while self.word.swap(WAITED_FOR, Ordering::Acquire) != FREE {
            if is_refused {
                return false;
            }
            let forking = self.forking.load(Ordering::Relaxed);
            // Never for longer: no thread tells the sleepers that a fork has begun, or that the
            // thread that was woken instead was refused.
            let lasts = !wait_on_briefly(&self.word, WAITED_FOR, FORK_NANOSECONDS);
            is_refused = lasts && forking != NO_THREAD && self.forking.load(Ordering::Relaxed) == forking;
        }
        true
    }

    fn release(&self) {
        if self.word.swap(FREE, Ordering::Release) == WAITED_FOR {
            wake_one(&self.word);
        }
    }
}

/// Names a thread by its errno.
fn this_thread() -> usize {
    errno_location().addr()
}

fn hold_signals() -> sigset_t {
    let mut all = MaybeUninit::<sigset_t>::uninit();
    // SAFETY: fills the set in.
    unsafe { sigfillset(all.as_mut_ptr()) };
    let mut before = all;
    // SAFETY: both sets are valid for the call.
    unsafe { pthread_sigmask(SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    // SAFETY: filled in, at the latest by the call.
    unsafe { before.assume_init() }
}

fn release_signals(before: &sigset_t) {
    // SAFETY: the set is valid for the call.
    unsafe { pthread_sigmask(SIG_SETMASK, before, null_mut()) };
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::ffi::c_int;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use core::time::Duration;
    use std::sync::Barrier;
    use std::thread::{scope, sleep, yield_now};

    use libc::{SIGUSR1, raise, sighandler_t, signal};

    use super::{Exclusive, FORK_NANOSECONDS};

    const MOMENT: Duration = Duration::from_nanos(FORK_NANOSECONDS as u64);

    static HANDLED: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn handle(_signal: c_int) {
        HANDLED.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn one_thread_is_inside_at_a_time() {
        let count = Exclusive::new(0);
        scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..2000 {
                        count.with(|count| {
                            let before = *count;
                            yield_now();
                            *count = before + 1;
                        });
                    }
                });
            }
        });
        assert_eq!(count.with(|count| *count), Some(8000));
    }

    #[test]
    fn signals_wait_until_it_is_over() {
        let handler: extern "C" fn(c_int) = handle;
        // SAFETY: the handler only counts.
        unsafe { signal(SIGUSR1, handler as sighandler_t) };
        let lock = Exclusive::new(());
        lock.with(|()| {
            // SAFETY: there is a handler.
            unsafe { raise(SIGUSR1) };
            assert_eq!(HANDLED.load(Ordering::Relaxed), 0);
        })
        .expect("no other thread is there");
        assert_eq!(HANDLED.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn who_forks_may_enter_meanwhile_and_others_are_refused_after_a_moment() {
        let count = Exclusive::new(1);
        count.hold_for_fork();
        assert_eq!(count.with(|count| *count += 1), Some(()));
        scope(|threads| {
            assert_eq!(threads.spawn(|| count.with(|count| *count)).join().ok(), Some(None));
            assert_eq!(count.with(|count| *count += 1), Some(()));
            count.release_after_fork();
            assert_eq!(threads.spawn(|| count.with(|count| *count)).join().ok(), Some(Some(3)));
        });
    }

    #[test]
    fn who_waited_before_the_fork_began_is_refused_too() {
        let (lock, is_inside) = (Exclusive::new(()), Barrier::new(2));
        scope(|threads| {
            let waiting = threads.spawn(|| {
                is_inside.wait();
                while lock.with(|()| {}).is_some() {
                    yield_now();
                }
            });
            lock.with(|()| {
                is_inside.wait();
                sleep(10 * MOMENT);
            });
            lock.hold_for_fork();
            assert!(waiting.join().is_ok());
            lock.release_after_fork();
        });
    }

    #[test]
    fn who_is_inside_for_long_without_a_fork_is_waited_for() {
        let (count, is_inside) = (Exclusive::new(0), Barrier::new(2));
        scope(|threads| {
            let waiting = threads.spawn(|| {
                is_inside.wait();
                count.with(|count| *count)
            });
            count.with(|count| {
                is_inside.wait();
                sleep(20 * MOMENT);
                *count = 1;
            });
            assert_eq!(waiting.join().ok(), Some(Some(1)));
        });
    }

    #[test]
    fn a_fork_waits_for_another_ones_end() {
        let lock = Exclusive::new(());
        lock.hold_for_fork();
        scope(|threads| {
            let other = threads.spawn(|| {
                lock.hold_for_fork();
                lock.release_after_fork();
            });
            sleep(20 * MOMENT);
            assert!(!other.is_finished());
            lock.release_after_fork();
            assert!(other.join().is_ok());
        });
    }
}
