//! The atomics of the lock. `tests/loom_lock.rs` builds `lock.rs` with loom's in their place.

pub(crate) use core::hint::spin_loop;
pub(crate) use core::sync::atomic::{AtomicU32, Ordering};
