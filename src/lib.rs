//! tinyalloc: a memory allocator that is fast, small, and aborts on double and invalid frees.
//!
//! ```
//! use tinyalloc::TinyAlloc;
//!
//! #[global_allocator]
//! static GLOBAL: TinyAlloc = TinyAlloc;
//!
//! fn main() {
//!     let numbers: Vec<u32> = (0..1000).collect();
//!     assert_eq!(numbers.iter().sum::<u32>(), 499_500);
//! }
//! ```
//!
//! Firmware without a heap uses [`prelude`] and [`global`], and with `default-features = false` nothing else.
#![no_std]

#[cfg(feature = "engine")]
mod process;
#[cfg(feature = "engine")]
mod thread;

#[cfg(feature = "engine")]
mod rust;

#[cfg(feature = "c-abi")]
mod c;

pub mod prelude;

#[cfg(feature = "engine")]
pub use rust::TinyAlloc;
#[cfg(feature = "engine")]
pub use tinyalloc_alloc::{ClassStats, Stats};
#[cfg(feature = "global-alloc")]
pub use tinyalloc_embedded::global;
