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
#![no_std]

mod process;
mod thread;

mod rust;

#[cfg(feature = "c-abi")]
mod c;

pub use rust::TinyAlloc;
pub use tinyalloc_alloc::{ClassStats, Stats};
