//! Waiting for another thread to change a word, as Windows has it since version 8.

use core::ptr::from_ref;
use core::sync::atomic::AtomicU32;

use windows_sys::Win32::Foundation::{ERROR_TIMEOUT, GetLastError};
use windows_sys::Win32::System::Threading::{INFINITE, WaitOnAddress, WakeByAddressAll, WakeByAddressSingle};

use crate::last_error::keeping_last_error;
use crate::system_calls::SystemCall;

const NANOSECONDS_PER_MILLISECOND: u32 = 1_000_000;

#[link(name = "ntdll", kind = "raw-dylib")]
unsafe extern "system" {
    fn RtlDllShutdownInProgress() -> u8;
}

/// Whether the process ends, and this thread is the last: the system has ended all others, wherever
/// they were.
pub fn are_others_gone() -> bool {
    // SAFETY: it reads a word of the loader's.
    unsafe { RtlDllShutdownInProgress() != 0 }
}

/// Sleeps while `word` is `expected`; may wake for no reason, so that callers look again.
pub fn wait_on(word: &AtomicU32, expected: u32) {
    wait(word, expected, INFINITE);
}

/// As [`wait_on`], for less than a second; false if that time is over, or the system refuses to
/// wait at all. The system counts milliseconds.
pub fn wait_on_briefly(word: &AtomicU32, expected: u32, nanoseconds: u32) -> bool {
    wait(word, expected, nanoseconds.div_ceil(NANOSECONDS_PER_MILLISECOND))
}

/// Wakes one thread that sleeps on `word`.
pub fn wake_one(word: &AtomicU32) {
    // SAFETY: only the address counts.
    wake(|| unsafe { WakeByAddressSingle(from_ref(word).cast()) });
}

/// Wakes every thread that sleeps on `word`.
pub fn wake_all(word: &AtomicU32) {
    // SAFETY: only the address counts.
    wake(|| unsafe { WakeByAddressAll(from_ref(word).cast()) });
}

/// A thread that is gone may have what the system's list of sleepers is locked by.
fn wake(sleepers: impl FnOnce()) {
    if !are_others_gone() {
        SystemCall::Futex.count();
        keeping_last_error(sleepers);
    }
}

fn wait(word: &AtomicU32, expected: u32, milliseconds: u32) -> bool {
    SystemCall::Futex.count();
    keeping_last_error(|| {
        // SAFETY: both words are valid for the call, and have the size that it takes them to have.
        let is_woken =
            unsafe { WaitOnAddress(from_ref(word).cast(), (&raw const expected).cast(), size_of::<u32>(), milliseconds) };
        // SAFETY: reads a word of this thread.
        is_woken != 0 || unsafe { GetLastError() } != ERROR_TIMEOUT
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::sync::atomic::{AtomicU32, Ordering};
    use std::sync::Arc;
    use std::thread;

    use super::{wait_on, wait_on_briefly, wake_all};

    #[test]
    fn a_sleeper_wakes_when_the_word_changes_and_not_at_all_if_it_has() {
        let word = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&word);
        let sleeper = thread::spawn(move || {
            while theirs.load(Ordering::Acquire) == 0 {
                wait_on(&theirs, 0);
            }
        });
        word.store(1, Ordering::Release);
        wake_all(&word);
        assert!(sleeper.join().is_ok());
        wait_on(&word, 0);
    }

    #[test]
    fn a_short_wait_says_whether_its_time_was_over() {
        let word = AtomicU32::new(0);
        assert!(!wait_on_briefly(&word, 0, 1_000));
        assert!(wait_on_briefly(&word, 1, 999_999_999));
    }
}
