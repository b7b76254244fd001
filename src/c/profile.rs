//! The heap profile on demand: `ta_profile_dump` and `ta_profile_dump_fd`. The option profile turns
//! it on and off.

use core::ffi::{CStr, c_char, c_int};

use libc::EAGAIN;

use super::results::failure_and;
use crate::report::heap_profile::{dump_to_file, is_at_hand, write_to};
use crate::support::path_pattern::create;
use crate::support::small_file::close;

/// Writes the heap profile to a file, as heap_v2, which jeprof(1) and pprof read; with a null path,
/// to the next file of the option profile_file. Without a profile it has no samples.
///
/// Returns 0, or -1 with the errno of open(2) or write(2), or EAGAIN in a signal handler that
/// interrupted the allocator.
///
/// # Safety
/// `path` is a string or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_profile_dump(path: *const c_char) -> c_int {
    if !is_at_hand() {
        return failure_and(EAGAIN);
    }
    if path.is_null() {
        return result(dump_to_file());
    }
    // SAFETY: the caller's promise.
    let path = unsafe { CStr::from_ptr(path) };
    let written = create(&mut path.to_bytes().iter().copied(), 0).and_then(|descriptor| {
        let written = write_to(descriptor);
        close(descriptor);
        written
    });
    result(written)
}

/// As ta_profile_dump(), to a file descriptor.
#[unsafe(no_mangle)]
pub extern "C" fn ta_profile_dump_fd(descriptor: c_int) -> c_int {
    if is_at_hand() { result(write_to(descriptor)) } else { failure_and(EAGAIN) }
}

fn result(written: Result<(), c_int>) -> c_int {
    match written {
        Ok(()) => 0,
        Err(error) => failure_and(error),
    }
}
