//! The handle of a block.

use core::num::NonZeroU32;

/// Represents one block, for as long as the block lives; four bytes, as an `Option<Handle>` is.
///
/// It is a number, not an address: copy it, store it, send it to another context. Once its block is
/// freed, every copy is stale, and the allocator says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Handle(NonZeroU32);

impl Handle {
    /// The handle as a number, to send it through a register or a queue of words.
    #[inline]
    #[must_use]
    pub const fn to_bits(self) -> NonZeroU32 {
        self.0
    }

    /// The handle that [`Handle::to_bits`] came from. Any other number makes a handle that the
    /// allocator refuses, unless it happens to be a live one. Back ends of
    /// [`Allocator`](crate::Allocator) make their handles here.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: NonZeroU32) -> Self {
        Self(bits)
    }
}
