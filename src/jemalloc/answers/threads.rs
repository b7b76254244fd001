//! The calling thread: its arena, and what it keeps ready.

use libc::{EFAULT, EINVAL};

use super::super::arenas;
use super::super::exchange::Exchange;
use super::super::names::{Answer, Outcome, Place};
use super::super::tcaches;
use super::super::value::{Kind, Value};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

pub(in super::super) fn arena(_: Place) -> Answer {
    Ok(Value::Unsigned(u32::try_from(arenas::current()).unwrap_or(0)))
}

pub(in super::super) fn set_arena(_: Place, value: Value) -> Outcome {
    match value {
        Value::Unsigned(number) => arenas::enter(number as usize),
        _ => Err(EINVAL),
    }
}

/// What a thread keeps ready is how the allocator works: it is never off.
pub(in super::super) fn set_tcache(_: Place, value: Value) -> Outcome {
    if value == Value::Bool(true) { Ok(()) } else { Err(EFAULT) }
}

/// Others may have what the thread keeps ready.
pub(in super::super) fn idle(_: Place) -> Outcome {
    ALLOCATOR.idle(Thread);
    Ok(())
}

pub(in super::super) fn create_tcache(_: Place, exchange: &Exchange) -> Outcome {
    exchange.forbid_new()?;
    exchange.need_old(Kind::Unsigned.bytes())?;
    exchange.put(Value::Unsigned(tcaches::create().ok_or(EFAULT)?))
}

/// There is nothing in it: what a thread keeps ready is its own.
pub(in super::super) fn flush_tcache(_: Place, value: Option<Value>) -> Outcome {
    value.map(|_| ()).ok_or(EINVAL)
}

pub(in super::super) fn destroy_tcache(_: Place, value: Option<Value>) -> Outcome {
    match value {
        Some(Value::Unsigned(number)) => {
            tcaches::destroy(number);
            Ok(())
        }
        _ => Err(EINVAL),
    }
}
