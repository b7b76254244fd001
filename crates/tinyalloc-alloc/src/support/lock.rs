//! A small lock: spins briefly, then sleeps in the kernel. It knows its holder, so that a signal
//! handler that interrupted the holder is refused instead of deadlocked, and so that the thread
//! that forks may enter the locks it holds meanwhile.
//!
//! No thread waits for ever for a thread that forks. Behind our handler it waits for locks of the C
//! library (the list of files, the name service's), and a thread that has one of those may wait for
//! ours. So a waiter is refused when a fork has lasted for a moment, and does without: see
//! [`Lock::lock`]. A reader need not wait at all, since a thread that forks changes nothing:
//! see [`Lock::look`].
//!
//! Nor does the last thread of a process wait for threads that the system has ended, as Windows
//! does before the end: it is refused.

use core::marker::PhantomData;
use core::mem::offset_of;
use core::ops::{Deref, DerefMut};

use crate::config::policy::{FINISH_LOOKS, FINISH_NANOSECONDS, FORK_NANOSECONDS, LONG_FORK_NANOSECONDS, PAUSE_NANOSECONDS};
use crate::sync::{
    AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering, SPINS, UnsafeCell, are_others_gone, spin_loop, wait_on,
    wait_on_briefly, wake_all, wake_one,
};

const FREE: usize = 0;
const NOBODY: ThreadId = ThreadId(FREE);

/// How often threads have waited for the present fork in vain: never, for a moment, and once for
/// long with each step beyond.
const NOT_STALLED: u8 = 0;
const STALLED: u8 = 1;
/// Then the next wait for long would be one for a moment.
const STALLED_MAX: u8 = 10;

/// Names a thread: the address of something that is its own; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(pub usize);

/// Invariant K1: the value is touched only by the thread that moved `holder` away from free, or by
/// the thread that forks while it holds the lock, or, for reading, by the thread that moved
/// `reader` away from free while another one forks and has not entered.
///
/// Sleeping is an event count: a waiter counts itself, reads the count, tries once more, and sleeps
/// only while the count stays. The thread that releases the lock looks for waiters afterwards and
/// moves the count; either sees the other. A signal handler may come in between. If it then waits
/// for an earlier lock, whose holder may be that very waiter, it wakes the waiter itself:
/// see [`Gate::wake_overlooked`].
#[repr(C)]
pub(crate) struct Lock<T> {
    gate: Gate,
    value: UnsafeCell<T>,
}

/// The lock without what it protects: the same code for every type.
#[repr(C)]
pub(crate) struct Gate {
    holder: AtomicUsize,
    forking: AtomicBool,
    pushed: AtomicBool,
    stalled: AtomicU8,
    closing: AtomicBool,
    waiters: AtomicU32,
    events: AtomicU32,
    unfinished: AtomicU32,
    reader: AtomicUsize,
    refusals: AtomicUsize,
}

// SAFETY: K1.
unsafe impl<T: Send> Sync for Lock<T> {}

/// A lock of several, which are taken in one order. A caller inside a later one is a signal handler
/// that interrupted its holder, and waiting for an earlier one could last for ever: its holder may
/// wait for the later one.
pub(crate) struct Ranked<'locks, L, T> {
    locks: &'locks L,
    value: PhantomData<fn() -> T>,
}

/// Locks that are taken in one order, one of which protects a `T`.
pub(crate) trait Ranking<T> {
    /// The lock of the `T`.
    fn ranked(&self) -> &Lock<T>;

    /// Whether `thread` is inside one that is taken after it.
    fn is_inside_later(&self, thread: ThreadId) -> bool;

    /// [`Gate::wake_overlooked`], of each that is taken after it.
    fn wake_overlooked_later(&self);
}

/// Whether a thread waits for one that forks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// For a moment.
    None,
    /// For much longer, half as long each time in a fork: for a caller that pays dearly for a
    /// refusal.
    Long,
    /// However long it takes: for a thread that holds no lock of the C library's.
    WithForks,
}

/// How the access was come by, and so how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Taken,
    Entered,
    Shared,
}

/// Access to what a lock protects, until dropped.
pub(crate) struct Guard<'lock, T> {
    lock: &'lock Lock<T>,
    way: Way,
}

/// Access to what a lock protects, to read it, until dropped.
pub(crate) struct View<'lock, T>(Guard<'lock, T>);

/// What a holder of the lock has begun and will finish when it holds the lock again. No fork comes
/// in between.
#[must_use = "finish it"]
pub(crate) struct Unfinished<'lock, T>(&'lock Lock<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Lock<T> {
        Lock { gate: Gate::new(), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock. `None`: this very thread holds it, and a signal handler interrupted it;
    /// or another thread holds it for a fork, and has for longer than forks take:
    /// [`Gate::refusals`] counts that.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn lock(&self, thread: ThreadId) -> Option<Guard<'_, T>> {
        self.lock_with(thread, Patience::None)
    }

    /// As [`Lock::lock`], but waits for a fork, too, however long.
    pub(crate) fn lock_patiently(&self, thread: ThreadId) -> Option<Guard<'_, T>> {
        self.lock_with(thread, Patience::WithForks)
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn lock_with(&self, thread: ThreadId, patience: Patience) -> Option<Guard<'_, T>> {
        self.come_in(thread, patience).map(|way| Guard { lock: self, way })
    }

    /// As [`Lock::lock`], to read only: never refused because of a fork.
    pub(crate) fn look(&self, thread: ThreadId) -> Option<View<'_, T>> {
        self.come_to_look(thread).map(|way| View(Guard { lock: self, way }))
    }

    /// Looks inside without waiting, though a thread may be changing things.
    ///
    /// # Safety
    /// `look` copes with whatever it finds.
    pub(crate) unsafe fn peek<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        // SAFETY: the caller's promise.
        look(unsafe { &*self.value.get() })
    }
}

impl<T> Deref for Lock<T> {
    type Target = Gate;

    fn deref(&self) -> &Gate {
        &self.gate
    }
}

impl Gate {
    const fn new() -> Gate {
        Gate {
            holder: AtomicUsize::new(FREE),
            forking: AtomicBool::new(false),
            pushed: AtomicBool::new(false),
            stalled: AtomicU8::new(NOT_STALLED),
            closing: AtomicBool::new(false),
            waiters: AtomicU32::new(0),
            events: AtomicU32::new(0),
            unfinished: AtomicU32::new(0),
            reader: AtomicUsize::new(FREE),
            refusals: AtomicUsize::new(0),
        }
    }

    /// Whether `thread` holds the lock.
    pub(crate) fn is_held_by(&self, thread: ThreadId) -> bool {
        self.holder.load(Ordering::Relaxed) == thread.0
    }

    /// Whether `thread` holds the lock, or reads what it protects.
    pub(crate) fn is_inside(&self, thread: ThreadId) -> bool {
        self.is_held_by(thread) || self.reader.load(Ordering::Relaxed) == thread.0
    }

    /// How often a thread was refused because of a fork.
    pub(crate) fn refusals(&self) -> usize {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Whether the thread that wants the lock is refused at once, because of a fork, or of a holder
    /// that is gone.
    pub(crate) fn is_stalled(&self) -> bool {
        (self.forking.load(Ordering::Relaxed) || are_others_gone()) && self.stalled.load(Ordering::Relaxed) >= STALLED
    }

    /// Whether a thread is about to fork, and waits for what others will finish in a moment.
    pub(crate) fn is_fork_near(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    // Called from everywhere, as what follows: not to be copied there.
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn come_in(&self, thread: ThreadId, patience: Patience) -> Option<Way> {
        if self.try_take(thread) {
            return Some(Way::Taken);
        }
        if self.is_inside(thread) {
            return self.enter(thread);
        }
        self.take_slow(thread, patience).then_some(Way::Taken)
    }

    #[inline(never)]
    fn come_to_look(&self, thread: ThreadId) -> Option<Way> {
        loop {
            if self.try_take(thread) {
                return Some(Way::Taken);
            }
            if self.is_inside(thread) {
                return self.enter(thread);
            }
            if self.share(thread) {
                return Some(Way::Shared);
            }
            if !self.forking.load(Ordering::SeqCst) && self.take_slow(thread, Patience::None) {
                return Some(Way::Taken);
            }
            if are_others_gone() {
                return None;
            }
            self.pause();
        }
    }

    fn try_take(&self, thread: ThreadId) -> bool {
        self.holder.compare_exchange(FREE, thread.0, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn take_slow(&self, thread: ThreadId, patience: Patience) -> bool {
        for _ in 0..SPINS {
            if self.holder.load(Ordering::Relaxed) == FREE && self.try_take(thread) {
                return true;
            }
            spin_loop();
        }
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let is_taken = self.wait(thread, patience);
        // In the child of a fork that a signal handler made right here, the count is gone.
        let _ = self.waiters.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |waiters| waiters.checked_sub(1));
        is_taken
    }

    fn wait(&self, thread: ThreadId, patience: Patience) -> bool {
        loop {
            let events = self.events.load(Ordering::SeqCst);
            if self.try_take(thread) {
                return true;
            }
            if are_others_gone() {
                return self.refuse(thread, patience);
            }
            if patience == Patience::WithForks || !self.forking.load(Ordering::SeqCst) {
                wait_on(&self.events, events);
            } else if !self.wait_for_fork(events, patience) {
                return self.refuse(thread, patience);
            }
        }
    }

    /// Whether something happened meanwhile.
    fn wait_for_fork(&self, events: u32, patience: Patience) -> bool {
        let stalled = self.stalled.load(Ordering::Relaxed);
        if patience != Patience::Long {
            return stalled < STALLED && wait_on_briefly(&self.events, events, FORK_NANOSECONDS);
        }
        // Half as long each time: the thread may have what the fork waits for.
        let nanoseconds = LONG_FORK_NANOSECONDS >> stalled.saturating_sub(STALLED);
        stalled < STALLED_MAX && wait_on_briefly(&self.events, events, nanoseconds)
    }

    /// The fork lasts: unless it has just ended, no thread waits for it any more.
    fn refuse(&self, thread: ThreadId, patience: Patience) -> bool {
        if self.try_take(thread) {
            return true;
        }
        // Where two threads count at once, one wait for long is not counted.
        let stalled = self.stalled.load(Ordering::Relaxed).max(STALLED);
        let step = u8::from(patience == Patience::Long && stalled < STALLED_MAX);
        self.stalled.store(stalled + step, Ordering::Relaxed);
        self.refusals.fetch_add(1, Ordering::Relaxed);
        false
    }

    // As above.
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn go_out(&self, way: Way) {
        match way {
            Way::Taken => self.unlock(),
            // A reader that finds no thread inside sees what was written there.
            Way::Entered => self.pushed.store(false, Ordering::SeqCst),
            Way::Shared => self.reader.store(FREE, Ordering::SeqCst),
        }
    }

    fn unlock(&self) {
        self.holder.store(FREE, Ordering::SeqCst);
        self.wake_waiter();
    }

    /// A signal handler may have interrupted its thread before it woke a waiter, or before the
    /// waiter that it is, woken, took the lock. Then the lock is free, and another waiter sleeps.
    pub(crate) fn wake_overlooked(&self) {
        if self.holder.load(Ordering::SeqCst) == FREE {
            self.wake_waiter();
        }
    }

    fn wake_waiter(&self) {
        if self.waiters.load(Ordering::SeqCst) > 0 {
            self.events.fetch_add(1, Ordering::SeqCst);
            wake_one(&self.events);
        }
    }
}

/// Forks.
impl Gate {
    /// Takes the lock until [`Gate::release_after_fork`] or [`Gate::reset_in_child`], once nothing
    /// is unfinished, unless it is `thread` itself that may not have finished; `thread` may enter
    /// meanwhile, and does not hold it yet.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn hold_for_fork(&self, thread: ThreadId, may_be_unfinished: bool) {
        self.take_for_fork(thread);
        for _ in 0..FINISH_LOOKS {
            let unfinished = self.unfinished.load(Ordering::Relaxed);
            if may_be_unfinished || unfinished == 0 {
                break;
            }
            self.closing.store(true, Ordering::Relaxed);
            self.unlock();
            wait_on_briefly(&self.unfinished, unfinished, FINISH_NANOSECONDS);
            self.take_for_fork(thread);
        }
        self.closing.store(false, Ordering::Relaxed);
        self.stalled.store(NOT_STALLED, Ordering::Relaxed);
        self.forking.store(true, Ordering::SeqCst);
        // Who waits for the lock without knowing of the fork would wait for as long as it lasts.
        if self.waiters.load(Ordering::SeqCst) > 0 {
            self.events.fetch_add(1, Ordering::SeqCst);
            wake_all(&self.events);
        }
    }

    fn take_for_fork(&self, thread: ThreadId) {
        if !self.try_take(thread) {
            self.take_slow(thread, Patience::WithForks);
        }
    }

    /// Whether `thread` holds the lock for a fork, not because a signal handler interrupted it
    /// inside.
    pub(crate) fn is_held_for_fork_by(&self, thread: ThreadId) -> bool {
        self.is_held_by(thread) && self.forking.load(Ordering::Relaxed)
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn release_after_fork(&self) {
        self.forking.store(false, Ordering::SeqCst);
        self.stalled.store(NOT_STALLED, Ordering::Relaxed);
        self.wait_for_reader();
        self.unlock();
    }

    /// In the child only the forking thread is left: no thread waits, and no other thread holds,
    /// reads or finishes anything.
    pub(crate) fn reset_in_child(&self) {
        for mark in [&self.forking, &self.pushed, &self.closing] {
            mark.store(false, Ordering::Relaxed);
        }
        self.stalled.store(NOT_STALLED, Ordering::Relaxed);
        for count in [&self.waiters, &self.unfinished] {
            count.store(0, Ordering::Relaxed);
        }
        // A signal handler may have forked while its thread was about to sleep.
        self.events.fetch_add(1, Ordering::Relaxed);
        self.reader.store(FREE, Ordering::Relaxed);
        self.holder.store(FREE, Ordering::Release);
    }

    /// The thread that forks goes inside, once at a time: a signal handler that interrupts it there
    /// is refused like any other.
    fn enter(&self, thread: ThreadId) -> Option<Way> {
        if !self.is_held_for_fork_by(thread) || self.pushed.swap(true, Ordering::SeqCst) {
            return None;
        }
        self.wait_for_reader();
        Some(Way::Entered)
    }

    /// Reads beside a thread that forks and is not inside.
    fn share(&self, thread: ThreadId) -> bool {
        if !self.forking.load(Ordering::SeqCst)
            || self.reader.compare_exchange(FREE, thread.0, Ordering::SeqCst, Ordering::Relaxed).is_err()
        {
            return false;
        }
        // Set first: the thread that ends the fork, or goes inside, looks for a reader afterwards.
        let may_read = self.forking.load(Ordering::SeqCst) && !self.pushed.load(Ordering::SeqCst);
        if !may_read {
            self.reader.store(FREE, Ordering::SeqCst);
        }
        may_read
    }

    fn wait_for_reader(&self) {
        while self.reader.load(Ordering::SeqCst) != FREE {
            self.pause();
        }
    }

    /// Lets others go on, whatever their priority.
    #[cold]
    #[inline(never)]
    fn pause(&self) {
        wait_on_briefly(&self.events, self.events.load(Ordering::SeqCst), PAUSE_NANOSECONDS);
    }

    /// In the child of a fork that a signal handler made while its thread was inside: what others
    /// counted is gone with them.
    pub(crate) fn forget_others(&self) {
        self.closing.store(false, Ordering::Relaxed);
        self.unfinished.store(0, Ordering::Relaxed);
        self.waiters.store(0, Ordering::Relaxed);
    }
}

impl<'locks, L: Ranking<T>, T> Ranked<'locks, L, T> {
    pub(crate) const fn new(locks: &'locks L) -> Ranked<'locks, L, T> {
        Ranked { locks, value: PhantomData }
    }

    /// As [`Lock::lock`]. `None` also where this thread is inside a later lock, unless it holds
    /// this one as well, for a fork.
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn lock(self, thread: ThreadId) -> Option<Guard<'locks, T>> {
        if self.is_refused(thread) { None } else { self.locks.ranked().lock(thread) }
    }

    /// As [`Lock::lock_patiently`], refused as [`Ranked::lock`].
    pub(crate) fn lock_patiently(self, thread: ThreadId) -> Option<Guard<'locks, T>> {
        self.lock_with(thread, Patience::WithForks)
    }

    /// The one or the other.
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn lock_with(self, thread: ThreadId, patience: Patience) -> Option<Guard<'locks, T>> {
        if self.is_refused(thread) { None } else { self.locks.ranked().lock_with(thread, patience) }
    }

    /// As [`Lock::look`], refused as [`Ranked::lock`].
    #[inline(never)]
    pub(crate) fn look(self, thread: ThreadId) -> Option<View<'locks, T>> {
        if self.is_refused(thread) { None } else { self.locks.ranked().look(thread) }
    }

    /// Who waits for the lock has woken whom its thread was to wake. (Such a waiter can only be in
    /// the way if it holds this lock already.)
    fn is_refused(&self, thread: ThreadId) -> bool {
        if !self.locks.ranked().is_held_by(NOBODY) {
            self.locks.wake_overlooked_later();
        }
        self.is_late(thread)
    }

    fn is_late(&self, thread: ThreadId) -> bool {
        self.locks.is_inside_later(thread) && !self.locks.ranked().is_held_by(thread)
    }
}

impl<L: Ranking<T>, T> Deref for Ranked<'_, L, T> {
    type Target = Lock<T>;

    fn deref(&self) -> &Lock<T> {
        self.locks.ranked()
    }
}

impl<'lock, T> Guard<'lock, T> {
    /// Leaves something to be finished under the lock, in a moment and without waiting for anybody;
    /// `None` if a fork is about to begin. (The thread that forks waits for no thread.)
    pub(crate) fn unfinished(&self) -> Option<Unfinished<'lock, T>> {
        if self.way != Way::Taken || self.lock.is_fork_near() {
            return None;
        }
        // Under the lock: no other thread changes it.
        self.lock.unfinished.store(self.lock.unfinished.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        Some(Unfinished(self.lock))
    }
}

impl<'lock, T> Unfinished<'lock, T> {
    /// Takes the lock to finish. In the child of a fork that a signal handler made in between, the
    /// count is gone.
    pub(crate) fn finish(self, thread: ThreadId) -> Option<Guard<'lock, T>> {
        let guard = self.0.lock_patiently(thread)?;
        self.0.unfinished.store(self.0.unfinished.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
        Some(guard)
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
        // SAFETY: K1: only a view is shared.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Deref for View<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.lock.go_out(self.way);
    }
}

/// Where it keeps what it protects, and its holder, for debuggers.
impl<T> Lock<T> {
    pub(crate) const VALUE_AT: usize = offset_of!(Lock<T>, value);
    pub(crate) const HOLDER_AT: usize = offset_of!(Lock<T>, gate.holder);
}
