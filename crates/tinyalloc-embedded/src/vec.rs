//! Buffers as vectors, for programs that have a heap.

extern crate alloc;

#[allow(clippy::disallowed_types, reason = "the one place that allocates: the caller has a heap, and asks for it")]
use alloc::vec::Vec;

use crate::allocator::ChunkSource;
use crate::buffer::ByteBuffer;

#[allow(clippy::disallowed_types, reason = "as above")]
impl ByteBuffer {
    /// A copy of all bytes.
    #[must_use]
    pub fn to_vec<S: ChunkSource + ?Sized>(&self, source: &S) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        self.chunks(source).for_each(|chunk| bytes.extend_from_slice(chunk));
        bytes
    }
}
