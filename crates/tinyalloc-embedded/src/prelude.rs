//! Everything that a program uses, in one line.

pub use crate::allocator::{Allocator, ChunkSource};
pub use crate::chunk::ChunkId;
pub use crate::error::{AllocError, ByteBufferError, Corruption, QueueError};
pub use crate::handle::Handle;
pub use crate::stats::SlabStats;
pub use crate::value::{Typed, Value};

#[cfg(feature = "tinyslab")]
pub use crate::align::{Align, Alignment};
#[cfg(feature = "tinyslab")]
pub use crate::slab::{Handles, TinySlabAllocator};

#[cfg(any(feature = "bytebuffer", feature = "bytebuffer-deque"))]
pub use crate::attached::Attached;
#[cfg(any(feature = "bytebuffer", feature = "bytebuffer-deque"))]
pub use crate::chain::{Chunks, Grant};

#[cfg(feature = "bytebuffer")]
pub use crate::buffer::ByteBuffer;

#[cfg(feature = "bytebuffer-deque")]
pub use crate::deque::ByteBufferDeque;

#[cfg(any(feature = "critical-section", feature = "global-alloc"))]
pub use crate::shared::Shared;

#[cfg(feature = "global-alloc")]
pub use crate::queue::{Consumer, GlobalDeque, Producer, ReadGrant, WriteGrant};

#[cfg(feature = "global-alloc")]
pub use crate::store::{SharedBlock, SharedSlab};
