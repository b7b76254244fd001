//! Waiting for another thread to change a word, on macOS: the calls that its C++ library waits
//! with.
//!
//! No header declares them. The public `os_sync_wait_on_address` is there from macOS 14.4 on alone.

use core::ffi::{c_int, c_void};
use core::ptr::from_ref;
use core::sync::atomic::AtomicU32;

use libc::{EFAULT, EINTR};

use crate::system_calls::SystemCall;

const UL_COMPARE_AND_WAIT: u32 = 1;
const ULF_WAKE_ALL: u32 = 0x100;
/// The reason of a failure is returned, less than zero, and `errno` is left alone.
const ULF_NO_ERRNO: u32 = 0x0100_0000;

const FOR_EVER: u32 = 0;
const NANOSECONDS_PER_MICROSECOND: u32 = 1_000;

unsafe extern "C" {
    fn __ulock_wait(operation: u32, address: *mut c_void, value: u64, microseconds: u32) -> c_int;
    fn __ulock_wake(operation: u32, address: *mut c_void, value: u64) -> c_int;
}

/// Sleeps while `word` is `expected`; may wake for no reason, so that callers look again.
pub fn wait_on(word: &AtomicU32, expected: u32) {
    wait(word, expected, FOR_EVER);
}

/// As [`wait_on`], for less than a second; false if that time is over, or the system refuses to
/// wait at all.
pub fn wait_on_briefly(word: &AtomicU32, expected: u32, nanoseconds: u32) -> bool {
    let microseconds = nanoseconds.div_ceil(NANOSECONDS_PER_MICROSECOND).max(1);
    let status = wait(word, expected, microseconds);
    // EFAULT: the page of the word is not in memory just now.
    status >= 0 || status == -EINTR || status == -EFAULT
}

/// Wakes one thread that sleeps on `word`.
pub fn wake_one(word: &AtomicU32) {
    wake(word, 0);
}

/// Wakes every thread that sleeps on `word`.
pub fn wake_all(word: &AtomicU32) {
    wake(word, ULF_WAKE_ALL);
}

fn wait(word: &AtomicU32, expected: u32, microseconds: u32) -> c_int {
    SystemCall::Futex.count();
    // SAFETY: `word` is valid for the call, which reads it.
    unsafe { __ulock_wait(UL_COMPARE_AND_WAIT | ULF_NO_ERRNO, address(word), expected.into(), microseconds) }
}

fn wake(word: &AtomicU32, whom: u32) {
    SystemCall::Futex.count();
    // SAFETY: the address names the waiters, and is not accessed.
    unsafe { __ulock_wake(UL_COMPARE_AND_WAIT | ULF_NO_ERRNO | whom, address(word), 0) };
}

fn address(word: &AtomicU32) -> *mut c_void {
    from_ref(word).cast_mut().cast()
}
