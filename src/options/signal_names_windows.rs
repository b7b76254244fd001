//! No option names a signal.

use core::ffi::c_int;

pub(super) const SIGNAL_NAMES: &str = "";
pub(super) const SIGNALS: [c_int; 0] = [];
