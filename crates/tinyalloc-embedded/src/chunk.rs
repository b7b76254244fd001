//! The handle of a chunk.

use core::num::NonZeroU16;

/// One chunk of a buffer; two bytes, as an `Option<ChunkId>` is. Exactly one buffer holds it, so it
/// needs no generation and wears nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct ChunkId(NonZeroU16);

impl ChunkId {
    /// The chunk in the slot `index`; `None` for 65,535.
    #[inline]
    #[must_use]
    pub const fn new(index: u16) -> Option<Self> {
        Self::from_link(index.wrapping_add(1))
    }

    /// The number of its slot.
    #[inline]
    #[must_use]
    pub const fn index(self) -> u16 {
        self.0.get() - 1
    }

    /// The chunk that a link names: 0 is none.
    #[inline]
    pub(crate) const fn from_link(link: u16) -> Option<Self> {
        match NonZeroU16::new(link) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    #[inline]
    pub(crate) const fn to_link(chunk: Option<Self>) -> u16 {
        match chunk {
            Some(chunk) => chunk.0.get(),
            None => 0,
        }
    }
}
