//! The background thread, which releases memory while the program sleeps, and when the system runs
//! short of it, if the options ask for it.
//!
//! The slow path of an allocation creates it, while the thread holds no lock of the allocator,
//! after the program has allocated a mebibyte. A free cannot create it: the C library may hold the
//! lock of its thread stacks during a free. The thread ends when no thread that allocated is left,
//! so that the process can end. The child of a fork starts its own after it has allocated a
//! mebibyte.

use core::ffi::{c_int, c_void};
use core::mem::{MaybeUninit, replace};
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use libc::{
    FUTEX_PRIVATE_FLAG, FUTEX_WAIT, PR_SET_NAME, PTHREAD_CREATE_DETACHED, SIG_SETMASK, SYS_futex, SYS_prctl, SYS_rt_sigprocmask,
    pthread_attr_init, pthread_attr_setdetachstate, pthread_attr_setstacksize, pthread_attr_t, pthread_create, pthread_t,
    syscall, timespec,
};
use tinyalloc_alloc::{Mode, ThreadContext};
use tinyalloc_sys::{Mapper, SystemMapper};

use super::instance::ALLOCATOR;
use super::memory_limit;
use super::pressure;
use super::settings::SETTINGS;
use super::thread::{Thread, threads};
use super::tunables::purge_milliseconds;
use super::wake::{NEWS, NONE, RUNNING, STATE, wake_up};

/// A thread is not worth its cost below this.
const TAKEN_BYTES_MIN: usize = 1024 * 1024;
/// A slow allocation takes about a page of slots.
const REFILL_BYTES: usize = 4096;
/// Several times the stack that a purge needs.
const STACK_BYTES: usize = 64 * 1024;
/// Signals 32 to 34 belong to the C library, which interrupts every thread with one when a process
/// changes its user, for example.
const LIBC_SIGNALS: u64 = 0b111 << 31;
/// The longest sleep, so that a changed option takes effect, also when no memory is to be purged.
const NAP_MILLISECONDS_MAX: u64 = 500;
/// The looks in each purge delay while the program allocates. After so many without an allocation
/// there is one look in each delay.
const LOOKS_PER_DELAY: u64 = 5;
const QUIET_LOOKS_MIN: u32 = 20;
/// One tick of the clock of purging: after a shorter sleep, no time may have passed.
const TICK_MILLISECONDS: u64 = 8;
/// Between two looks at what the system has for the process.
const SYSTEM_MILLISECONDS: u64 = 1000;

#[unsafe(link_section = ".data")]
static TAKEN_BYTES: AtomicUsize = AtomicUsize::new(0);

/// A slow allocation of `bytes` bytes has finished.
#[inline]
pub(crate) fn on_allocation(bytes: usize) {
    if SETTINGS.background() {
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

/// The program changed the option, outside of any allocation.
pub(crate) fn on_option() {
    if SETTINGS.background() {
        run_once();
    } else {
        wake_up();
    }
}

/// The parent's thread does not exist in the child.
pub(crate) fn on_child() {
    TAKEN_BYTES.store(0, Ordering::Relaxed);
    STATE.store(NONE, Ordering::Relaxed);
    pressure::on_child();
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

/// A new thread inherits the signal mask, so the program's handlers never run in it. The calls are
/// system calls by number, because every imported function costs the dynamic linker a lookup in
/// each process, with or without the thread.
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

/// Thread-local storage counts as stack: a program with much of it needs a larger one.
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
    // SAFETY: the thread's function is valid for the life of the process: the library is never
    // unloaded. The attributes own nothing.
    unsafe { pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), run, null_mut()) == 0 }
}

extern "C" fn run(nothing: *mut c_void) -> *mut c_void {
    // SAFETY: the name is a C string.
    unsafe { syscall(SYS_prctl, PR_SET_NAME, c"tinyalloc".as_ptr()) };
    let (mut taken_bytes, mut quiet_looks, mut looked) = (0, 0_u32, 0);
    while SETTINGS.background() && threads() > 0 {
        let milliseconds = purge_milliseconds();
        // The program's own calls purge, too: a look just after one of those finds nothing due.
        let parts = if quiet_looks < QUIET_LOOKS_MIN { LOOKS_PER_DELAY } else { 1 };
        nap(milliseconds.unwrap_or(NAP_MILLISECONDS_MAX) / parts + TICK_MILLISECONDS);
        let now = SystemMapper::new().now_milliseconds();
        if now.saturating_sub(looked) >= SYSTEM_MILLISECONDS {
            looked = now;
            look_at_the_system();
        }
        if milliseconds.is_some() {
            ALLOCATOR.purge_by_time(Thread);
        }
        let taken_before = replace(&mut taken_bytes, TAKEN_BYTES.load(Ordering::Relaxed));
        quiet_looks = if taken_bytes == taken_before { quiet_looks.saturating_add(1) } else { 0 };
    }
    STATE.store(NONE, Ordering::Release);
    nothing
}

/// What the system has for the process may have changed.
fn look_at_the_system() {
    memory_limit::refresh();
    if SETTINGS.pressure() && pressure::is_high() {
        ALLOCATOR.purge_all(Thread);
    }
}

/// Sleeps, unless `NEWS` has changed since.
fn nap(milliseconds: u64) {
    let news = NEWS.load(Ordering::Acquire);
    if !SETTINGS.background() || threads() == 0 {
        return;
    }
    let milliseconds = milliseconds.min(NAP_MILLISECONDS_MAX);
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    time.tv_nsec = c_int::try_from(milliseconds * 1_000_000).unwrap_or(c_int::MAX).into();
    let (address, nowhere): (*const AtomicU32, *const u32) = (&raw const NEWS, null());
    // SAFETY: the word and the time are valid for the call.
    unsafe { syscall(SYS_futex, address, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, news, &raw const time, nowhere, 0) };
}
