//! How long a file of this process may be.

use core::mem::MaybeUninit;

use libc::{RLIM_INFINITY, RLIMIT_FSIZE, getrlimit, rlimit};

/// How many bytes long a file of this process may become (`RLIMIT_FSIZE`, setrlimit(2)); `u64::MAX`
/// if any.
///
/// The thread that writes or lengthens a file beyond it gets a signal (`SIGXFSZ`), which ends the
/// process: ask first.
#[must_use]
pub fn file_bytes_limit() -> u64 {
    let mut limit = MaybeUninit::<rlimit>::uninit();
    // SAFETY: the pointer is to writable memory of the right type.
    if unsafe { getrlimit(RLIMIT_FSIZE, limit.as_mut_ptr()) } != 0 {
        return u64::MAX;
    }
    // SAFETY: getrlimit succeeded, so it filled the limit in.
    match unsafe { limit.assume_init() }.rlim_cur {
        RLIM_INFINITY => u64::MAX,
        bytes => bytes,
    }
}
