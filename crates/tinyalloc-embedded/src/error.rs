//! Why something was refused.

use core::error::Error;
use core::fmt::{Display, Formatter, Result as FmtResult};

/// Why an allocator refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AllocError {
    /// The block does not fit in a slot.
    TooLarge,
    /// Every slot is taken.
    OutOfSlots,
    /// The block of this handle was freed.
    Stale,
    /// The allocator never issued this handle.
    Foreign,
    /// Another context is inside the allocator, without the feature `critical-section`; or a
    /// closure of [`Shared`](crate::Shared) calls for what it has.
    Busy,
    /// No slab was chosen for the whole program yet, by
    /// [`AllocatorConfig::init`](crate::global::AllocatorConfig::init).
    Uninitialised,
}

impl AllocError {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::TooLarge => "the block does not fit in a slot",
            Self::OutOfSlots => "every slot is taken",
            Self::Stale => "the block of this handle was freed",
            Self::Foreign => "the allocator never issued this handle",
            Self::Busy => "another context is inside the allocator",
            Self::Uninitialised => "the global slab is not initialised",
        }
    }
}

impl Display for AllocError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str(self.text())
    }
}

impl Error for AllocError {}

/// Why a buffer refused. Whatever the reason, the buffer is as it was before; only what drops bytes
/// has dropped them when it reports
/// [`ByteBufferError::Busy`], and their chunks follow at the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ByteBufferError {
    /// The allocator has too few chunks left.
    AllocationFailed,
    /// The buffer's chunks are from another allocator.
    Foreign,
    /// Another context is inside the allocator; only without the feature `critical-section`.
    Busy,
    /// No slab was chosen for the whole program yet, by
    /// [`AllocatorConfig::init`](crate::global::AllocatorConfig::init).
    Uninitialised,
}

impl ByteBufferError {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::AllocationFailed => "the allocator has too few chunks left",
            Self::Foreign => "the buffer's chunks are from another allocator",
            Self::Busy => "another context is inside the allocator",
            Self::Uninitialised => "the global slab is not initialised",
        }
    }
}

impl From<AllocError> for ByteBufferError {
    fn from(error: AllocError) -> Self {
        match error {
            AllocError::TooLarge | AllocError::OutOfSlots => Self::AllocationFailed,
            AllocError::Stale | AllocError::Foreign => Self::Foreign,
            AllocError::Busy => Self::Busy,
            AllocError::Uninitialised => Self::Uninitialised,
        }
    }
}

impl Display for ByteBufferError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str(self.text())
    }
}

impl Error for ByteBufferError {}

/// Why the queue refused a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueueError {
    /// The queue is full.
    Full,
    /// Another context is pushing, or holds a [`Producer`](crate::Producer) or a grant.
    Busy,
}

impl QueueError {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Full => "the queue is full",
            Self::Busy => "another context is pushing",
        }
    }
}

impl Display for QueueError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str(self.text())
    }
}

impl Error for QueueError {}

/// What [`check`](crate::TinySlabAllocator::check) found broken. In a slab safe code cannot cause
/// it: the memory was overwritten. In a buffer it can: another allocator with the same tag was
/// passed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Corruption {
    /// The list of free slots leaves the free slots, ends early or runs in a circle.
    FreeList,
    /// The number of live, retired or never used slots is not what the slots say.
    Counts,
    /// A block is longer than a slot.
    Length,
    /// A chain of chunks does not hold as many bytes as its buffer says, or is in another
    /// allocator.
    Chain,
}

impl Corruption {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::FreeList => "the list of free slots is broken",
            Self::Counts => "the slots are not as they were counted",
            Self::Length => "a block is longer than a slot",
            Self::Chain => "a chain of chunks is broken",
        }
    }
}

impl Display for Corruption {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str(self.text())
    }
}

impl Error for Corruption {}
