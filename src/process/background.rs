//! A thread that gives memory back while the program sleeps, if the option asks for one.
//!
//! It is made when the program has taken a mebibyte since it could have been: by an allocation, once no lock of ours is held. A free would
//! be too late, and the C library may hold the lock of its thread stacks there. It ends when no thread that allocated is left, so that
//! the process can. The child of a fork has none until it takes a mebibyte itself.

use core::ffi::{c_int, c_void};
use core::mem::{MaybeUninit, replace};
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use libc::{
    FUTEX_PRIVATE_FLAG, FUTEX_WAIT, PR_SET_NAME, PTHREAD_CREATE_DETACHED, SIG_SETMASK, SYS_futex, SYS_prctl, SYS_rt_sigprocmask,
    pthread_attr_init, pthread_attr_setdetachstate, pthread_attr_setstacksize, pthread_attr_t, pthread_create, pthread_t,
    syscall, timespec,
};
use tinyalloc_alloc::{Local, Mode};

use super::instance::ALLOCATOR;
use super::settings::SETTINGS;
use super::thread::{Thread, threads};
use super::tunables::purge_milliseconds;
use super::wake::{NEWS, NONE, RUNNING, STATE, tell};

/// Less is not worth a thread.
const TAKEN_BYTES_MIN: usize = 1024 * 1024;
/// A slow allocation takes a page of slots at least, or nearly so.
const REFILL_BYTES: usize = 4096;
/// What the frames of a purge need many times over.
const STACK_BYTES: usize = 64 * 1024;
/// Signals 32 to 34 are the C library's own: it interrupts every thread when a process changes its user, say.
const LIBC_SIGNALS: u64 = 0b111 << 31;
/// How long an option that was changed may take to be noticed. Also when memory is to stay.
const NAP_MILLISECONDS_MAX: u64 = 500;
/// How often it looks while the program allocates, and how often in vain before it looks once per delay.
const LOOKS_PER_DELAY: u64 = 5;
const QUIET_LOOKS_MIN: u32 = 20;
/// The clock of purging ticks that often: who slept less may find that no time has passed.
const TICK_MILLISECONDS: u64 = 8;

static TAKEN_BYTES: AtomicUsize = AtomicUsize::new(0);

/// A slow allocation of `bytes` is over.
#[inline]
pub(crate) fn on_allocation(bytes: usize) {
    if SETTINGS.background_purge() {
        on_allocation_slow(bytes);
    }
}

#[cold]
#[inline(never)]
fn on_allocation_slow(bytes: usize) {
    let bytes = bytes.max(REFILL_BYTES);
    let taken_bytes = TAKEN_BYTES.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
    if taken_bytes >= TAKEN_BYTES_MIN && STATE.load(Ordering::Relaxed) == NONE && Thread.mode() == Mode::Attached {
        run_once();
    }
}

/// The option was changed, by a call of the program's: outside of any allocation.
pub(crate) fn on_option() {
    if SETTINGS.background_purge() {
        run_once();
    } else {
        tell();
    }
}

/// The thread is the parent's.
pub(crate) fn on_child() {
    TAKEN_BYTES.store(0, Ordering::Relaxed);
    STATE.store(NONE, Ordering::Relaxed);
}

fn run_once() {
    if STATE.compare_exchange(NONE, RUNNING, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return;
    }
    TAKEN_BYTES.store(0, Ordering::Relaxed);
    if !with_signals_blocked(create) {
        STATE.store(NONE, Ordering::Release);
    }
}

/// A new thread inherits the mask: the program's handlers never run in ours. Every function that the library imports is one more for the
/// dynamic linker to find in each process, thread or no thread: hence system calls by number.
fn with_signals_blocked(create: impl FnOnce() -> bool) -> bool {
    let (blocked, mut before) = (!LIBC_SIGNALS, 0_u64);
    // SAFETY: one set, and room for the one before.
    if unsafe { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &raw const blocked, &raw mut before, size_of::<u64>()) } != 0 {
        return false;
    }
    let is_created = create();
    let nowhere: *mut u64 = null_mut();
    // SAFETY: the set that held before.
    unsafe { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &raw const before, nowhere, size_of::<u64>()) };
    is_created
}

/// Thread-local storage counts as stack: a program with much of it needs more.
fn create() -> bool {
    create_with(STACK_BYTES) || create_with(64 * STACK_BYTES)
}

fn create_with(stack_bytes: usize) -> bool {
    let mut attributes = MaybeUninit::<pthread_attr_t>::uninit();
    // SAFETY: the attributes are valid for the write.
    if unsafe { pthread_attr_init(attributes.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: initialised.
    unsafe { pthread_attr_setdetachstate(attributes.as_mut_ptr(), PTHREAD_CREATE_DETACHED) };
    // SAFETY: initialised.
    unsafe { pthread_attr_setstacksize(attributes.as_mut_ptr(), stack_bytes) };
    let mut thread = MaybeUninit::<pthread_t>::uninit();
    // SAFETY: the thread's function is valid for the life of the process: the library is never unloaded. No attribute owns anything.
    unsafe { pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), run, null_mut()) == 0 }
}

extern "C" fn run(nothing: *mut c_void) -> *mut c_void {
    // SAFETY: the name is a C string.
    unsafe { syscall(SYS_prctl, PR_SET_NAME, c"tinyalloc".as_ptr()) };
    let (mut taken_bytes, mut quiet_looks) = (0, 0_u32);
    while SETTINGS.background_purge() && threads() > 0 {
        let milliseconds = purge_milliseconds();
        // The program's own calls look at the clock, too: a look that comes a moment after one of those finds nothing due.
        let parts = if quiet_looks < QUIET_LOOKS_MIN { LOOKS_PER_DELAY } else { 1 };
        nap(milliseconds.unwrap_or(NAP_MILLISECONDS_MAX) / parts + TICK_MILLISECONDS);
        if milliseconds.is_some() {
            ALLOCATOR.purge_by_time(Thread);
        }
        let taken_before = replace(&mut taken_bytes, TAKEN_BYTES.load(Ordering::Relaxed));
        quiet_looks = if taken_bytes == taken_before { quiet_looks.saturating_add(1) } else { 0 };
    }
    STATE.store(NONE, Ordering::Release);
    nothing
}

/// Sleeps, but not if there was news since.
fn nap(milliseconds: u64) {
    let news = NEWS.load(Ordering::Acquire);
    if !SETTINGS.background_purge() || threads() == 0 {
        return;
    }
    let milliseconds = milliseconds.min(NAP_MILLISECONDS_MAX);
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    time.tv_nsec = c_int::try_from(milliseconds * 1_000_000).unwrap_or(c_int::MAX).into();
    let (address, nowhere): (*const AtomicU32, *const u32) = (&raw const NEWS, null());
    // SAFETY: the word and the time are valid for the call.
    unsafe { syscall(SYS_futex, address, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, news, &raw const time, nowhere, 0) };
}
