//! Arenas: how many, what they hold, what is done to them.

use core::ffi::{CStr, c_uint};
use core::ptr::with_exposed_provenance;

use libc::{EAGAIN, EFAULT, EINVAL};
use tinyalloc_alloc::PurgeMode;

use super::super::arenas::{self, ALL, Arena, arena, numbers};
use super::super::exchange::Exchange;
use super::super::names::{Answer, Outcome, Place};
use super::super::snapshot::of_arena;
use super::super::started;
use super::super::value::{Kind, Value};
use super::fixed::page_bytes;
use crate::options::malloc_conf::CONF;
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::purge_all;
use crate::process::thread::Thread;
use crate::process::tunables::with_tunables;

fn unsigned(number: usize) -> Value {
    Value::Unsigned(c_uint::try_from(number).unwrap_or(c_uint::MAX))
}

pub(in super::super) fn narenas(_: Place) -> Answer {
    Ok(unsigned(numbers()))
}

pub(in super::super) fn initialized([number, _]: Place) -> Answer {
    Ok(Value::Bool(number == ALL || arena(number).is_some()))
}

/// What is due by now.
pub(in super::super) fn decay(_: Place) -> Outcome {
    ALLOCATOR.purge_by_time(Thread);
    Ok(())
}

pub(in super::super) fn purge([number, _]: Place) -> Outcome {
    match arena(number) {
        Some(Arena::Heap(heap)) => {
            ALLOCATOR.purge_heap(Thread, heap);
        }
        // All arenas have the number behind the last one as well.
        Some(Arena::Global) | None => {
            if number == 0 || number == ALL || number == numbers() {
                purge_all();
            }
        }
    }
    Ok(())
}

pub(in super::super) fn reset([number, _]: Place) -> Outcome {
    arenas::reset(number)
}

pub(in super::super) fn destroy([number, _]: Place) -> Outcome {
    arenas::destroy(number)
}

/// Memory never comes from sbrk(2).
pub(in super::super) fn set_dss(_: Place, value: Value) -> Outcome {
    match value {
        // SAFETY: the caller of `arena.<i>.dss` passes a C string.
        Value::Text(word) if !word.is_null() && unsafe { CStr::from_ptr(word) } == c"disabled" => Ok(()),
        _ => Err(EFAULT),
    }
}

/// One delay serves all arenas.
pub(in super::super) fn dirty_decay_ms(_: Place) -> Answer {
    Ok(Value::Signed(started::dirty_decay_ms()))
}

/// Of the global heap, and with it of all; an arena that the program made has no other.
pub(in super::super) fn set_dirty_decay_ms(place @ [number, _]: Place, value: Value) -> Outcome {
    match arena(number) {
        Some(Arena::Heap(_)) if value == Value::Signed(started::dirty_decay_ms()) => Ok(()),
        Some(Arena::Heap(_)) => Err(EFAULT),
        None if number != ALL && number != numbers() => Err(EFAULT),
        Some(Arena::Global) | None => {
            set_dirty_decay_ms_of_all(place, value)?;
            if value != Value::Signed(-1) {
                purge_all();
            }
            Ok(())
        }
    }
}

pub(in super::super) fn set_dirty_decay_ms_of_all(_: Place, value: Value) -> Outcome {
    let (mode, milliseconds) = match value {
        Value::Signed(-1) => (PurgeMode::Never, None),
        Value::Signed(0) => (PurgeMode::Eager, None),
        Value::Signed(milliseconds) => (PurgeMode::Decay, Some(u64::try_from(milliseconds).map_err(|_| EFAULT)?)),
        _ => return Err(EINVAL),
    };
    let is_set = with_tunables(&mut |tunables| {
        tunables.purge_mode = mode;
        tunables.purge_milliseconds = milliseconds.unwrap_or(tunables.purge_milliseconds);
    });
    if is_set { Ok(()) } else { Err(EAGAIN) }
}

pub(in super::super) fn muzzy_decay_ms(_: Place) -> Answer {
    Ok(Value::Signed(CONF.muzzy_decay_ms()))
}

/// No page is ever muzzy: any time will do.
pub(in super::super) fn set_muzzy_decay_ms(_: Place, value: Value) -> Outcome {
    match value {
        Value::Signed(milliseconds) if milliseconds >= -1 => {
            CONF.set_muzzy_decay_ms(milliseconds);
            Ok(())
        }
        _ => Err(EFAULT),
    }
}

/// Hooks would take the place of what regions are made of: there are none.
pub(in super::super) fn create(_: Place, exchange: &Exchange) -> Outcome {
    exchange.need_old(Kind::Unsigned.bytes())?;
    if exchange.take(Kind::Size)?.is_some_and(|hooks| hooks != Value::Size(0)) {
        return Err(EFAULT);
    }
    exchange.put(unsigned(arenas::create()?))
}

/// The arena of the block at an address.
pub(in super::super) fn lookup(_: Place, exchange: &Exchange) -> Outcome {
    match exchange.take(Kind::Size)? {
        Some(Value::Size(address)) => exchange.put(unsigned(arenas::owner(with_exposed_provenance(address)).ok_or(EINVAL)?)),
        _ => Err(EINVAL),
    }
}

pub(in super::super) fn pactive([number, _]: Place) -> Answer {
    Ok(Value::Size(of_arena(number)?.active.div_ceil(page_bytes())))
}

pub(in super::super) fn pdirty([number, _]: Place) -> Answer {
    Ok(Value::Size(of_arena(number)?.dirty / page_bytes()))
}

pub(in super::super) fn mapped([number, _]: Place) -> Answer {
    Ok(Value::Size(of_arena(number)?.mapped))
}

pub(in super::super) fn retained([number, _]: Place) -> Answer {
    Ok(Value::Size(of_arena(number)?.retained))
}

pub(in super::super) fn resident([number, _]: Place) -> Answer {
    Ok(Value::Size(of_arena(number)?.resident))
}

pub(in super::super) fn dirty_nmadvise([number, _]: Place) -> Answer {
    Ok(Value::Wide(of_arena(number)?.purges as u64))
}

pub(in super::super) fn dirty_purged([number, _]: Place) -> Answer {
    Ok(Value::Wide((of_arena(number)?.purged / page_bytes()) as u64))
}

pub(in super::super) fn small_allocated([number, _]: Place) -> Answer {
    Ok(Value::Size(of_arena(number)?.small))
}

pub(in super::super) fn large_allocated([number, _]: Place) -> Answer {
    let figures = of_arena(number)?;
    Ok(Value::Size(figures.allocated.saturating_sub(figures.small)))
}
