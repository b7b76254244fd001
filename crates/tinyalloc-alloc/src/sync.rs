//! The atomics of the remote-free protocol. `tests/loom_remote.rs` builds `remote.rs` with loom's in their place.

pub(crate) use core::sync::atomic::{AtomicPtr, Ordering};
