//! One slab for the whole program, so that buffers need no allocator argument.
//!
//! ```
//! # use tinyalloc_embedded as tinyalloc;
//! use tinyalloc::global::AllocatorConfig;
//! use tinyalloc::prelude::*;
//!
//! AllocatorConfig::Slab1K32.init(); // once, before the first buffer
//! let mut buf = ByteBuffer::new();
//! buf.extend(b"Global allocator")?;
//! assert_eq!(buf.len(), 16);
//! # Ok::<(), ByteBufferError>(())
//! ```
//!
//! Only the size that the program names is in its memory. All of it is locked as a [`SharedSlab`]
//! is. Where contexts share single bytes or packets, [`GlobalDeque`](crate::GlobalDeque) and
//! [`SharedSlab`] do without initialising.

mod current;

mod config;

mod buffers;

#[cfg(feature = "global-alloc-custom")]
mod custom;

pub use current::Global;

pub use config::AllocatorConfig;

use crate::error::AllocError;
use crate::stats::SlabStats;
use crate::store::SharedBlock;

#[cfg(doc)]
use crate::store::SharedSlab;

/// Allocates a block from the program's slab.
///
/// # Errors
/// [`AllocError::Uninitialised`], [`AllocError::TooLarge`] or [`AllocError::OutOfSlots`];
/// [`AllocError::Busy`] without the feature `critical-section`.
pub fn block(bytes: usize) -> Result<SharedBlock<'static>, AllocError> {
    SharedBlock::new(current::slab()?, bytes)
}

/// What the program's slab holds.
///
/// # Errors
/// [`AllocError::Uninitialised`]; [`AllocError::Busy`] without the feature `critical-section`.
pub fn stats() -> Result<SlabStats, AllocError> {
    current::slab()?.stats()
}
