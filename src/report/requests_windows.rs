//! There are no signals that request something, nor options that name them.

use core::ffi::c_int;

pub(crate) fn listen(_before: c_int, _signal: c_int) {}
