//! The process: its statistics, their epoch, and the background thread.

use core::sync::atomic::{AtomicUsize, Ordering};

use libc::{EAGAIN, EINVAL};

use super::super::exchange::Exchange;
use super::super::names::{Answer, Outcome, Place};
use super::super::snapshot::{self, of_process};
use super::super::value::{Kind, Value};
use crate::options::running::set;
use crate::process::settings::SETTINGS;
use crate::process::wake::{RUNNING, STATE};

static BACKGROUND_THREADS_MAX: AtomicUsize = AtomicUsize::new(1);

/// Any new value begins an epoch; the old one is that which has begun.
pub(in super::super) fn epoch(_: Place, exchange: &Exchange) -> Outcome {
    if exchange.take(Kind::Wide)?.is_some() {
        snapshot::renew()?;
    }
    exchange.put(Value::Wide(snapshot::epoch()?))
}

pub(in super::super) fn background_thread(_: Place) -> Answer {
    Ok(Value::Bool(SETTINGS.background_purge()))
}

pub(in super::super) fn set_background_thread(_: Place, value: Value) -> Outcome {
    let word: &[u8] = if value == Value::Bool(true) { b"on" } else { b"off" };
    set(b"background_purge", word).map_err(|_| EAGAIN)
}

pub(in super::super) fn max_background_threads(_: Place) -> Answer {
    Ok(Value::Size(BACKGROUND_THREADS_MAX.load(Ordering::Relaxed)))
}

/// Kept, and read back: the one that there is at most keeps to every limit but 0.
pub(in super::super) fn set_max_background_threads(_: Place, value: Value) -> Outcome {
    match value {
        Value::Size(limit) if limit > 0 => BACKGROUND_THREADS_MAX.store(limit, Ordering::Relaxed),
        _ => return Err(EINVAL),
    }
    Ok(())
}

pub(in super::super) fn background_threads(_: Place) -> Answer {
    Ok(Value::Size(usize::from(STATE.load(Ordering::Relaxed) == RUNNING)))
}

pub(in super::super) fn allocated(_: Place) -> Answer {
    Ok(Value::Size(of_process()?.allocated))
}

pub(in super::super) fn active(_: Place) -> Answer {
    Ok(Value::Size(of_process()?.active))
}

pub(in super::super) fn metadata(_: Place) -> Answer {
    Ok(Value::Size(of_process()?.metadata))
}

pub(in super::super) fn resident(_: Place) -> Answer {
    Ok(Value::Size(of_process()?.resident))
}

pub(in super::super) fn mapped(_: Place) -> Answer {
    Ok(Value::Size(of_process()?.mapped))
}

pub(in super::super) fn retained(_: Place) -> Answer {
    Ok(Value::Size(of_process()?.retained))
}
