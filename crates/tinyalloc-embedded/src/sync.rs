//! The atomics: loom's take their place in a test. Loads and stores are all that is needed, except
//! in `lock/swap.rs`.

#[cfg(not(target_arch = "avr"))]
#[cfg_attr(
    any(feature = "critical-section", not(target_has_atomic = "ptr")),
    allow(unused_imports, reason = "for `lock/swap.rs`")
)]
pub(crate) use core::sync::atomic::AtomicU16;
pub(crate) use core::sync::atomic::Ordering;
#[cfg(not(target_arch = "avr"))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicUsize};

#[cfg(target_arch = "avr")]
pub(crate) use masked::Masked;
#[cfg(target_arch = "avr")]
pub(crate) type AtomicBool = Masked<bool>;
#[cfg(target_arch = "avr")]
pub(crate) type AtomicUsize = Masked<usize>;

#[cfg(all(target_arch = "avr", feature = "critical-section"))]
mod masked;
#[cfg(all(target_arch = "avr", not(feature = "critical-section")))]
#[path = "sync/missing.rs"]
mod masked;
