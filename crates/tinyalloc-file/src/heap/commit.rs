//! Commits: everything that changed becomes durable, or none of it.

use core::alloc::Layout;
use core::ops::Range;

use super::{Block, FileHeap, Health, Space, load_roots};
use crate::checksum::{checksum, page_sum};
use crate::error::{During, Result};
use crate::field::put_u32;
use crate::header::{Header, PageImage, RootsPlace};
use crate::journal::{Change, Journal};
use crate::page::bytes_of;
use crate::pointer::FilePtr;

/// A longer journal is cut off once it is applied: its space on the disk is worth more than the
/// time to get it again.
const JOURNAL_KEPT_BYTES: usize = 1 << 20;
const ROOTS_ALIGN: usize = 16;

impl FileHeap {
    /// Makes everything durable that changed since the last commit: allocations, frees, contents
    /// and roots.
    ///
    /// Once it returns `Ok`, no crash of the process or the machine loses it. If either happens
    /// before, the file is as this commit or the last one left it when it is opened again, and
    /// nothing in between.
    ///
    /// # Errors
    /// [`Error::NoSpace`] and others that leave everything uncommitted as it is: make room and
    /// commit again, or roll back. An error of the disk's while the outcome was being written
    /// leaves the heap to reading: see [`Error::NeedsReopen`].
    ///
    /// [`Error::NoSpace`]: crate::Error::NoSpace
    /// [`Error::NeedsReopen`]: crate::Error::NeedsReopen
    pub fn commit(&mut self) -> Result<()> {
        self.check_writable()?;
        if !self.has_changes() {
            return Ok(());
        }
        self.store_roots()?;
        self.store_sums()?;
        let header = self.next_header();
        self.write(&header.encode(), header.transaction())?;
        self.header = header;
        self.image.settle();
        Ok(())
    }

    /// Forgets everything that changed since the last commit. Pointers to what was allocated since
    /// are no longer valid.
    ///
    /// # Errors
    /// The system's, after which the heap needs to be reopened;
    /// [`Error::ReadOnly`](crate::Error::ReadOnly).
    pub fn rollback(&mut self) -> Result<()> {
        self.check_writable()?;
        self.health = Health::NeedsReopen;
        self.image.revert()?;
        self.space = Space::load(&self.image, self.header.extents())?;
        self.roots_place = self.header.roots();
        self.roots = load_roots(&self.image, &self.space, self.roots_place)?;
        self.health = Health::Sound;
        Ok(())
    }

    /// Whether anything changed since the last commit.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.image.dirty_pages() > 0 || self.roots.is_changed()
    }

    fn next_header(&self) -> Header {
        let transaction = self.header.transaction() + 1;
        Header::new(self.header.number(), transaction, self.roots_place, self.space.extents().to_vec())
    }

    /// The journal, the pages in their places, and the note that they are: a sync after each of the
    /// first two.
    fn write(&mut self, header: &PageImage, transaction: u64) -> Result<()> {
        let ranges = self.image.dirty_ranges();
        let bytes = |range: Range<usize>| self.image.bytes(range);
        let change = Change::new(header, &ranges, &bytes);
        let data_bytes = self.data_bytes();
        let storage = &*self.storage;
        self.lengthen_for_journal(data_bytes + Journal::body_bytes(&change))?;
        let journal = Journal::write_body(storage, self.header.number(), transaction, data_bytes, &change);
        let journal = journal.during("writing the journal")?;
        // From here on the commit may be found whole by the next opening, whatever fails.
        self.health = Health::NeedsReopen;
        journal.write_head(storage).during("writing the journal")?;
        storage.sync().during("writing the journal")?;
        change.apply(storage).during("applying the journal")?;
        storage.sync().during("applying the journal")?;
        self.health = Health::Sound;
        // Neither matters if it fails: the journal would be applied once more, or take its space
        // for longer.
        _ = journal.set_applied(storage);
        if journal.end() - data_bytes > JOURNAL_KEPT_BYTES {
            _ = storage.set_length(data_bytes as u64);
        }
        Ok(())
    }

    fn lengthen_for_journal(&self, end: usize) -> Result<()> {
        let (end, length) = (end as u64, self.storage.length().during("writing the journal")?);
        if end <= length {
            return Ok(());
        }
        let outcome = if self.settings.sparse { Ok(()) } else { self.storage.allocate(length, end) };
        if outcome.is_err() {
            _ = self.storage.set_length(length);
        }
        outcome.during("writing the journal")
    }

    /// Writes the table of roots, to where it is if there is room.
    fn store_roots(&mut self) -> Result<()> {
        if !self.roots.is_changed() {
            return Ok(());
        }
        let (table, old) = (self.roots.encode(), self.roots_place);
        let room = self.space.block_at(&self.image, old.offset()).map_or(0, |block| block.len());
        let stays = !table.is_empty() && table.len() <= room;
        let offset = if stays { old.offset() } else { self.allocate_table(table.len())? };
        let place = offset..offset + table.len();
        self.image.touch(place.clone())?;
        self.image.bytes_mut(place).copy_from_slice(&table);
        if !stays && room > 0 {
            self.free_table(old.offset()..old.offset() + room, offset)?;
        }
        let stored = RootsPlace::new(offset, table.len(), checksum(&table));
        self.roots_place = if table.is_empty() { RootsPlace::default() } else { stored };
        self.roots.set_stored();
        Ok(())
    }

    /// A block for a table of so many bytes; nowhere, for none.
    fn allocate_table(&mut self, bytes: usize) -> Result<usize> {
        if bytes == 0 {
            return Ok(0);
        }
        let offset = self.allocate_block(Layout::from_size_align(bytes, ROOTS_ALIGN).unwrap_or(Layout::new::<u8>()))?;
        self.fill_new::<u8>(FilePtr::at(offset), bytes, |place| place.fill(0))?;
        Ok(offset)
    }

    /// Frees the old table; if that fails, the new one.
    fn free_table(&mut self, old: Block, new: usize) -> Result<()> {
        let outcome = self.space.free(&mut self.image, &old);
        if outcome.is_err() && new != 0 {
            let new = self.block_from(new)?;
            self.space.free(&mut self.image, &new)?;
        }
        outcome
    }

    /// Writes the checksums of the pages of data that changed.
    fn store_sums(&mut self) -> Result<()> {
        for range in self.image.dirty_ranges() {
            for page in range {
                if let Some(extent) = self.space.extent_of(page) {
                    let sum = page_sum(self.image.bytes(bytes_of(page..page + 1)));
                    let place = extent.sum(page);
                    self.image.touch(place.clone())?;
                    put_u32(self.image.bytes_mut(place), 0, sum);
                }
            }
        }
        Ok(())
    }
}
