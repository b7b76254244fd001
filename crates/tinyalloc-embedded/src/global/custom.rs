//! A slab of any size for the whole program.

use crate::align::{Align, Alignment};
use crate::store::SharedSlab;

use super::config::AllocatorConfig;

impl AllocatorConfig {
    /// A slab of your own.
    ///
    /// ```
    /// # use tinyalloc_embedded as tinyalloc;
    /// use tinyalloc::global::AllocatorConfig;
    /// use tinyalloc::prelude::*;
    ///
    /// static MEMORY: SharedSlab<3000, 20> = SharedSlab::new(); // 20 slots of 150 bytes
    ///
    /// assert!(AllocatorConfig::custom(&MEMORY).init());
    /// let mut buf = ByteBuffer::new();
    /// buf.extend(b"in memory of our own")?;
    /// # Ok::<(), ByteBufferError>(())
    /// ```
    #[must_use]
    pub const fn custom<const BYTES: usize, const SLOTS: usize, const ALIGN: usize>(
        slab: &'static SharedSlab<BYTES, SLOTS, ALIGN>,
    ) -> Self
    where
        Align<ALIGN>: Alignment,
    {
        Self::own(slab)
    }
}
