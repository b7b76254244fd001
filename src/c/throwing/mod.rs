//! The part of `operator new` that exceptions may pass through.
//!
//! The loops are in assembly, with unwind tables, in one file for each architecture: attempt to
//! allocate, look up the new-handler, call it or throw. The nothrow loop has a personality routine
//! that catches every exception of the handler, like `catch (...)`; see the Itanium C++ ABI,
//! Exception Handling, 1.6 (two-phase unwinding). So does the function through which a nothrow
//! operator calls an operator of the program's.

mod function;
mod runtime;

mod steps;

#[cfg(target_arch = "aarch64")]
#[path = "loops_aarch64.rs"]
mod loops;
#[cfg(target_arch = "riscv64")]
#[path = "loops_riscv64.rs"]
mod loops;
#[cfg(target_arch = "x86_64")]
#[path = "loops_x86_64.rs"]
mod loops;

use core::ffi::c_void;

pub(crate) use steps::typed_align;

/// A block, and the bytes of it that may be used; null and 0 if there is none. C has it in two
/// registers.
#[repr(C)]
pub struct SizedBlock {
    start: *mut c_void,
    bytes: usize,
}

// As functions that no exception leaves: the operators jump there and are no frame of the stack by
// then. Of a call that one may leave, the compiler makes no jump. (Those without `throw` let none
// out.)
unsafe extern "C" {
    /// A block, or an exception.
    pub(crate) fn tinyalloc_new_slow(bytes: usize, align: usize) -> *mut c_void;
    /// A block and its usable bytes, or an exception.
    pub(crate) fn tinyalloc_new_sized(bytes: usize, align: usize) -> SizedBlock;
    /// A block, or null.
    pub(crate) fn tinyalloc_new_nothrow_slow(bytes: usize, align: usize) -> *mut c_void;
    /// What the operator returns, or null.
    pub(crate) fn tinyalloc_new_nothrow_by(bytes: usize, align: usize, operator: *const c_void) -> *mut c_void;
}
