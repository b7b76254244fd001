//! Waiting for another thread to change a word.

use core::ptr::{from_ref, null};
use core::sync::atomic::AtomicU32;

use libc::{EAGAIN, EINTR, FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAKE, SYS_futex, c_int, c_long, c_void, syscall, timespec};

use crate::posix::{errno, keeping_errno};
use crate::system_calls::SystemCall;

/// Sleeps while `word` is `expected`; may wake for no reason, so that callers look again.
pub fn wait_on(word: &AtomicU32, expected: u32) {
    keeping_errno(|| {
        // SAFETY: `word` is valid for the call; a null timeout waits for ever.
        unsafe { futex(word, FUTEX_WAIT, expected, null()) }
    });
}

/// As [`wait_on`], for less than a second; false if that time is over, or the system refuses to
/// wait at all.
pub fn wait_on_briefly(word: &AtomicU32, expected: u32, nanoseconds: u32) -> bool {
    let time = timespec { tv_sec: 0, tv_nsec: nanoseconds.into() };
    keeping_errno(|| {
        // SAFETY: `word` and the time are valid for the call.
        let status = unsafe { futex(word, FUTEX_WAIT, expected, &raw const time) };
        status == 0 || matches!(errno(), EAGAIN | EINTR)
    })
}

/// Wakes one thread that sleeps on `word`.
pub fn wake_one(word: &AtomicU32) {
    wake(word, 1);
}

/// Wakes every thread that sleeps on `word`.
pub fn wake_all(word: &AtomicU32) {
    wake(word, c_int::MAX.unsigned_abs());
}

fn wake(word: &AtomicU32, threads: u32) {
    keeping_errno(|| {
        // SAFETY: `word` is valid for the call.
        unsafe { futex(word, FUTEX_WAKE, threads, null()) }
    });
}

unsafe fn futex(word: &AtomicU32, operation: c_int, value: u32, time: *const timespec) -> c_long {
    let address: *const c_void = from_ref(word).cast();
    SystemCall::Futex.count();
    // SAFETY: the caller's promise.
    unsafe { syscall(SYS_futex, address, operation | FUTEX_PRIVATE_FLAG, value, time) }
}
