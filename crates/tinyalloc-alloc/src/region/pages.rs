//! Pages of metadata that come and go with isolated heaps: 4 KiB each, in places of their own, with
//! nothing right before and behind them.

use core::cell::Cell;
use core::ptr::NonNull;

use tinyalloc_array::Array;
use tinyalloc_bitmap::{BitmapOps, Words};
use tinyalloc_sys::{MapError, Mapper};

use super::growing::{Backing, Growing};
use crate::config::names::MappingName;
use crate::config::policy::{DATA_STEP_BYTES, METADATA_STEP_BYTES, STORE_ADDRESS_SPACE_PART, STORE_BYTES_MAX, WARM_PAGES_MAX};

/// Bytes of one page of metadata, and its alignment, whatever the pages of the system.
pub(crate) const META_PAGE_BYTES: usize = 4096;
const STORE_BYTES_MIN: usize = 64 * META_PAGE_BYTES;
const STORES_MAX: usize = 8;

/// One place: bits, a page of nothing, pages, a page of nothing.
struct Store {
    bits: Growing,
    pages: Growing,
    lowest_free: Cell<usize>,
}

/// Which pages of a store are taken, as far as they are committed.
struct Taken<'store>(&'store Store);

impl Words for Taken<'_> {
    fn bits(&self) -> usize {
        self.0.pages_committed()
    }

    fn word(&self, index: usize) -> u64 {
        // SAFETY: a bitmap is asked about its own bits only.
        unsafe { self.0.word(index) }.get()
    }

    fn set_word(&self, index: usize, word: u64) {
        // SAFETY: as in `word`.
        unsafe { self.0.word(index) }.set(word);
    }
}

impl Store {
    /// A store in a room whose beginning belongs to no thread, or in a reservation.
    fn new<M: Mapper>(mapper: &M) -> Result<Store, MapError> {
        let page_bytes = mapper.page_bytes();
        if let Some(start) = mapper.room(Store::whole_bytes(STORE_BYTES_MAX, page_bytes), page_bytes) {
            let store = Store::lay_out(start, STORE_BYTES_MAX, page_bytes, Backing::Room);
            if store.bits.commit_to(mapper, 1).and_then(|()| store.pages.commit_to(mapper, 1)).is_ok() {
                return Ok(store);
            }
            store.bits.release(mapper);
        }
        Store::reserve(mapper)
    }

    fn reserve<M: Mapper>(mapper: &M) -> Result<Store, MapError> {
        let page_bytes = mapper.page_bytes();
        let part = mapper.address_space_bytes() / STORE_ADDRESS_SPACE_PART;
        let mut bytes = part.clamp(STORE_BYTES_MIN, STORE_BYTES_MAX).next_multiple_of(page_bytes);
        loop {
            match mapper.reserve(Store::whole_bytes(bytes, page_bytes), page_bytes) {
                Ok(start) => return Ok(Store::lay_out(start, bytes, page_bytes, Backing::Reserved)),
                Err(error) if bytes / 2 < STORE_BYTES_MIN => return Err(error),
                Err(_) => bytes = (bytes / 2).next_multiple_of(page_bytes),
            }
        }
    }

    fn bits_bytes(bytes: usize, page_bytes: usize) -> usize {
        (bytes / META_PAGE_BYTES).div_ceil(u8::BITS as usize).next_multiple_of(page_bytes)
    }

    fn whole_bytes(bytes: usize, page_bytes: usize) -> usize {
        Store::bits_bytes(bytes, page_bytes) + bytes + 2 * page_bytes
    }

    fn lay_out(start: NonNull<u8>, bytes: usize, page_bytes: usize, backing: Backing) -> Store {
        start.as_ptr().expose_provenance();
        let bits_bytes = Store::bits_bytes(bytes, page_bytes);
        let pages = start.map_addr(|address| address.saturating_add(bits_bytes + page_bytes));
        Store {
            // SAFETY: the parts are reserved, or lie in the room, and do not overlap.
            bits: unsafe { Growing::new(start, bits_bytes, METADATA_STEP_BYTES, backing, MappingName::Metadata) },
            // SAFETY: as above.
            pages: unsafe { Growing::new(pages, bytes, DATA_STEP_BYTES, backing, MappingName::Metadata) },
            lowest_free: Cell::new(0),
        }
    }

    fn reserved_bytes(&self) -> usize {
        self.bits.mapped() + self.pages.mapped()
    }

    fn pages_committed(&self) -> usize {
        self.pages.committed() / META_PAGE_BYTES
    }

    /// # Safety
    /// The word has the bit of a committed page.
    unsafe fn word(&self, index: usize) -> &Cell<u64> {
        // SAFETY: the bits of committed pages are committed: `extend` sees to it.
        let word = unsafe { self.bits.start().cast::<Cell<u64>>().add(index) };
        // SAFETY: as above; zero is a valid state, and the lock of the space is held.
        unsafe { word.as_ref() }
    }

    /// A page that reads as zero.
    fn take<M: Mapper>(&self, mapper: &M) -> Option<NonNull<u8>> {
        let page = match Taken(self).find_clear_run(self.lowest_free.get(), 1, 1) {
            Some(page) => page,
            None => self.extend(mapper)?,
        };
        Taken(self).set(page);
        self.lowest_free.set(page + 1);
        // SAFETY: the page is committed.
        Some(unsafe { self.pages.start().add(page * META_PAGE_BYTES) })
    }

    fn extend<M: Mapper>(&self, mapper: &M) -> Option<usize> {
        let page = self.pages_committed();
        let bits_bytes = |pages: usize| pages.div_ceil(u64::BITS as usize) * size_of::<u64>();
        self.bits.commit_to(mapper, bits_bytes(page + 1)).ok()?;
        self.pages.commit_to(mapper, (page + 1) * META_PAGE_BYTES).ok()?;
        // A generous step may go beyond what there are bits for.
        if self.bits.commit_to(mapper, bits_bytes(self.pages_committed())).is_err() {
            self.pages.forget_beyond((page + 1) * META_PAGE_BYTES);
        }
        Some(page)
    }

    /// Whether it is committed to its end.
    fn is_full(&self) -> bool {
        (self.pages_committed() + 1) * META_PAGE_BYTES > self.pages.bytes()
    }

    /// The number of a page of this store that is taken.
    fn number(&self, address: usize) -> Option<usize> {
        let offset = address.wrapping_sub(self.pages.start().as_ptr().addr());
        let page = offset / META_PAGE_BYTES;
        let is_ours = offset % META_PAGE_BYTES == 0 && page < self.pages_committed();
        (is_ours && Taken(self).get(page)).then_some(page)
    }
}

/// What becomes of a page that no thread needs.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It waits for the next heap, with its memory.
    Warm,
    /// Its memory is to be returned, and then the page by [`Pages::free`].
    Not,
}

/// All such pages of one allocator. The lock of the space guards them.
pub(crate) struct Pages {
    warm: Array<NonNull<u8>, WARM_PAGES_MAX>,
    stores: Array<Store, STORES_MAX>,
    taken: usize,
}

impl Pages {
    pub(crate) const fn new() -> Pages {
        Pages { warm: Array::new(), stores: Array::new(), taken: 0 }
    }

    /// Bytes of the pages in use.
    pub(crate) fn bytes(&self) -> usize {
        self.taken * META_PAGE_BYTES
    }

    /// Bytes of address space that are taken.
    pub(crate) fn reserved_bytes(&self) -> usize {
        self.stores.iter().map(Store::reserved_bytes).sum()
    }

    /// The mappings that they lie in.
    pub(crate) fn mappings(&self) -> impl Iterator<Item = (NonNull<u8>, usize)> + '_ {
        self.stores.iter().flat_map(|store| [&store.bits, &store.pages]).map(|part| (part.start(), part.mapped()))
    }

    /// A page; its contents are unspecified.
    pub(crate) fn take<M: Mapper>(&mut self, mapper: &M) -> Option<NonNull<u8>> {
        let page = match self.warm.pop() {
            Some(page) => page,
            None => self.take_cold(mapper)?,
        };
        self.taken += 1;
        Some(page)
    }

    fn take_cold<M: Mapper>(&mut self, mapper: &M) -> Option<NonNull<u8>> {
        if let Some(page) = self.stores.iter().find_map(|store| store.take(mapper)) {
            return Some(page);
        }
        // A new one would be refused memory as well.
        if self.stores.is_full() || self.stores.iter().any(|store| !store.is_full()) {
            return None;
        }
        self.stores.push(Store::new(mapper).ok()?).ok()?;
        self.stores.last()?.take(mapper)
    }

    /// A page is not needed any more.
    pub(crate) fn retire<M: Mapper>(&mut self, mapper: &M, page: NonNull<u8>) -> Kept {
        self.taken -= 1;
        // Where the system's pages are larger, one of ours is a part of one, and cannot go back
        // alone.
        if self.warm.push(page).is_ok() {
            return Kept::Warm;
        }
        if mapper.page_bytes() > META_PAGE_BYTES {
            self.free(page);
            return Kept::Warm;
        }
        Kept::Not
    }

    /// The page may be taken again; where it was decommitted, it reads as zero.
    pub(crate) fn free(&self, page: NonNull<u8>) {
        let address = page.as_ptr().addr();
        if let Some((store, number)) = self.stores.iter().find_map(|store| Some((store, store.number(address)?))) {
            Taken(store).clear(number);
            store.lowest_free.set(store.lowest_free.get().min(number));
        }
    }

    /// Whether `address` is that of a page in use, or warm.
    pub(crate) fn is_page(&self, address: usize) -> bool {
        self.stores.iter().any(|store| store.number(address).is_some())
    }
}
