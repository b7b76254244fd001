//! Names whose values never change.

use core::ffi::{CStr, c_uint};

use tinyalloc_alloc::{CLASS_COUNT, SLOT_ALIGN, SMALL_BYTES_MAX};
use tinyalloc_sys::{Mapper, SystemMapper};

use super::super::names::{Answer, Place};
use super::super::value::Value;

/// Programs show it: whose interface it is, and whose memory.
const VERSION: &[u8] = concat!("5.3.0-0-tinyalloc-", env!("CARGO_PKG_VERSION"), "\0").as_bytes();

pub(in super::super) fn text(text: &'static CStr) -> Answer {
    Ok(Value::Text(text.as_ptr()))
}

pub(in super::super) fn page_bytes() -> usize {
    SystemMapper::new().page_bytes()
}

pub(in super::super) fn version(_: Place) -> Answer {
    text(CStr::from_bytes_until_nul(VERSION).unwrap_or_default())
}

pub(in super::super) fn no(_: Place) -> Answer {
    Ok(Value::Bool(false))
}

pub(in super::super) fn yes(_: Place) -> Answer {
    Ok(Value::Bool(true))
}

pub(in super::super) fn empty(_: Place) -> Answer {
    text(c"")
}

pub(in super::super) fn disabled(_: Place) -> Answer {
    text(c"disabled")
}

/// What realloc to no bytes does.
pub(in super::super) fn free(_: Place) -> Answer {
    text(c"free")
}

pub(in super::super) fn zero(_: Place) -> Answer {
    Ok(Value::Size(0))
}

pub(in super::super) fn one(_: Place) -> Answer {
    Ok(Value::Size(1))
}

pub(in super::super) fn zero_wide(_: Place) -> Answer {
    Ok(Value::Wide(0))
}

pub(in super::super) fn zero_unsigned(_: Place) -> Answer {
    Ok(Value::Unsigned(0))
}

pub(in super::super) fn one_unsigned(_: Place) -> Answer {
    Ok(Value::Unsigned(1))
}

pub(in super::super) fn minus_one(_: Place) -> Answer {
    Ok(Value::Signed(-1))
}

pub(in super::super) fn quantum(_: Place) -> Answer {
    Ok(Value::Size(SLOT_ALIGN))
}

pub(in super::super) fn page(_: Place) -> Answer {
    Ok(Value::Size(page_bytes()))
}

pub(in super::super) fn small_bytes_max(_: Place) -> Answer {
    Ok(Value::Size(SMALL_BYTES_MAX))
}

#[expect(clippy::cast_possible_truncation, reason = "a few dozen")]
pub(in super::super) fn classes(_: Place) -> Answer {
    Ok(Value::Unsigned(CLASS_COUNT as c_uint))
}
