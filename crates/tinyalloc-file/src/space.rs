//! The space of the file: which spans are free, which pages have free slots, and what is allocated
//! where.
//!
//! I1: the records of the image, the page map, the free spans and the pages with free slots say the
//! same. Every change to the records is preceded by touching all of them, so that it is made as a
//! whole or not at all.

use core::alloc::Layout;
use core::array::from_fn;
use core::iter::from_fn as iter_from_fn;
use core::ops::Range;
use std::collections::BTreeSet;

use crate::class::{CLASSES, SLOT_WORDS, SizeClass};
use crate::error::{Error, Part, Result};
use crate::extent::Extent;
use crate::free_spans::FreeSpans;
use crate::image::Image;
use crate::page::{PAGE_BYTES, page_of, page_start, pages_for};
use crate::page_map::{PageMap, Place};
use crate::record::{Live, Span, count_live, first_dead, flip, is_live};

const NONE_LIVE: Live = [0; SLOT_WORDS];

/// What is allocated, in bytes from the file's start.
pub(crate) type Block = Range<usize>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    blocks: usize,
    block_bytes: usize,
}

impl Counts {
    pub(crate) fn blocks(self) -> usize {
        self.blocks
    }

    pub(crate) fn block_bytes(self) -> usize {
        self.block_bytes
    }

    fn add(&mut self, blocks: usize, bytes: usize) {
        self.blocks += blocks;
        self.block_bytes += bytes;
    }

    fn subtract(&mut self, blocks: usize, bytes: usize) {
        self.blocks -= blocks;
        self.block_bytes -= bytes;
    }
}

pub(crate) struct Space {
    extents: Vec<Extent>,
    pages: PageMap,
    free: FreeSpans,
    with_free_slots: [BTreeSet<usize>; CLASSES],
    counts: Counts,
}

impl Space {
    /// Reads the records of all spans, believing none of them.
    pub(crate) fn load(image: &Image, extents: &[Extent]) -> Result<Space> {
        let mut space = Space {
            extents: Vec::new(),
            pages: PageMap::default(),
            free: FreeSpans::default(),
            with_free_slots: from_fn(|_| BTreeSet::new()),
            counts: Counts::default(),
        };
        for extent in extents {
            space.extents.push(*extent);
            space.pages.extend(extent.end_page());
            for (page, span) in spans(image, *extent) {
                space.enter(page, span?);
            }
        }
        Ok(space)
    }

    pub(crate) fn extents(&self) -> &[Extent] {
        &self.extents
    }

    pub(crate) fn end_page(&self) -> usize {
        self.extents.last().map_or(0, |extent| extent.end_page())
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn free_spans(&self) -> &FreeSpans {
        &self.free
    }

    /// Whether the tables in memory are the same as another's.
    pub(crate) fn agrees_with(&self, other: &Space) -> bool {
        let places = |space: &Space| (0..self.end_page()).map(|page| space.pages.place(page)).collect::<Vec<_>>();
        self.extents == other.extents
            && self.free == other.free
            && self.with_free_slots == other.with_free_slots
            && self.counts == other.counts
            && places(self) == places(other)
    }

    /// Takes over an extent that the image shows, all of it free.
    pub(crate) fn add_extent(&mut self, image: &mut Image, extent: Extent) -> Result<()> {
        let data = extent.data();
        image.touch(extent.record(data.start))?;
        self.extents.push(extent);
        self.pages.extend(extent.end_page());
        self.set(image, data.start, Span::Free { pages: data.len() });
        self.pages.set_free(data.clone());
        self.free.insert(data.start, data.len());
        Ok(())
    }

    /// The start of a new block; none if the file has to grow first.
    pub(crate) fn allocate(&mut self, image: &mut Image, layout: Layout) -> Result<Option<usize>> {
        match SizeClass::of(layout) {
            Some(class) => self.allocate_slot(image, class),
            None => self.allocate_large(image, pages_of(layout)),
        }
    }

    /// Frees the block that starts at `block.start`.
    pub(crate) fn free(&mut self, image: &mut Image, block: &Block) -> Result<()> {
        let page = page_of(block.start);
        match self.span(image, page) {
            Some(Span::Slots { class, live }) => self.free_slot(image, page, class, live, block.start),
            Some(Span::Large { pages }) => {
                self.free_pages(image, page..page + pages)?;
                self.counts.subtract(1, block.len());
                Ok(())
            }
            _ => Err(Error::NotLive { offset: block.start }),
        }
    }

    /// The block that an offset is in.
    pub(crate) fn block_at(&self, image: &Image, offset: usize) -> Option<Block> {
        let page = page_of(offset);
        match self.pages.place(page) {
            Place::Slots => {
                let Some(Span::Slots { class, live }) = self.span(image, page) else { return None };
                let slot = offset % PAGE_BYTES / class.slot_bytes();
                let start = page_start(page) + slot * class.slot_bytes();
                (slot < class.slots() && is_live(&live, slot)).then(|| start..start + class.slot_bytes())
            }
            Place::Large { first } => match self.span(image, first) {
                Some(Span::Large { pages }) => Some(page_start(first)..page_start(first + pages)),
                _ => None,
            },
            Place::Free | Place::Metadata => None,
        }
    }

    /// Makes a block serve another request where it is, if that is possible.
    pub(crate) fn resize(&mut self, image: &mut Image, block: &Block, layout: Layout) -> Result<bool> {
        let page = page_of(block.start);
        match (self.pages.place(page), SizeClass::of(layout)) {
            (Place::Slots, Some(class)) => Ok(class.slot_bytes() == block.len()),
            (Place::Large { first }, None) if first == page => self.resize_large(image, block, pages_of(layout)),
            _ => Ok(false),
        }
    }

    /// The extent of a page of data.
    pub(crate) fn extent_of(&self, page: usize) -> Option<Extent> {
        let after = self.extents.partition_point(|extent| extent.first_page() <= page);
        self.extents[..after].last().copied().filter(|extent| extent.data().contains(&page))
    }

    /// The blocks of the span that begins at `page`.
    pub(crate) fn blocks_of(page: usize, span: Span) -> impl Iterator<Item = Block> {
        let (count, bytes, live) = match span {
            Span::Free { .. } => (0, 0, NONE_LIVE),
            Span::Slots { class, live } => (class.slots(), class.slot_bytes(), live),
            Span::Large { pages } => (1, pages * PAGE_BYTES, [1; SLOT_WORDS]),
        };
        let start = page_start(page);
        (0..count).filter(move |slot| is_live(&live, *slot)).map(move |slot| start + slot * bytes..start + (slot + 1) * bytes)
    }

    fn enter(&mut self, page: usize, span: Span) {
        match span {
            Span::Free { pages } => {
                self.pages.set_free(page..page + pages);
                self.free.insert(page, pages);
            }
            Span::Large { pages } => {
                self.pages.set_large(page, page..page + pages);
                self.counts.add(1, pages * PAGE_BYTES);
            }
            Span::Slots { class, live } => {
                self.pages.set_slots(page);
                let count = count_live(&live);
                self.counts.add(count, count * class.slot_bytes());
                if count < class.slots() {
                    self.with_free_slots[class.index()].insert(page);
                }
            }
        }
    }

    fn allocate_slot(&mut self, image: &mut Image, class: SizeClass) -> Result<Option<usize>> {
        let Some(page) = self.page_with_free_slot(image, class)? else { return Ok(None) };
        let Some(Span::Slots { mut live, .. }) = self.span(image, page) else { return Err(index_error(page)) };
        let Some(slot) = first_dead(&live).filter(|slot| *slot < class.slots()) else { return Err(index_error(page)) };
        self.touch(image, page)?;
        flip(&mut live, slot);
        self.set(image, page, Span::Slots { class, live });
        if count_live(&live) == class.slots() {
            self.with_free_slots[class.index()].remove(&page);
        }
        self.counts.add(1, class.slot_bytes());
        Ok(Some(page_start(page) + slot * class.slot_bytes()))
    }

    /// The lowest one, so that those further on become empty.
    fn page_with_free_slot(&mut self, image: &mut Image, class: SizeClass) -> Result<Option<usize>> {
        if let Some(page) = self.with_free_slots[class.index()].first() {
            return Ok(Some(*page));
        }
        let page = self.take(image, Span::Slots { class, live: NONE_LIVE })?;
        if let Some(page) = page {
            self.pages.set_slots(page);
            self.with_free_slots[class.index()].insert(page);
        }
        Ok(page)
    }

    fn allocate_large(&mut self, image: &mut Image, pages: usize) -> Result<Option<usize>> {
        let Some(page) = self.take(image, Span::Large { pages })? else { return Ok(None) };
        self.pages.set_large(page, page..page + pages);
        self.counts.add(1, pages * PAGE_BYTES);
        Ok(Some(page_start(page)))
    }

    /// Makes the front of a free span the span that is wanted.
    fn take(&mut self, image: &mut Image, span: Span) -> Result<Option<usize>> {
        let Some((start, pages)) = self.free.best(span.pages()) else { return Ok(None) };
        self.touch(image, start)?;
        self.take_front(image, start..start + pages, span.pages())?;
        self.set(image, start, span);
        Ok(Some(start))
    }

    /// Parts the front of a free span from the rest, which stays free.
    fn take_front(&mut self, image: &mut Image, free: Range<usize>, pages: usize) -> Result<()> {
        let rest = free.start + pages..free.end;
        if !rest.is_empty() {
            self.touch(image, rest.start)?;
            self.set(image, rest.start, Span::Free { pages: rest.len() });
        }
        self.free.remove(free.start);
        if !rest.is_empty() {
            self.free.insert(rest.start, rest.len());
        }
        Ok(())
    }

    fn free_slot(&mut self, image: &mut Image, page: usize, class: SizeClass, mut live: Live, start: usize) -> Result<()> {
        self.touch(image, page)?;
        flip(&mut live, start % PAGE_BYTES / class.slot_bytes());
        if live == NONE_LIVE {
            self.free_pages(image, page..page + 1)?;
            self.with_free_slots[class.index()].remove(&page);
        } else {
            self.set(image, page, Span::Slots { class, live });
            self.with_free_slots[class.index()].insert(page);
        }
        self.counts.subtract(1, class.slot_bytes());
        Ok(())
    }

    /// Makes pages free, and one with the free spans around them. An extent's metadata is never
    /// free, so that none reaches beyond it.
    fn free_pages(&mut self, image: &mut Image, pages: Range<usize>) -> Result<()> {
        let start = self.free.ending_at(pages.start).unwrap_or(pages.start);
        let end = pages.end + self.free.starting_at(pages.end).unwrap_or(0);
        self.touch(image, start)?;
        self.set(image, start, Span::Free { pages: end - start });
        self.free.remove(start);
        self.free.remove(pages.end);
        self.free.insert(start, end - start);
        self.pages.set_free(pages);
        Ok(())
    }

    fn resize_large(&mut self, image: &mut Image, block: &Block, pages: usize) -> Result<bool> {
        let (page, end) = (page_of(block.start), page_of(block.end));
        let new_end = page + pages;
        let free_after = self.free.starting_at(end).unwrap_or(0);
        if new_end > end + free_after {
            return Ok(false);
        }
        self.touch(image, page)?;
        if new_end < end {
            self.free_pages(image, new_end..end)?;
            self.counts.subtract(0, page_start(end - new_end));
        } else if new_end > end {
            self.take_front(image, end..end + free_after, new_end - end)?;
            self.pages.set_large(page, end..new_end);
            self.counts.add(0, page_start(new_end - end));
        }
        self.set(image, page, Span::Large { pages });
        Ok(true)
    }

    fn span(&self, image: &Image, page: usize) -> Option<Span> {
        Span::decode_known(image.bytes(self.extent_of(page)?.record(page)))
    }

    fn touch(&self, image: &mut Image, page: usize) -> Result<()> {
        let extent = self.extent_of(page).ok_or_else(|| index_error(page))?;
        image.touch(extent.record(page))
    }

    /// Writes a record that was touched.
    fn set(&self, image: &mut Image, page: usize, span: Span) {
        if let Some(extent) = self.extent_of(page) {
            image.bytes_mut(extent.record(page)).copy_from_slice(&span.encode(page));
        }
    }
}

/// The spans of an extent, one after the other: the first page of each, and its record or that it
/// is corrupt.
pub(crate) fn spans(image: &Image, extent: Extent) -> impl Iterator<Item = (usize, Result<Span>)> {
    let data = extent.data();
    let mut page = data.start;
    iter_from_fn(move || {
        if page >= data.end {
            return None;
        }
        let first = page;
        let record = extent.record(first);
        let span = Span::decode(image.bytes(record.clone()), first).filter(|span| span.pages() <= data.end - first);
        page = span.map_or(data.end, |span| first + span.pages());
        Some((first, span.ok_or(Error::Corrupt { part: Part::Span, offset: record.start })))
    })
}

/// The pages for a request that no slot serves; nothing, on a page of its own, is a page.
fn pages_of(layout: Layout) -> usize {
    pages_for(layout.size()).max(1)
}

fn index_error(page: usize) -> Error {
    Error::Corrupt { part: Part::Index, offset: page_start(page) }
}
