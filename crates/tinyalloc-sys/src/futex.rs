//! Waiting for another thread to change a word.

use core::ptr::{from_ref, null};
use core::sync::atomic::AtomicU32;

use libc::{FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAKE, SYS_futex, c_int, c_long, c_void, syscall, timespec};

use crate::posix::keeping_errno;
use crate::system_calls::SystemCall;

/// Sleeps while `word` is `expected`; may wake for no reason, so that callers look again.
pub fn wait_on(word: &AtomicU32, expected: u32) {
    keeping_errno(|| {
        // SAFETY: `word` is valid for the call; a null timeout waits for ever.
        unsafe { futex(word, FUTEX_WAIT, expected) }
    });
}

/// Wakes one thread that sleeps on `word`.
pub fn wake_one(word: &AtomicU32) {
    keeping_errno(|| {
        // SAFETY: `word` is valid for the call.
        unsafe { futex(word, FUTEX_WAKE, 1) }
    });
}

unsafe fn futex(word: &AtomicU32, operation: c_int, value: u32) -> c_long {
    let forever: *const timespec = null();
    let address: *const c_void = from_ref(word).cast();
    SystemCall::Futex.count();
    // SAFETY: the caller's promise.
    unsafe { syscall(SYS_futex, address, operation | FUTEX_PRIVATE_FLAG, value, forever) }
}
