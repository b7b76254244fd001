//! What threads meet at: the atomics of the remote-free protocol, and all that the lock is made of.
//! Models put their own in its place: `tests/loom_remote.rs` and `tests/loom_lock.rs` build
//! `remote.rs` and `lock.rs` with loom's, `tests/shuttle` the whole engine with atomics and cells
//! that are watched.

pub(crate) use core::cell::UnsafeCell;
pub(crate) use core::hint::spin_loop;
pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering};

pub(crate) use tinyalloc_sys::{are_others_gone, wait_on, wait_on_briefly, wake_all, wake_one};

/// How often a thread looks at a lock again before it sleeps. (In a model, where others run at
/// every look, it would never sleep.)
pub(crate) const SPINS: u32 = 100;
