//! Mappings that are in no table.

use core::ptr::NonNull;

/// A mapping that is in no table: a huge block or a region that is new, or about to be released or
/// moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unlisted {
    start: NonNull<u8>,
    bytes: usize,
}

impl Unlisted {
    pub(crate) const fn new(start: NonNull<u8>, bytes: usize) -> Unlisted {
        Unlisted { start, bytes }
    }

    pub(crate) const fn start(self) -> NonNull<u8> {
        self.start
    }

    pub(crate) const fn bytes(self) -> usize {
        self.bytes
    }
}
