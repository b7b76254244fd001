//! The `Allocator` traits of allocator-api2 0.2 and 0.4, and the standard library's, all from one
//! implementation of [`Source`].
//!
//! A type says how it allocates, and [`implement_allocator!`] makes references to it allocators of
//! every version whose feature is on:
//!
//! ```
//! use core::alloc::Layout;
//! use core::ptr::NonNull;
//!
//! use tinyalloc_allocator_api::{Source, implement_allocator};
//!
//! struct Exhausted;
//!
//! // SAFETY: there are no blocks.
//! unsafe impl Source for Exhausted {
//!     fn allocate(&self, _layout: Layout) -> Option<NonNull<u8>> {
//!         None
//!     }
//!     unsafe fn deallocate(&self, _start: NonNull<u8>, _layout: Layout) {}
//!     unsafe fn reallocate(&self, _start: NonNull<u8>, _layout: Layout, _bytes: usize) -> Option<NonNull<u8>> {
//!         None
//!     }
//! }
//!
//! implement_allocator!(impl[] for &Exhausted);
//! ```
#![no_std]

mod source;

mod adapter;

mod versions;

#[doc(hidden)]
pub use adapter::{allocate, allocate_zeroed, deallocate, grow, grow_zeroed, shrink};
#[cfg(feature = "allocator-api2-02")]
#[doc(hidden)]
pub use allocator_api2_02 as v02;
#[cfg(feature = "allocator-api2-04")]
#[doc(hidden)]
pub use allocator_api2_04 as v04;
#[cfg(feature = "nightly")]
#[doc(hidden)]
pub use core as std;
pub use source::Source;
