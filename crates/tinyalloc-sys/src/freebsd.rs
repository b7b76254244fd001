//! Waiting for another thread to change a word, on FreeBSD: _umtx_op(2).

use core::ffi::{c_int, c_ulong, c_void};
use core::ptr::{from_ref, null_mut, without_provenance_mut};
use core::sync::atomic::AtomicU32;

use libc::{_umtx_op, _umtx_time, CLOCK_MONOTONIC, EINTR, UMTX_OP_WAIT_UINT_PRIVATE, UMTX_OP_WAKE_PRIVATE, clockid_t, timespec};

use crate::posix::{errno, keeping_errno};
use crate::system_calls::SystemCall;

/// The time is how long to wait, and no point in time.
const RELATIVE: u32 = 0;

/// Sleeps while `word` is `expected`; may wake for no reason, so that callers look again.
pub fn wait_on(word: &AtomicU32, expected: u32) {
    keeping_errno(|| {
        // SAFETY: `word` is valid for the call; without a time it waits for ever.
        unsafe { umtx(word, UMTX_OP_WAIT_UINT_PRIVATE, expected.into(), null_mut(), null_mut()) }
    });
}

/// As [`wait_on`], for less than a second; false if that time is over, or the system refuses to
/// wait at all.
pub fn wait_on_briefly(word: &AtomicU32, expected: u32, nanoseconds: u32) -> bool {
    let timeout = timespec { tv_sec: 0, tv_nsec: nanoseconds.into() };
    let mut time = _umtx_time { _timeout: timeout, _flags: RELATIVE, _clockid: clock(CLOCK_MONOTONIC) };
    keeping_errno(|| {
        let (bytes, time) = (without_provenance_mut(size_of::<_umtx_time>()), (&raw mut time).cast());
        // SAFETY: `word` and the time are valid for the call; the first of the two pointers is its
        // size.
        let status = unsafe { umtx(word, UMTX_OP_WAIT_UINT_PRIVATE, expected.into(), bytes, time) };
        status == 0 || errno() == EINTR
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
        // SAFETY: the address names the waiters, and is not accessed.
        unsafe { umtx(word, UMTX_OP_WAKE_PRIVATE, threads.into(), null_mut(), null_mut()) }
    });
}

fn clock(clock: clockid_t) -> u32 {
    clock.unsigned_abs()
}

unsafe fn umtx(word: &AtomicU32, operation: c_int, value: c_ulong, bytes: *mut c_void, time: *mut c_void) -> c_int {
    let address: *const c_void = from_ref(word).cast();
    SystemCall::Futex.count();
    // SAFETY: the caller's promise.
    unsafe { _umtx_op(address.cast_mut(), operation, value, bytes, time) }
}
