//! What the other Unix systems have instead of Linux's own calls: macOS and the BSDs as far as
//! POSIX goes.

use core::ffi::{c_char, c_int, c_void};
use libc::{
    __error, _SC_PAGESIZE, CLOCK_MONOTONIC, ENOSYS, MAP_ANON, MAP_FAILED, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE,
    clockid_t, getentropy, mmap, sysconf,
};

/// Reservations without access rights need no flag here.
pub(crate) const RESERVE_FLAGS: c_int = 0;

pub(crate) fn page_bytes() -> usize {
    // SAFETY: sysconf takes any number; a system has pages, so this one is known.
    usize::try_from(unsafe { sysconf(_SC_PAGESIZE) }).unwrap_or(1)
}

pub(crate) fn random_seeds() -> [u64; 2] {
    let mut seeds = [0_u64; 2];
    // SAFETY: the pointer is to as many writable bytes.
    unsafe { getentropy(seeds.as_mut_ptr().cast(), size_of_val(&seeds)) };
    seeds
}

/// Decommits a range; it reads as zero from then on. madvise does not zero here, a
/// fresh mapping in place does.
///
/// # Safety
/// The range is the caller's, and nothing in it is still wanted.
pub(crate) unsafe fn discard(start: *mut c_void, bytes: usize) -> c_int {
    let flags = MAP_PRIVATE | MAP_ANON | MAP_FIXED;
    // SAFETY: the caller owns the range that the new mapping replaces.
    let mapped = unsafe { mmap(start, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) };
    if mapped == MAP_FAILED { -1 } else { 0 }
}

/// There are none.
///
/// # Safety
/// None: nothing is touched.
pub(crate) unsafe fn install_guards(_start: *mut c_void, _bytes: usize) -> c_int {
    // SAFETY: the C library keeps errno of this thread at this address.
    unsafe { errno_location().write(ENOSYS) };
    -1
}

/// As [`install_guards`].
///
/// # Safety
/// None: nothing is touched.
pub(crate) unsafe fn is_guarded(_start: *mut c_void) -> bool {
    false
}

/// As [`install_guards`].
///
/// # Safety
/// None: nothing is touched.
pub(crate) unsafe fn remove_guards(_start: *mut c_void, _bytes: usize) -> c_int {
    0
}

/// There is no such advice.
///
/// # Safety
/// None: nothing is touched.
pub(crate) unsafe fn advise_huge_pages(_start: *mut c_void, _bytes: usize, _preferred: bool) -> c_int {
    // SAFETY: the C library keeps errno of this thread at this address.
    unsafe { errno_location().write(ENOSYS) };
    -1
}

/// There is no such call.
///
/// # Safety
/// None: nothing is touched.
pub(crate) unsafe fn seal(_start: *mut c_void, _bytes: usize) -> c_int {
    // SAFETY: the C library keeps errno of this thread at this address.
    unsafe { errno_location().write(ENOSYS) };
    -1
}

/// Mappings have no names.
///
/// # Safety
/// None: nothing is touched.
pub(crate) unsafe fn name(_start: *mut c_void, _bytes: usize, _name: *const c_char) -> c_int {
    // SAFETY: the C library keeps errno of this thread at this address.
    unsafe { errno_location().write(ENOSYS) };
    -1
}

/// There is no mremap.
///
/// # Safety
/// None: nothing is touched.
pub(crate) unsafe fn remap(_start: *mut c_void, _bytes: usize, _new_bytes: usize) -> *mut c_void {
    // SAFETY: the C library keeps errno of this thread at this address.
    unsafe { errno_location().write(ENOSYS) };
    MAP_FAILED
}

pub(crate) fn tick_clock() -> clockid_t {
    CLOCK_MONOTONIC
}

pub(crate) fn monotonic_clock() -> clockid_t {
    CLOCK_MONOTONIC
}

pub(crate) fn errno_location() -> *mut c_int {
    // SAFETY: the function has no requirements.
    unsafe { __error() }
}
