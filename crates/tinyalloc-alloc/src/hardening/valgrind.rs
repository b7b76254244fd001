//! The requests to valgrind: its client requests, instructions that do nothing elsewhere (Valgrind
//! User Manual, 3.1 and 4.7).

#[cfg_attr(target_arch = "x86_64", path = "valgrind/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "valgrind/aarch64.rs")]
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), path = "valgrind/elsewhere.rs")]
mod instruction;

use core::ptr::NonNull;

use instruction::request;

const RUNNING_ON_VALGRIND: usize = 0x1001;
const MALLOCLIKE_BLOCK: usize = 0x1301;
const FREELIKE_BLOCK: usize = 0x1302;
const CHANGE_ERROR_DISABLEMENT: usize = 0x1801;
const MEMCHECK: usize = 0x4d43_0000;
const MAKE_MEMORY_INACCESSIBLE: usize = MEMCHECK;
const MAKE_MEMORY_DEFINED: usize = MEMCHECK + 2;
const GET_VALIDITY_BITS: usize = MEMCHECK + 8;

/// What GET_VALIDITY_BITS says of memory that must not be accessed.
const INACCESSIBLE: usize = 3;

/// Bytes behind each small block that no thread may access.
pub(crate) const REDZONE_BYTES: usize = 16;

pub(crate) fn is_running() -> bool {
    request([RUNNING_ON_VALGRIND, 0, 0, 0, 0, 0]) != 0
}

/// A block begins to live; its contents are undefined.
pub(crate) fn malloclike(start: NonNull<u8>, bytes: usize) {
    request([MALLOCLIKE_BLOCK, start.as_ptr().addr(), bytes, 0, 0, 0]);
}

/// `freelike`: a block that memcheck knows ends.
pub(crate) fn freelike(start: NonNull<u8>) {
    request([FREELIKE_BLOCK, start.as_ptr().addr(), 0, 0, 0, 0]);
}

pub(crate) fn make_noaccess(address: usize, bytes: usize) {
    request([MAKE_MEMORY_INACCESSIBLE, address, bytes, 0, 0, 0]);
}

pub(crate) fn define(address: usize, bytes: usize) {
    request([MAKE_MEMORY_DEFINED, address, bytes, 0, 0, 0]);
}

/// How many of the first `bytes` bytes of a block may be accessed.
pub(crate) fn accessible_bytes(start: NonNull<u8>, bytes: usize) -> usize {
    let (mut least, mut most) = (0, bytes);
    while least < most {
        let middle = least + (most - least).div_ceil(2);
        if is_accessible(start.as_ptr().addr() + middle - 1) {
            least = middle;
        } else {
            most = middle - 1;
        }
    }
    least
}

fn is_accessible(address: usize) -> bool {
    let mut bits = 0u8;
    request([GET_VALIDITY_BITS, address, (&raw mut bits).expose_provenance(), 1, 0, 0]) != INACCESSIBLE
}

/// While it lives, what this thread does is no error.
#[derive(Debug)]
pub(crate) struct ErrorsDisabled(bool);

impl ErrorsDisabled {
    #[inline]
    pub(crate) fn new(is_wanted: bool) -> ErrorsDisabled {
        if is_wanted {
            request([CHANGE_ERROR_DISABLEMENT, 1, 0, 0, 0, 0]);
        }
        ErrorsDisabled(is_wanted)
    }
}

impl Drop for ErrorsDisabled {
    #[inline]
    fn drop(&mut self) {
        if self.0 {
            enable_errors();
        }
    }
}

// In one place, not in thirty.
#[inline(never)]
fn enable_errors() {
    request([CHANGE_ERROR_DISABLEMENT, usize::MAX, 0, 0, 0, 0]);
}
