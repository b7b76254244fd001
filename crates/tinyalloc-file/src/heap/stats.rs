//! Figures of a heap.

use super::FileHeap;
use crate::page::{PAGE_BYTES, page_start};

/// What a heap in a file holds, in bytes unless it says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStats {
    /// Blocks that are allocated, as a number.
    pub blocks: usize,
    /// Those blocks, as rounded to slots and pages.
    pub allocated: usize,
    /// Pages of which nothing is allocated.
    pub free: usize,
    /// The largest block that the file has room for without growing.
    pub largest_free: usize,
    /// Free spans, as a number.
    pub free_spans: usize,
    /// The file's own structures.
    pub metadata: usize,
    /// The file's data: what is free, what is allocated, free slots, metadata.
    pub data: usize,
    /// What changed since the last commit, and is in memory: whole pages.
    pub changed: usize,
    /// Addresses reserved for the file to grow into.
    pub reserved: usize,
    /// How often the file has grown, as a number.
    pub growths: usize,
    /// Commits since the file was created, as a number.
    pub transaction: u64,
}

impl FileHeap {
    /// Figures of the heap as it is now, uncommitted changes included.
    #[must_use]
    pub fn stats(&self) -> FileStats {
        let (counts, free) = (self.space.counts(), self.space.free_spans());
        let data_pages: usize = self.space.extents().iter().map(|extent| extent.data().len()).sum();
        FileStats {
            blocks: counts.blocks(),
            allocated: counts.block_bytes(),
            free: page_start(free.pages()),
            largest_free: page_start(free.largest()),
            free_spans: free.len(),
            metadata: self.data_bytes() - page_start(data_pages),
            data: self.data_bytes(),
            changed: self.image.dirty_pages() * PAGE_BYTES,
            reserved: self.image.reserved_bytes(),
            growths: self.space.extents().len() - 1,
            transaction: self.header.transaction(),
        }
    }
}
