//! A small lock: spins briefly, then sleeps in the kernel. Fork-aware: the thread that forks holds every lock meanwhile, and may
//! enter again.

use core::cell::UnsafeCell;
use core::hint::spin_loop;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use tinyalloc_sys::{wait_on, wake_one};

const FREE: u32 = 0;
const TAKEN: u32 = 1;
const CONTENDED: u32 = 2;
const SPINS: u32 = 100;

/// Names a thread: the address of something that is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(pub usize);

/// Invariant K1: the value is touched only by who moved `state` away from free, or by the thread that forks while it holds the lock.
pub(crate) struct Lock<T> {
    state: AtomicU32,
    forker: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: K1.
unsafe impl<T: Send> Sync for Lock<T> {}

/// Access to what a lock protects, until dropped.
pub(crate) struct Guard<'lock, T> {
    lock: &'lock Lock<T>,
    holds: bool,
}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Lock<T> {
        Lock { state: AtomicU32::new(FREE), forker: AtomicUsize::new(0), value: UnsafeCell::new(value) }
    }

    pub(crate) fn lock(&self, thread: ThreadId) -> Guard<'_, T> {
        if self.try_take() {
            return Guard { lock: self, holds: true };
        }
        if self.forker.load(Ordering::Relaxed) == thread.0 {
            return Guard { lock: self, holds: false };
        }
        self.take_slow();
        Guard { lock: self, holds: true }
    }

    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.try_take().then_some(Guard { lock: self, holds: true })
    }

    /// Takes the lock until [`Lock::release_after_fork`] or [`Lock::reset_in_child`]; `thread` may enter meanwhile.
    pub(crate) fn hold_for_fork(&self, thread: ThreadId) {
        if !self.try_take() {
            self.take_slow();
        }
        self.forker.store(thread.0, Ordering::Relaxed);
    }

    pub(crate) fn release_after_fork(&self) {
        self.forker.store(0, Ordering::Relaxed);
        self.give_back();
    }

    /// In the child only the forking thread is left: nobody waits, and nobody else holds anything.
    pub(crate) fn reset_in_child(&self) {
        self.forker.store(0, Ordering::Relaxed);
        self.state.store(FREE, Ordering::Release);
    }

    fn try_take(&self) -> bool {
        self.state.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn take_slow(&self) {
        for _ in 0..SPINS {
            if self.state.load(Ordering::Relaxed) == FREE && self.try_take() {
                return;
            }
            spin_loop();
        }
        while self.state.swap(CONTENDED, Ordering::Acquire) != FREE {
            wait_on(&self.state, CONTENDED);
        }
    }

    fn give_back(&self) {
        if self.state.swap(FREE, Ordering::Release) == CONTENDED {
            wake_one(&self.state);
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: K1.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: K1.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        if self.holds {
            self.lock.give_back();
        }
    }
}
