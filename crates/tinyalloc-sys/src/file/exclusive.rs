//! A lock that signal handlers wait for, too: they are held back while it is held, so that none meets itself inside.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use libc::{SIG_SETMASK, pthread_sigmask, sigfillset, sigset_t};

use crate::futex::{wait_on, wake_one};
use crate::posix::keeping_errno;
use crate::system::errno_location;

const FREE: u32 = 0;
const HELD: u32 = 1;
const WAITED_FOR: u32 = 2;
const NOBODY: usize = 0;

/// Invariant X1: the value is touched only by who moved `word` away from free, or by the thread that forks while it holds the lock.
pub(super) struct Exclusive<T> {
    word: AtomicU32,
    forking: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: X1.
unsafe impl<T: Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    pub(super) const fn new(value: T) -> Exclusive<T> {
        Exclusive { word: AtomicU32::new(FREE), forking: AtomicUsize::new(NOBODY), value: UnsafeCell::new(value) }
    }

    /// Runs `change` while nobody else is inside; errno is as before.
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        keeping_errno(|| {
            let signals = hold_signals();
            let may_enter = self.forking.load(Ordering::Relaxed) == this_thread();
            if !may_enter {
                self.take();
            }
            // SAFETY: X1.
            let result = change(unsafe { &mut *self.value.get() });
            if !may_enter {
                self.give_back();
            }
            release_signals(&signals);
            result
        })
    }

    /// Takes the lock until [`Exclusive::release_after_fork`]; this thread may enter meanwhile.
    pub(super) fn hold_for_fork(&self) {
        self.take();
        self.forking.store(this_thread(), Ordering::Relaxed);
    }

    /// In the parent, and in the child, where nobody waits.
    pub(super) fn release_after_fork(&self) {
        self.forking.store(NOBODY, Ordering::Relaxed);
        self.give_back();
    }

    fn take(&self) {
        if self.word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            while self.word.swap(WAITED_FOR, Ordering::Acquire) != FREE {
                wait_on(&self.word, WAITED_FOR);
            }
        }
    }

    fn give_back(&self) {
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
    use std::thread::{scope, yield_now};

    use libc::{SIGUSR1, raise, sighandler_t, signal};

    use super::Exclusive;

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
        assert_eq!(count.with(|count| *count), 8000);
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
        });
        assert_eq!(HANDLED.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn who_forks_may_enter_meanwhile_and_nobody_else() {
        let count = Exclusive::new(1);
        count.hold_for_fork();
        count.with(|count| *count += 1);
        scope(|threads| {
            let other = threads.spawn(|| count.with(|count| *count));
            (0..100).for_each(|_| yield_now());
            assert!(!other.is_finished());
            count.with(|count| *count += 1);
            count.release_after_fork();
            assert_eq!(other.join().ok(), Some(3));
        });
    }
}
