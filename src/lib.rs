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
mod errno;
#[cfg(feature = "engine")]
mod object;
#[cfg(feature = "engine")]
mod pieces;
#[cfg(feature = "engine")]
mod thread_end;
#[cfg(feature = "engine")]
mod thread_words;
#[cfg(feature = "engine")]
mod words;

#[cfg(feature = "engine")]
mod explanation;
#[cfg(feature = "engine")]
mod report;

#[cfg(feature = "engine")]
mod instance;
#[cfg(feature = "engine")]
mod message;
#[cfg(feature = "engine")]
mod settings;
#[cfg(feature = "engine")]
mod trace;
#[cfg(feature = "engine")]
mod wake;

#[cfg(feature = "engine")]
mod options;
#[cfg(feature = "engine")]
mod thread;

#[cfg(feature = "engine")]
mod local;

#[cfg(feature = "engine")]
mod snapshot;
#[cfg(feature = "engine")]
mod trap;
#[cfg(feature = "engine")]
mod tunables;

#[cfg(feature = "engine")]
mod background;

#[cfg(feature = "engine")]
mod option_calls;

#[cfg(feature = "engine")]
mod process;

#[cfg(feature = "c-abi")]
mod room;

#[cfg(feature = "engine")]
mod request;

#[cfg(feature = "engine")]
mod heap;
#[cfg(feature = "engine")]
mod rust;

#[cfg(feature = "mmap")]
pub mod mmap;

#[cfg(feature = "engine")]
mod tuning;

#[cfg(feature = "c-abi")]
mod c;

pub mod prelude;

#[cfg(feature = "engine")]
pub use explanation::Explanation;
#[cfg(feature = "engine")]
pub use heap::{Entered, Heap, NoHeap};
#[cfg(feature = "engine")]
pub use option_calls::{OptionError, OptionValue};
#[cfg(feature = "engine")]
pub use report::{Format, Report};
#[cfg(feature = "engine")]
pub use rust::TinyAlloc;
#[cfg(feature = "engine")]
pub use tinyalloc_alloc::{ClassStats, HeapName, HugePagePolicy, PurgeMode, Stats};
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
