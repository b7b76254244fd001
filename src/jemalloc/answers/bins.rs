//! Size classes. A slab is the shortest span of a class; a longer one counts as several.

use core::ffi::c_uint;

use libc::ENOENT;
use tinyalloc_alloc::{SLICE_BYTES, SizeClass};

use super::super::names::{Answer, Place};
use super::super::snapshot::class_of_arena;
use super::super::value::Value;

fn class(number: usize) -> Result<SizeClass, i32> {
    SizeClass::all().nth(number).ok_or(ENOENT)
}

fn slab_bytes(class: SizeClass) -> usize {
    class.span_slices(0) * SLICE_BYTES
}

fn slots_of_slab(class: SizeClass) -> usize {
    slab_bytes(class) / class.bytes()
}

pub(in super::super) fn size([number, _]: Place) -> Answer {
    Ok(Value::Size(class(number)?.bytes()))
}

pub(in super::super) fn nregs([number, _]: Place) -> Answer {
    Ok(Value::Unsigned(c_uint::try_from(slots_of_slab(class(number)?)).unwrap_or(c_uint::MAX)))
}

pub(in super::super) fn slab_size([number, _]: Place) -> Answer {
    Ok(Value::Size(slab_bytes(class(number)?)))
}

pub(in super::super) fn curregs([arena, number]: Place) -> Answer {
    Ok(Value::Size(class_of_arena(arena, number)?.live))
}

/// As many as hold all slots of the spans.
pub(in super::super) fn curslabs([arena, number]: Place) -> Answer {
    Ok(Value::Size(class_of_arena(arena, number)?.slots.div_ceil(slots_of_slab(class(number)?))))
}
