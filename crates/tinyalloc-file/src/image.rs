//! The file as it will be after the next commit: the mapping, and which of its pages have changed.

use core::ops::Range;
use std::fs::File;

use crate::dirty::DirtyPages;
use crate::error::{During, Result};
use crate::mapping::Mapping;
use crate::page::{bytes_of, pages_of};

pub(crate) struct Image {
    mapping: Mapping,
    dirty: DirtyPages,
}

impl Image {
    pub(crate) fn new(mapping: Mapping) -> Image {
        Image { mapping, dirty: DirtyPages::default() }
    }

    pub(crate) fn reserved_bytes(&self) -> usize {
        self.mapping.reserved_bytes()
    }

    pub(crate) fn bytes_mapped(&self) -> usize {
        self.mapping.mapped_bytes()
    }

    pub(crate) fn dirty_pages(&self) -> usize {
        self.dirty.len()
    }

    pub(crate) fn is_dirty(&self, page: usize) -> bool {
        self.dirty.contains(page)
    }

    pub(crate) fn dirty_ranges(&mut self) -> Vec<Range<usize>> {
        self.dirty.ranges()
    }

    /// Shows the file up to `bytes`, which it has.
    pub(crate) fn grow(&mut self, file: &File, bytes: usize) -> Result<()> {
        self.mapping.extend(file, bytes).during("mapping the file")
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.mapping.bytes(range)
    }

    /// The pages of the range will be in the next commit, and can be written to until then.
    pub(crate) fn touch(&mut self, range: Range<usize>) -> Result<()> {
        let pages = pages_of(range.clone());
        if self.dirty.contains_all(pages.clone()) {
            return Ok(());
        }
        self.mapping.make_writable(range).during("making pages writable")?;
        self.dirty.insert(pages);
        Ok(())
    }

    /// Bytes that were touched.
    pub(crate) fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        debug_assert!(self.dirty.contains_all(pages_of(range.clone())), "a change that no commit would see");
        self.mapping.bytes_mut(range)
    }

    /// The file has what was changed. Memory that the system does not take back holds the same as
    /// the file.
    pub(crate) fn settle(&mut self) {
        for pages in self.dirty.ranges() {
            _ = self.mapping.discard(bytes_of(pages));
        }
        self.mapping.make_readable();
        self.dirty.clear();
    }

    /// Everything is as in the file again.
    pub(crate) fn revert(&mut self) -> Result<()> {
        for pages in self.dirty.ranges() {
            self.mapping.discard(bytes_of(pages)).during("forgetting changes")?;
        }
        self.mapping.make_readable();
        self.dirty.clear();
        Ok(())
    }
}
