//! A small lock: spins briefly, then sleeps in the kernel. It knows its holder, so that a signal handler that interrupted the holder is
//! refused instead of deadlocked, and so that the thread that forks may enter the locks it holds meanwhile.

use core::ops::{Deref, DerefMut};

use crate::sync::{AtomicBool, AtomicU32, AtomicUsize, Ordering, SPINS, UnsafeCell, spin_loop, wait_on, wake_one};

const FREE: usize = 0;
/// After the first lock of an allocator come two others.
const LATER_MAX: usize = 2;

/// Names a thread: the address of something that is its own; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(pub usize);

/// Invariant K1: the value is touched only by who moved `holder` away from free, or by the thread that forks while it holds the lock.
///
/// Sleeping is an event count: a waiter announces itself, reads the count, tries once more, and sleeps only while the count stands.
/// Who gives the lock back looks for waiters afterwards and moves the count; either sees the other.
#[repr(C)]
pub(crate) struct Lock<T> {
    holder: AtomicUsize,
    forking: AtomicBool,
    entered: AtomicBool,
    waiters: AtomicU32,
    events: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: K1.
unsafe impl<T: Send> Sync for Lock<T> {}

/// A lock of several, which are taken in one order. Who is inside a later one is a signal handler that interrupted its holder, and waiting
/// for an earlier one could last for ever: its holder may wait for the later one.
pub(crate) struct Ranked<'lock, T> {
    lock: &'lock Lock<T>,
    later: [Option<&'lock AtomicUsize>; LATER_MAX],
}

/// Access to what a lock protects, until dropped.
pub(crate) struct Guard<'lock, T> {
    lock: &'lock Lock<T>,
    gives_back: bool,
}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Lock<T> {
        Lock {
            holder: AtomicUsize::new(FREE),
            forking: AtomicBool::new(false),
            entered: AtomicBool::new(false),
            waiters: AtomicU32::new(0),
            events: AtomicU32::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits for the lock. `None`: this very thread holds it, and a signal handler interrupted it.
    pub(crate) fn lock(&self, thread: ThreadId) -> Option<Guard<'_, T>> {
        if self.try_take(thread) {
            return Some(Guard { lock: self, gives_back: true });
        }
        if self.is_held_by(thread) {
            // Once only: a signal handler that interrupts the forking thread inside is refused like any other.
            let may_enter = self.forking.load(Ordering::Relaxed) && !self.entered.swap(true, Ordering::Relaxed);
            return may_enter.then_some(Guard { lock: self, gives_back: false });
        }
        self.take_slow(thread);
        Some(Guard { lock: self, gives_back: true })
    }

    /// Looks inside without waiting, though somebody may be changing things.
    ///
    /// # Safety
    /// `look` copes with whatever it finds.
    pub(crate) unsafe fn peek<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        // SAFETY: the caller's promise.
        look(unsafe { &*self.value.get() })
    }

    /// Who is inside.
    pub(crate) const fn holder(&self) -> &AtomicUsize {
        &self.holder
    }

    /// Whether `thread` is inside.
    pub(crate) fn is_held_by(&self, thread: ThreadId) -> bool {
        self.holder.load(Ordering::Relaxed) == thread.0
    }

    /// Takes the lock until [`Lock::release_after_fork`] or [`Lock::reset_in_child`]; `thread` may enter meanwhile.
    /// `thread` does not hold it yet.
    pub(crate) fn hold_for_fork(&self, thread: ThreadId) {
        if !self.try_take(thread) {
            self.take_slow(thread);
        }
        self.forking.store(true, Ordering::Relaxed);
    }

    /// Whether `thread` holds the lock for a fork, not because a signal handler interrupted it inside.
    pub(crate) fn is_held_for_fork_by(&self, thread: ThreadId) -> bool {
        self.is_held_by(thread) && self.forking.load(Ordering::Relaxed)
    }

    pub(crate) fn release_after_fork(&self) {
        self.forking.store(false, Ordering::Relaxed);
        self.give_back();
    }

    /// In the child only the forking thread is left: nobody waits, and nobody else holds anything.
    pub(crate) fn reset_in_child(&self) {
        self.forking.store(false, Ordering::Relaxed);
        self.waiters.store(0, Ordering::Relaxed);
        self.holder.store(FREE, Ordering::Release);
    }

    fn try_take(&self, thread: ThreadId) -> bool {
        self.holder.compare_exchange(FREE, thread.0, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn take_slow(&self, thread: ThreadId) {
        for _ in 0..SPINS {
            if self.holder.load(Ordering::Relaxed) == FREE && self.try_take(thread) {
                return;
            }
            spin_loop();
        }
        self.waiters.fetch_add(1, Ordering::SeqCst);
        loop {
            let events = self.events.load(Ordering::SeqCst);
            if self.try_take(thread) {
                break;
            }
            wait_on(&self.events, events);
        }
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    fn give_back(&self) {
        self.holder.store(FREE, Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            self.events.fetch_add(1, Ordering::SeqCst);
            wake_one(&self.events);
        }
    }
}

impl<'lock, T> Ranked<'lock, T> {
    /// `later` are the holders of those that are taken after it: see [`Lock::holder`].
    pub(crate) const fn new(lock: &'lock Lock<T>, later: [Option<&'lock AtomicUsize>; LATER_MAX]) -> Ranked<'lock, T> {
        Ranked { lock, later }
    }

    /// As [`Lock::lock`]. `None` also where this thread is inside a later lock, unless it holds this one as well, for a fork.
    pub(crate) fn lock(self, thread: ThreadId) -> Option<Guard<'lock, T>> {
        let is_late = self.later.iter().flatten().any(|holder| holder.load(Ordering::Relaxed) == thread.0);
        if is_late && !self.lock.is_held_by(thread) { None } else { self.lock.lock(thread) }
    }
}

impl<T> Deref for Ranked<'_, T> {
    type Target = Lock<T>;

    fn deref(&self) -> &Lock<T> {
        self.lock
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
        if self.gives_back {
            self.lock.give_back();
        } else {
            self.lock.entered.store(false, Ordering::Relaxed);
        }
    }
}
