//! Allocation for firmware without a heap: handles instead of pointers, byte buffers, and an
//! interrupt-safe queue.
//!
//! - [`TinySlabAllocator`]: blocks of bytes behind [`Handle`]s. A handle whose block was freed is
//!   an error, never a wild read.
//! - [`ByteBuffer`] and [`ByteBufferDeque`]: bytes in chunks of a slab, which are taken and freed
//!   as they are needed.
//! - [`GlobalDeque`]: the queue of bytes between an interrupt and main. [`SharedSlab`] and
//!   [`Shared`]: blocks, and any value, between them.
//! - [`global`]: one slab for the whole program.
//!
//! `no_std`, no dependencies by default, everything `const` and in plain `static`s. Every operation
//! takes constant time, unless it says otherwise, and none panics. The code is safe Rust, except in
//! what contexts share: `shared`, `shared_bytes`, `queue`, `store` and `global::current`.
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `tinyslab` | the slab |
//! | `bytebuffer`, `bytebuffer-deque` | the buffers, and the slab |
//! | `global-alloc` (default) | all of these, what contexts share, and the program's slab |
//! | `global-alloc-custom` | a program's slab of any size |
//! | `critical-section` | the lock that waits, by the crate of that name; ARMv6-M, RV32IMC and AVR need it for what contexts share |
//! | `embedded-io`, `embedded-io-async`, `defmt` | the traits of the crates of these names |
//! | `alloc` | `ByteBuffer::to_vec` |
#![no_std]
#![deny(unsafe_code)]
#![cfg_attr(not(feature = "global-alloc"), allow(dead_code, unused_imports, reason = "some of it serves one feature only"))]
#![cfg_attr(not(feature = "global-alloc"), allow(rustdoc::broken_intra_doc_links, reason = "they lead to what features bring"))]

mod chunk;
mod error;
mod handle;
mod stats;

mod value;

mod allocator;

#[cfg(feature = "tinyslab")]
mod align;
#[cfg(feature = "tinyslab")]
mod ledger;

#[cfg(feature = "tinyslab")]
mod slab;

#[cfg(any(feature = "bytebuffer", feature = "bytebuffer-deque"))]
mod chain;

#[cfg(any(feature = "bytebuffer", feature = "bytebuffer-deque"))]
mod attached;

#[cfg(feature = "bytebuffer")]
mod buffer;
#[cfg(feature = "bytebuffer-deque")]
mod deque;

#[cfg(all(not(feature = "critical-section"), feature = "global-alloc", not(target_has_atomic = "ptr")))]
#[allow(unsafe_code, reason = "a declaration")]
mod missing;

#[cfg(any(feature = "critical-section", feature = "global-alloc"))]
mod sync;

#[cfg(feature = "critical-section")]
#[path = "lock/critical.rs"]
mod lock;
#[cfg(all(not(feature = "critical-section"), feature = "global-alloc", not(target_has_atomic = "ptr")))]
#[path = "lock/missing.rs"]
mod lock;
#[cfg(all(not(feature = "critical-section"), feature = "global-alloc", target_has_atomic = "ptr"))]
#[path = "lock/swap.rs"]
mod lock;

#[cfg(any(feature = "critical-section", feature = "global-alloc"))]
#[allow(unsafe_code, reason = "what contexts share")]
mod shared;

#[cfg(feature = "global-alloc")]
#[allow(unsafe_code, reason = "what contexts share")]
mod shared_bytes;

#[cfg(all(feature = "global-alloc", not(feature = "embedded-io-async")))]
#[path = "wakers/none.rs"]
mod wakers;
#[cfg(all(feature = "global-alloc", feature = "embedded-io-async"))]
#[path = "wakers/some.rs"]
mod wakers;

#[cfg(feature = "global-alloc")]
#[allow(unsafe_code, reason = "what contexts share")]
mod queue;
#[cfg(feature = "global-alloc")]
#[allow(unsafe_code, reason = "what contexts share")]
mod store;

#[cfg(feature = "global-alloc")]
#[allow(unsafe_code, reason = "what contexts share")]
pub mod global;

#[cfg(feature = "embedded-io-async")]
mod async_io;
#[cfg(all(feature = "defmt", feature = "bytebuffer"))]
mod buffer_format;
#[cfg(feature = "defmt")]
mod format;
#[cfg(feature = "embedded-io")]
mod io;
#[cfg(all(feature = "embedded-io-async", feature = "global-alloc"))]
mod queue_async;
#[cfg(all(feature = "defmt", feature = "global-alloc"))]
mod queue_format;
#[cfg(all(feature = "embedded-io", feature = "global-alloc"))]
mod queue_io;
#[cfg(feature = "alloc")]
mod vec;

pub mod prelude;

pub use allocator::{Allocator, ChunkSource};
pub use chunk::ChunkId;
pub use error::{AllocError, ByteBufferError, Corruption, QueueError};
pub use handle::Handle;
pub use stats::SlabStats;
pub use value::{Typed, Value};

#[cfg(feature = "tinyslab")]
pub use align::{Align, Alignment};
#[cfg(feature = "tinyslab")]
pub use slab::{Handles, TinySlabAllocator};

#[cfg(any(feature = "bytebuffer", feature = "bytebuffer-deque"))]
pub use attached::Attached;
#[cfg(any(feature = "bytebuffer", feature = "bytebuffer-deque"))]
pub use chain::{Chunks, Grant};

#[cfg(feature = "bytebuffer")]
pub use buffer::ByteBuffer;

#[cfg(feature = "bytebuffer-deque")]
pub use deque::ByteBufferDeque;

#[cfg(any(feature = "critical-section", feature = "global-alloc"))]
pub use shared::Shared;

#[cfg(feature = "global-alloc")]
pub use queue::{Consumer, GlobalDeque, Producer, ReadGrant, WriteGrant};
#[cfg(feature = "global-alloc")]
pub use store::{SharedBlock, SharedSlab};
