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
//! Firmware without a heap uses [`prelude`] and [`global`], and with `default-features = false`
//! nothing else.
#![no_std]
#![cfg_attr(feature = "nightly", feature(allocator_api))]

// The folders are the layers, in this order: each uses only those before it.

#[cfg(feature = "engine")]
mod support;

#[cfg(feature = "engine")]
mod process;

#[cfg(feature = "engine")]
mod report;

#[cfg(feature = "engine")]
mod faults;

#[cfg(feature = "engine")]
mod options;

#[cfg(feature = "engine")]
mod lifecycle;

#[cfg(feature = "engine")]
mod rust;

#[cfg(all(feature = "mmap", target_os = "linux"))]
pub mod mmap;

#[cfg(feature = "c-abi")]
mod c;

#[cfg(feature = "jemalloc")]
mod jemalloc;

pub mod prelude;

#[cfg(feature = "engine")]
pub use faults::report::Explanation;
#[cfg(feature = "engine")]
pub use options::running::{OptionError, OptionValue};
#[cfg(feature = "engine")]
pub use report::{Format, Report};
#[cfg(feature = "engine")]
pub use rust::global_alloc::TinyAlloc;
#[cfg(feature = "engine")]
pub use rust::heap::{Entered, Heap, NoHeap};
#[cfg(feature = "engine")]
pub use tinyalloc_alloc::{ClassStats, HeapName, HugePagePolicy, NodeStats, NumaPolicy, ProfileSummary, PurgeMode, Stats};
#[cfg(feature = "global-alloc")]
pub use tinyalloc_embedded::global;
#[cfg(feature = "file")]
pub use tinyalloc_file as file;
#[cfg(feature = "stack")]
pub use tinyalloc_stack as stack;
#[cfg(feature = "testing")]
pub use tinyalloc_testing as testing;

/// The snippets of the guide and of the front page are tests.
#[cfg(all(
    doctest,
    feature = "engine",
    feature = "stack",
    feature = "testing",
    feature = "file",
    feature = "mmap",
    feature = "global-alloc",
    feature = "allocator-api2-04"
))]
#[doc = include_str!("../docs/RUST.md")]
#[doc = include_str!("../README.md")]
struct Guide;
