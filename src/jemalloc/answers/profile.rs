//! The heap profile.

use core::ffi::CStr;
use core::ptr::null;

use libc::{EAGAIN, EFAULT, EINVAL, ENOENT};

use super::super::heap_dump::write_to;
use super::super::names::{Answer, Outcome, Place};
use super::super::started::STARTED;
use super::super::value::Value;
use crate::options::malloc_conf::{LG_PROF_SAMPLE_MAX, set_prof_prefix};
use crate::options::running::set;
use crate::process::settings::SETTINGS;
use crate::report::heap_profile::{dump_to_file_by, forget, is_at_hand};
use crate::support::chunked_writer::write_in_chunks;
use crate::support::path_pattern::create;
use crate::support::small_file::close;

pub(in super::super) fn active(_: Place) -> Answer {
    Ok(Value::Bool(SETTINGS.profile_interval() > 0))
}

/// As in jemalloc, only where a profile was asked for at the start.
pub(in super::super) fn set_active(_: Place, value: Value) -> Outcome {
    let is_on = value == Value::Bool(true);
    if is_on == (SETTINGS.profile_interval() > 0) {
        return Ok(());
    }
    if !is_on {
        return set(b"profile", b"off").map_err(|_| EAGAIN);
    }
    if !STARTED.has_prof() {
        return Err(ENOENT);
    }
    let mut digits = [0; 20];
    set(b"profile", written(SETTINGS.profile_interval_before(), &mut digits)).map_err(|_| EFAULT)
}

fn written(number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut length = 0;
    write_in_chunks(&number, &mut |chunk: &[u8]| {
        for (to, byte) in digits.iter_mut().zip(chunk) {
            *to = *byte;
            length += 1;
        }
    });
    digits.get(..length).unwrap_or_default()
}

/// To the file of that name, or to the next one of the prefix.
pub(in super::super) fn dump(_: Place, value: Option<Value>) -> Outcome {
    if !STARTED.has_prof() {
        return Err(ENOENT);
    }
    if !is_at_hand() {
        return Err(EAGAIN);
    }
    let Some(Value::Text(path)) = value.filter(|path| *path != Value::Text(null())) else {
        return dump_to_file_by(write_to).map_err(|_| EFAULT);
    };
    // SAFETY: the caller of `prof.dump` passes a C string.
    let path = unsafe { CStr::from_ptr(path) };
    let descriptor = create(&mut path.to_bytes().iter().copied(), 0).map_err(|_| EFAULT)?;
    let written = write_to(descriptor);
    close(descriptor);
    written.map_err(|_| EFAULT)
}

/// Forgets all samples. A new value is another interval, a power of two.
pub(in super::super) fn reset(_: Place, value: Option<Value>) -> Outcome {
    if !STARTED.has_prof() {
        return Err(ENOENT);
    }
    if !is_at_hand() {
        return Err(EAGAIN);
    }
    if let Some(Value::Size(lg)) = value {
        set_interval(lg)?;
    }
    if forget() { Ok(()) } else { Err(EAGAIN) }
}

/// One that is off stays off, and begins with it.
fn set_interval(lg: usize) -> Outcome {
    let interval = 1 << u32::try_from(lg).unwrap_or(LG_PROF_SAMPLE_MAX).min(LG_PROF_SAMPLE_MAX);
    if SETTINGS.profile_interval() == 0 {
        SETTINGS.set_profile_interval_before(interval);
        return Ok(());
    }
    let mut digits = [0; 20];
    set(b"profile", written(interval, &mut digits)).map_err(|_| EAGAIN)
}

pub(in super::super) fn set_prefix(_: Place, value: Option<Value>) -> Outcome {
    match value {
        Some(Value::Text(prefix)) if !prefix.is_null() => {
            // SAFETY: the caller of `prof.prefix` passes a C string.
            set_prof_prefix(unsafe { CStr::from_ptr(prefix) }.to_bytes()).ok_or(EFAULT)
        }
        _ => Err(EINVAL),
    }
}

/// Refused where it is no power of two.
pub(in super::super) fn lg_sample(_: Place) -> Answer {
    let interval = match SETTINGS.profile_interval() {
        0 => SETTINGS.profile_interval_before(),
        interval => interval,
    };
    if interval.is_power_of_two() { Ok(Value::Size(interval.trailing_zeros() as usize)) } else { Err(ENOENT) }
}
