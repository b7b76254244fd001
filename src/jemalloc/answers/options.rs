//! The options of the start.

use libc::ENOENT;
use tinyalloc_alloc::HugePagePolicy;

use super::super::names::{Answer, Place};
use super::super::started::STARTED;
use super::super::value::Value;
use super::fixed::text;
use crate::options::malloc_conf::CONF;

pub(in super::super) fn abort_conf(_: Place) -> Answer {
    Ok(Value::Bool(CONF.aborts()))
}

pub(in super::super) fn confirm_conf(_: Place) -> Answer {
    Ok(Value::Bool(CONF.confirms()))
}

pub(in super::super) fn background_thread(_: Place) -> Answer {
    Ok(Value::Bool(STARTED.background_thread()))
}

pub(in super::super) fn dirty_decay_ms(_: Place) -> Answer {
    Ok(Value::Signed(STARTED.dirty_decay_ms()))
}

pub(in super::super) fn muzzy_decay_ms(_: Place) -> Answer {
    Ok(Value::Signed(STARTED.muzzy_decay_ms()))
}

pub(in super::super) fn stats_print(_: Place) -> Answer {
    Ok(Value::Bool(CONF.prints_stats()))
}

pub(in super::super) fn stats_print_opts(_: Place) -> Answer {
    Ok(Value::Text(STARTED.print_opts()))
}

/// `default`: huge pages are asked for where the allocator sees fit.
pub(in super::super) fn thp(_: Place) -> Answer {
    text(match STARTED.huge_pages() {
        HugePagePolicy::Never => c"never",
        HugePagePolicy::Madvise => c"default",
        HugePagePolicy::Always => c"always",
    })
}

pub(in super::super) fn prof(_: Place) -> Answer {
    Ok(Value::Bool(STARTED.has_prof()))
}

pub(in super::super) fn prof_accum(_: Place) -> Answer {
    Ok(Value::Bool(CONF.accumulates_prof()))
}

pub(in super::super) fn prof_active(_: Place) -> Answer {
    Ok(Value::Bool(STARTED.is_profiling()))
}

pub(in super::super) fn prof_final(_: Place) -> Answer {
    Ok(Value::Bool(STARTED.has_prof() && STARTED.profile_at_exit()))
}

/// Empty unless one was given: our files have names of their own.
pub(in super::super) fn prof_prefix(_: Place) -> Answer {
    Ok(Value::Text(CONF.prof_prefix()))
}

/// Refused where it is no power of two.
pub(in super::super) fn lg_prof_sample(_: Place) -> Answer {
    let interval = STARTED.profile_interval();
    if interval.is_power_of_two() { Ok(Value::Size(interval.trailing_zeros() as usize)) } else { Err(ENOENT) }
}
