//! The atomics: loom's take their place in a test. Loads and stores are all that is needed, except
//! in `lock/swap.rs`.

#[cfg_attr(
    any(feature = "critical-section", not(target_has_atomic = "ptr")),
    allow(unused_imports, reason = "for `lock/swap.rs`")
)]
pub(crate) use core::sync::atomic::AtomicU16;
pub(crate) use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
