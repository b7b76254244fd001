//! The heap: what the file, the space in it and the roots are together.

mod access;

mod named_roots;

mod commit;

mod check;
mod snapshot;
mod stats;

use core::alloc::Layout;
use core::ops::Range;

use crate::checksum::checksum;
use crate::error::{During, Error, Part, Result};
use crate::extent::Extent;
use crate::header::{EXTENTS_MAX, Header, RootsPlace, begins_a_heap, identify};
use crate::image::Image;
use crate::journal::Journal;
use crate::mapping::Mapping;
use crate::page::{GRANULE_PAGES, PAGE_BYTES, PAGES_MAX, bytes_of, page_of, page_start, pages_for};
use crate::pointer::FilePtr;
use crate::roots::Roots;
use crate::space::{Block, Space};
use crate::storage::Storage;

pub use check::{Finding, Report};
pub use snapshot::Copied;
pub use stats::FileStats;

/// The file grows by this part of itself, so that it seldom has to.
const GROWTH_PART: usize = 8;
const COPY_BYTES: usize = PAGE_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Sound,
    /// A commit failed after it may have been decided.
    NeedsReopen,
}

/// How a heap is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    access: Access,
    sparse: bool,
    reserve_bytes: usize,
}

impl Settings {
    pub(crate) fn new(access: Access, sparse: bool, reserve_bytes: usize) -> Settings {
        Settings { access, sparse, reserve_bytes }
    }
}

/// A heap in a file. See the [crate's documentation](crate) for the format and the guarantees.
///
/// What is allocated, freed and written is in memory until [`FileHeap::commit`]; a heap that is
/// dropped without one, or whose process is killed, is as the last commit left it when it is opened
/// again. A child process must not use the heap of its parent.
pub struct FileHeap {
    storage: Box<dyn Storage>,
    settings: Settings,
    health: Health,
    image: Image,
    space: Space,
    roots: Roots,
    roots_place: RootsPlace,
    /// Of the last commit.
    header: Header,
    /// The last commit is not in its place yet: a reader shows it from the journal.
    is_overlaid: bool,
}

impl FileHeap {
    /// Opens the heap that `storage` has, after finishing the commit that was under way when it was
    /// last used.
    pub(crate) fn assemble(storage: Box<dyn Storage>, settings: Settings) -> Result<FileHeap> {
        let mut first_page = [0; PAGE_BYTES];
        let found_bytes = read_first_pages(&*storage, &mut first_page)?;
        let number = identify(&first_page)?;
        let journal = Journal::pending(&*storage, number).during("reading the journal")?;
        let header = match &journal {
            Some(journal) => journaled_header(&*storage, journal, &first_page)?,
            None => Header::decode(&first_page)?,
        };
        if header.data_bytes() > found_bytes {
            return Err(Error::Truncated { expected_bytes: header.data_bytes(), found_bytes });
        }
        if let Some(journal) = journal.as_ref().filter(|_| settings.access == Access::Write) {
            journal.apply(&*storage).during("finishing a commit")?;
            storage.sync().during("finishing a commit")?;
            journal.set_applied(&*storage).during("finishing a commit")?;
        }
        let mapping = Mapping::reserve(settings.reserve_bytes, header.data_bytes()).during("reserving addresses")?;
        let mut image = Image::new(mapping);
        image.grow(storage.file(), header.data_bytes())?;
        let overlaid = journal.filter(|_| settings.access == Access::Read);
        if let Some(journal) = &overlaid {
            overlay(&*storage, journal, &mut image)?;
        }
        let space = Space::load(&image, header.extents())?;
        let roots = load_roots(&image, &space, header.roots())?;
        let (health, roots_place) = (Health::Sound, header.roots());
        let is_overlaid = overlaid.is_some();
        Ok(FileHeap { storage, settings, health, image, space, roots, roots_place, header, is_overlaid })
    }

    /// Allocates a block for `layout`. Its contents are whatever the file has there.
    ///
    /// Requests of up to 2 KiB are rounded up to a size class, others to whole pages of 4 KiB. A
    /// request for no bytes gets a block, too.
    ///
    /// # Errors
    /// [`Error::AlignTooLarge`] beyond a page; [`Error::NoSpace`] if the disk is full;
    /// [`Error::AddressSpace`]; [`Error::OutOfMemory`]; [`Error::ReadOnly`];
    /// [`Error::NeedsReopen`].
    pub fn allocate(&mut self, layout: Layout) -> Result<FilePtr<u8>> {
        self.check_writable()?;
        self.allocate_block(layout).map(FilePtr::at)
    }

    /// Allocates a block for `layout` that is all zeros.
    ///
    /// # Errors
    /// As [`FileHeap::allocate`].
    pub fn allocate_zeroed(&mut self, layout: Layout) -> Result<FilePtr<u8>> {
        let block = self.allocate(layout)?;
        self.fill_new(block, layout.size(), |bytes| bytes.fill(0))?;
        Ok(block)
    }

    /// Frees the block that begins at `block`. Its space is used again at once; the last commit
    /// still has it.
    ///
    /// # Errors
    /// [`Error::NotLive`] if no block begins there; [`Error::Rooted`] if a root points to it;
    /// [`Error::OutOfMemory`]; [`Error::ReadOnly`]; [`Error::NeedsReopen`].
    pub fn free<T>(&mut self, block: FilePtr<T>) -> Result<()> {
        self.check_writable()?;
        let block = self.user_block(block.place())?;
        if self.roots.is_rooted(block.start) {
            return Err(Error::Rooted { offset: block.start });
        }
        self.space.free(&mut self.image, &block)
    }

    /// Makes the block that begins at `block` serve `layout`, elsewhere if need be, and keeps what
    /// fits of its contents. Roots follow it.
    ///
    /// # Errors
    /// As [`FileHeap::allocate`] and [`FileHeap::free`]; the block is as it was then.
    pub fn reallocate(&mut self, block: FilePtr<u8>, layout: Layout) -> Result<FilePtr<u8>> {
        self.check_writable()?;
        let old = self.user_block(block.place())?;
        check_align(layout)?;
        let is_aligned = old.start % layout.align() == 0;
        if is_aligned && self.space.resize(&mut self.image, &old, layout)? {
            return Ok(block);
        }
        let new = self.allocate_block(layout)?;
        let bytes = old.len().min(layout.size());
        if let Err(error) = self.copy(old.start, new, bytes).and_then(|()| self.space.free(&mut self.image, &old)) {
            let new = self.block_from(new)?;
            self.space.free(&mut self.image, &new)?;
            return Err(error);
        }
        self.roots.follow(old.start, new);
        Ok(FilePtr::at(new))
    }

    /// How many bytes a block has from `block` on, at least what was asked for.
    ///
    /// # Errors
    /// [`Error::NotLive`] if it does not point into one.
    pub fn usable_bytes<T>(&self, block: FilePtr<T>) -> Result<usize> {
        self.block_from(block.place()).map(|block| block.len())
    }

    /// Makes room for `bytes` more without growing again, as far as the free space is in one piece.
    ///
    /// # Errors
    /// As [`FileHeap::allocate`].
    pub fn reserve(&mut self, bytes: usize) -> Result<()> {
        self.check_writable()?;
        let pages = pages_for(bytes);
        if self.space.free_spans().largest() < pages { self.grow(pages) } else { Ok(()) }
    }

    fn check_writable(&self) -> Result<()> {
        match (self.settings.access, self.health) {
            (Access::Read, _) => Err(Error::ReadOnly),
            (Access::Write, Health::NeedsReopen) => Err(Error::NeedsReopen),
            (Access::Write, Health::Sound) => Ok(()),
        }
    }

    /// The user's block around `offset`: any but the table of roots.
    fn block_around(&self, offset: usize) -> Result<Block> {
        let block = self.space.block_at(&self.image, offset);
        block.filter(|block| block.start != self.roots_place.offset()).ok_or(Error::NotLive { offset })
    }

    /// The part of a user's block from `offset` on.
    fn block_from(&self, offset: usize) -> Result<Block> {
        self.block_around(offset).map(|block| offset..block.end)
    }

    /// The user's block that begins at `offset`.
    fn user_block(&self, offset: usize) -> Result<Block> {
        self.block_around(offset).and_then(|block| if block.start == offset { Ok(block) } else { Err(Error::NotLive { offset }) })
    }

    fn allocate_block(&mut self, layout: Layout) -> Result<usize> {
        check_align(layout)?;
        if let Some(offset) = self.space.allocate(&mut self.image, layout)? {
            return Ok(offset);
        }
        self.grow(pages_for(layout.size()).max(1))?;
        self.space.allocate(&mut self.image, layout)?.ok_or(Error::NoSpace)
    }

    /// Fills what was just allocated, or frees it again.
    fn fill_new<T>(&mut self, block: FilePtr<T>, bytes: usize, fill: impl FnOnce(&mut [u8])) -> Result<()> {
        let range = block.place()..block.place() + bytes;
        if let Err(error) = self.image.touch(range.clone()) {
            self.free(block)?;
            return Err(error);
        }
        fill(self.image.bytes_mut(range));
        Ok(())
    }

    fn copy(&mut self, from: usize, to: usize, bytes: usize) -> Result<()> {
        self.image.touch(to..to + bytes)?;
        let mut piece = [0; COPY_BYTES];
        for start in (0..bytes).step_by(COPY_BYTES) {
            let piece = &mut piece[..COPY_BYTES.min(bytes - start)];
            piece.copy_from_slice(self.image.bytes(from + start..from + start + piece.len()));
            self.image.bytes_mut(to + start..to + start + piece.len()).copy_from_slice(piece);
        }
        Ok(())
    }

    fn data_bytes(&self) -> usize {
        page_start(self.space.end_page())
    }

    /// Adds an extent with room for a span of so many pages; a generous one if there is space.
    fn grow(&mut self, data_pages: usize) -> Result<()> {
        let pages_min = Extent::pages_with(data_pages);
        let pages = pages_min.max(self.space.end_page() / GROWTH_PART);
        match self.grow_by(pages) {
            Err(Error::NoSpace | Error::AddressSpace { .. }) if pages > pages_min => self.grow_by(pages_min),
            outcome => outcome,
        }
    }

    fn grow_by(&mut self, pages: usize) -> Result<()> {
        let first = self.space.end_page();
        let end = (first + pages).next_multiple_of(GRANULE_PAGES);
        if end > PAGES_MAX || self.space.extents().len() == EXTENTS_MAX {
            return Err(Error::NoSpace);
        }
        let (needed_bytes, reserved_bytes) = (page_start(end), self.image.reserved_bytes());
        if needed_bytes > reserved_bytes {
            return Err(Error::AddressSpace { needed_bytes, reserved_bytes });
        }
        self.lengthen(bytes_of(first..end))?;
        self.image.grow(self.storage.file(), needed_bytes)?;
        self.space.add_extent(&mut self.image, Extent::new(first, end - first))
    }

    /// Appends zeros to the data. What was behind it, an applied journal, goes: the new pages must
    /// not have its contents.
    fn lengthen(&mut self, bytes: Range<usize>) -> Result<()> {
        let (start, end) = (bytes.start as u64, bytes.end as u64);
        self.storage.set_length(start).during("growing the file")?;
        let grown = if self.settings.sparse { self.storage.set_length(end) } else { self.storage.allocate(start, end) };
        if grown.is_err() {
            _ = self.storage.set_length(start);
        }
        grown.during("growing the file")
    }
}

fn check_align(layout: Layout) -> Result<()> {
    if layout.align() > PAGE_BYTES { Err(Error::AlignTooLarge { align: layout.align() }) } else { Ok(()) }
}

/// The file's length, if it is long enough to be a heap at all.
fn read_first_pages(storage: &dyn Storage, first_page: &mut [u8; PAGE_BYTES]) -> Result<usize> {
    let found_bytes = usize::try_from(storage.length().during("reading the length")?).unwrap_or(usize::MAX);
    let readable = &mut first_page[..PAGE_BYTES.min(found_bytes)];
    storage.read(0, readable).during("reading the header")?;
    let expected_bytes = 2 * PAGE_BYTES;
    match found_bytes {
        bytes if bytes >= expected_bytes => Ok(bytes),
        bytes if begins_a_heap(readable) => Err(Error::Truncated { expected_bytes, found_bytes: bytes }),
        _ => Err(Error::NotAHeap),
    }
}

/// The header as the commit under way leaves it. It is the one after the header in place, or that
/// very one.
fn journaled_header(storage: &dyn Storage, journal: &Journal, first_page: &[u8]) -> Result<Header> {
    let header = Header::decode(&journal.header(storage).during("reading the journal")?)?;
    let in_place = Header::decode(first_page).map_or(header.transaction(), |header| header.transaction());
    let follows = header.transaction() == in_place || header.transaction() == in_place.wrapping_add(1);
    if follows && journal.transaction() == header.transaction() && header.data_bytes() <= journal.end() {
        Ok(header)
    } else {
        Err(Error::Corrupt { part: Part::Journal, offset: PAGE_BYTES })
    }
}

/// A reader must not finish a commit in the file: it does so in memory.
fn overlay(storage: &dyn Storage, journal: &Journal, image: &mut Image) -> Result<()> {
    let mut contents = [0; PAGE_BYTES];
    let mapped_bytes = image.bytes_mapped();
    for (page, offset) in journal.pages().filter(|(page, _)| page_start(page + 1) <= mapped_bytes) {
        storage.read(offset as u64, &mut contents).during("reading the journal")?;
        let place = bytes_of(page..page + 1);
        if image.bytes(place.clone()) != contents {
            image.touch(place.clone())?;
            image.bytes_mut(place).copy_from_slice(&contents);
        }
    }
    Ok(())
}

fn load_roots(image: &Image, space: &Space, place: RootsPlace) -> Result<Roots> {
    if place == RootsPlace::default() {
        return Ok(Roots::default());
    }
    let corrupt = Error::Corrupt { part: Part::Roots, offset: place.offset() };
    let block = space
        .block_at(image, place.offset())
        .filter(|block| block.start == place.offset() && place.bytes() <= block.len() && page_of(block.start) < space.end_page());
    let Some(block) = block else { return Err(corrupt) };
    let bytes = image.bytes(block.start..block.start + place.bytes());
    if checksum(bytes) != place.sum() {
        return Err(corrupt);
    }
    let roots = Roots::decode(bytes).ok_or(corrupt)?;
    for (_, root) in roots.iter() {
        let block = space.block_at(image, root.offset()).filter(|block| block.start == root.offset());
        if block.is_none_or(|block| root.bytes() > block.len()) {
            return Err(Error::Corrupt { part: Part::Roots, offset: root.offset() });
        }
    }
    Ok(roots)
}
