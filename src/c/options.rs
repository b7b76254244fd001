//! Options by name while the program runs: `ta_option_get` and `ta_option_set`. tinyalloc(7)
//! describes them.

use core::ffi::{CStr, c_char, c_int};

use libc::{EAGAIN, EBUSY, EINVAL};

use super::results::{failure_and, invalid};
#[cfg(unix)]
use super::sized;
use super::statistics::copy;
use crate::options::running::{OptionError, OptionValue, set};
#[cfg(unix)]
use crate::process::settings::SETTINGS;

/// Applies the options of the environment that concern the C API. Runs after the start in
/// `lifecycle`.
#[cfg(unix)]
#[used]
#[unsafe(link_section = ".init_array.00102")]
static START: extern "C" fn() = start;

#[cfg(unix)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
extern "C" fn start() {
    if SETTINGS.checks_sizes() {
        sized::check(true);
    }
}

/// Writes the value of an option to a buffer, cut to what fits, with a null byte at its end; as
/// ta_option_set() takes it. See tinyalloc(7) for the options.
///
/// Returns the characters of the whole value, as snprintf(3) does, or -1 with errno EINVAL if there
/// is no such option.
///
/// # Safety
/// `name` is a string or null; `value` is valid for a write of `value_bytes` bytes, and may be null
/// if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_option_get(name: *const c_char, value: *mut c_char, value_bytes: usize) -> c_int {
    if name.is_null() {
        return invalid();
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    let Some(found) = OptionValue::of(name.to_bytes()) else {
        return invalid();
    };
    // SAFETY: the caller's promise.
    let length = unsafe { copy(&found, value, value_bytes) };
    c_int::try_from(length).unwrap_or(c_int::MAX)
}

/// Sets an option. What concerns regions of address space holds for those that are reserved
/// afterwards.
///
/// Returns 0, or -1 with errno EINVAL if there is no such option or it cannot have that value,
/// EBUSY if it is fixed when the process starts, and EAGAIN in a signal handler that interrupted
/// the allocator.
///
/// # Safety
/// `name` and `value` are strings or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_option_set(name: *const c_char, value: *const c_char) -> c_int {
    if name.is_null() || value.is_null() {
        return invalid();
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    // SAFETY: the caller's promise.
    let value = unsafe { CStr::from_ptr(value) };
    #[cfg(unix)]
    let checked_before = SETTINGS.checks_sizes();
    if let Err(error) = set(name.to_bytes(), value.to_bytes()) {
        return failure_and(match error {
            OptionError::Busy => EAGAIN,
            OptionError::Late => EBUSY,
            OptionError::UnknownName | OptionError::BadValue => EINVAL,
        });
    }
    #[cfg(unix)]
    if SETTINGS.checks_sizes() != checked_before {
        sized::check(!checked_before);
    }
    0
}
