//! What serves a thread that cannot wait for a lock: a signal handler that interrupted the
//! allocator, and the thread that meets a fork that lasts (see `lock.rs`). Slots set aside,
//! mappings of their own, and a place to leave what is to be freed. Nothing here takes a lock, not
//! even the mapper's.

use core::iter::from_fn;
use core::ptr::{NonNull, null_mut, with_exposed_provenance_mut};
use core::slice::from_raw_parts;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use super::emergency_chunk::{CHUNK_BYTES, CHUNK_SLOT_BYTES_MAX, Chunk};
use crate::span::Span;
use crate::span::class::SLOT_ALIGN;
use crate::span::span_ref::SpanRef;

/// Entries that every process has; more lie on pages.
const BLOCKS_AT_FIRST: usize = 32;
const LEFT_AT_FIRST: usize = 32;
/// The smallest page of any system.
const TABLE_PAGE_BYTES: usize = 4096;

/// A mapping that serves one request, or a chunk, which stays; `start` is 0 while the entry is
/// free, and 1 while it changes.
#[repr(C)]
struct Block {
    start: AtomicUsize,
    bytes: AtomicUsize,
}

/// Beside the address of a chunk: one word tells what an entry is, at whatever moment it is looked
/// at.
const CHUNK: usize = 2;

const FREE: usize = 0;
const CHANGING: usize = 1;

/// Entries of which zero is a valid state: `FIRST` of them, and as many more as were ever wanted at
/// a time, on pages that stay.
///
/// Invariant Y1: `more` and every page's `next` are null or point at a page that was mapped for
/// this table, and stays mapped.
#[repr(C)]
struct Table<T, const FIRST: usize> {
    first: [T; FIRST],
    more: AtomicPtr<TablePage<T>>,
}

#[repr(C)]
struct TablePage<T> {
    next: AtomicPtr<TablePage<T>>,
    entries: [T; 0],
}

impl<T, const FIRST: usize> Table<T, FIRST> {
    const PER_PAGE: usize = (TABLE_PAGE_BYTES - size_of::<TablePage<T>>()) / size_of::<T>();

    const fn new(first: [T; FIRST]) -> Table<T, FIRST> {
        Table { first, more: AtomicPtr::new(null_mut()) }
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        let mut next = self.more.load(Ordering::Acquire);
        let pages = from_fn(move || {
            // SAFETY: Y1.
            let page = unsafe { next.as_ref() }?;
            next = page.next.load(Ordering::Acquire);
            Some(page)
        });
        self.first.iter().chain(pages.flat_map(|page| Self::entries(page).iter()))
    }

    fn entries(page: &TablePage<T>) -> &[T] {
        // SAFETY: so many entries follow, within the page; zero is a valid state of each.
        unsafe { from_raw_parts(page.entries.as_ptr(), Self::PER_PAGE) }
    }

    /// What `claim` makes of an entry that it can have, on a new page if need be.
    fn find_or_add<M: Mapper, R>(&self, mapper: &M, claim: impl Fn(&T) -> Option<R>) -> Option<R> {
        loop {
            if let Some(claimed) = self.iter().find_map(&claim) {
                return Some(claimed);
            }
            let page_bytes = mapper.page_bytes().max(TABLE_PAGE_BYTES);
            let page = mapper.map_apart(page_bytes, page_bytes).ok()?.cast::<TablePage<T>>();
            self.add(page);
        }
    }

    fn add(&self, page: NonNull<TablePage<T>>) {
        let mut before = self.more.load(Ordering::Acquire);
        loop {
            // SAFETY: no other code knows the page, and zero is a valid one.
            unsafe { page.as_ref() }.next.store(before, Ordering::Relaxed);
            match self.more.compare_exchange(before, page.as_ptr(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => before = now,
            }
        }
    }
}

#[repr(C)]
pub(crate) struct Emergency {
    slots: AtomicPtr<Span>,
    /// Beyond all mappings, and the complement of before all: most addresses need no search.
    end: AtomicUsize,
    before: AtomicUsize,
    left_used: AtomicUsize,
    blocks: Table<Block, BLOCKS_AT_FIRST>,
    left: Table<AtomicUsize, LEFT_AT_FIRST>,
}

impl Emergency {
    pub(crate) const fn new() -> Emergency {
        Emergency {
            slots: AtomicPtr::new(null_mut()),
            blocks: Table::new([const { Block { start: AtomicUsize::new(FREE), bytes: AtomicUsize::new(0) } }; BLOCKS_AT_FIRST]),
            end: AtomicUsize::new(0),
            before: AtomicUsize::new(0),
            left: Table::new([const { AtomicUsize::new(0) }; LEFT_AT_FIRST]),
            left_used: AtomicUsize::new(0),
        }
    }

    pub(crate) fn set_slots(&self, span: SpanRef) {
        self.slots.store(span.as_ptr(), Ordering::Release);
    }

    /// A slot, or a mapping; its contents are unspecified.
    pub(crate) fn allocate<M: Mapper>(&self, mapper: &M, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        self.allocate_slot(bytes, align)
            .or_else(|| self.allocate_in_chunk(mapper, bytes, align))
            .or_else(|| self.allocate_block(mapper, bytes, align))
    }

    /// A slot of a chunk, of a new one if need be.
    fn allocate_in_chunk<M: Mapper>(&self, mapper: &M, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let slot_bytes = bytes.max(1).checked_next_multiple_of(align.max(SLOT_ALIGN))?;
        if slot_bytes > CHUNK_SLOT_BYTES_MAX {
            return None;
        }
        let of_that_size = |chunk: &&Chunk| chunk.slot_bytes() == slot_bytes;
        if let Some(slot) = self.blocks.iter().filter_map(Block::as_chunk).filter(of_that_size).find_map(Chunk::claim) {
            return Some(slot);
        }
        let start = self.allocate_mapping(mapper, CHUNK_BYTES, CHUNK_BYTES, Some(slot_bytes))?;
        // SAFETY: it has begun, and stays.
        unsafe { Chunk::at(start.as_ptr().addr()) }.claim()
    }

    fn allocate_slot(&self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let record = NonNull::new(self.slots.load(Ordering::Acquire))?;
        // SAFETY: only `set_slots` stores there, a record (S1).
        let span = unsafe { SpanRef::from_raw(record.as_ptr()) };
        (bytes.max(align) <= span.slot_bytes()).then(|| span.emergency_claim()).flatten()
    }

    /// A mapping that reads as zero.
    pub(crate) fn allocate_block<M: Mapper>(&self, mapper: &M, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let bytes = bytes.max(1).checked_next_multiple_of(mapper.page_bytes())?;
        self.allocate_mapping(mapper, bytes, align.max(mapper.page_bytes()), None)
    }

    /// A mapping with an entry, as a chunk if there is a size for its slots.
    fn allocate_mapping<M: Mapper>(
        &self,
        mapper: &M,
        bytes: usize,
        align: usize,
        slot_bytes: Option<usize>,
    ) -> Option<NonNull<u8>> {
        // As an address: a closure that passes the entry on would have to say how long it lives.
        let claim = |block: &Block| block.replace(FREE, CHANGING).then_some(NonNull::from(block));
        let claimed = self.blocks.find_or_add(mapper, claim)?;
        // SAFETY: an entry of the table (Y1).
        let block = unsafe { claimed.as_ref() };
        let Ok(start) = mapper.map_apart(bytes, align) else {
            block.start.store(FREE, Ordering::Release);
            return None;
        };
        let address = start.as_ptr().expose_provenance();
        block.bytes.store(bytes, Ordering::Relaxed);
        self.end.fetch_max(address + bytes, Ordering::Relaxed);
        self.before.fetch_max(!address, Ordering::Relaxed);
        if let Some(slot_bytes) = slot_bytes {
            // SAFETY: a new mapping, which reads as zero, and which no other code knows.
            unsafe { Chunk::at(address) }.begin(slot_bytes);
        }
        block.start.store(if slot_bytes.is_some() { address | CHUNK } else { address }, Ordering::Release);
        Some(start)
    }

    /// Usable bytes of the mapping, or of the slot of a chunk, at `address`, if there is one.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn block_bytes(&self, address: usize) -> Option<usize> {
        let block = self.find(address)?;
        match block.as_chunk() {
            Some(chunk) => chunk.is_taken(address).then(|| chunk.slot_bytes()),
            None => Some(block.bytes.load(Ordering::Relaxed)),
        }
    }

    /// Releases the mapping, or the slot of a chunk, at `address`; false if there is none.
    pub(crate) fn release_block<M: Mapper>(&self, mapper: &M, address: usize) -> bool {
        let Some(block) = self.find(address) else {
            return false;
        };
        if let Some(chunk) = block.as_chunk() {
            return chunk.release(address);
        }
        if !block.replace(address, CHANGING) {
            return false;
        }
        let bytes = block.bytes.load(Ordering::Relaxed);
        if let Some(start) = NonNull::new(with_exposed_provenance_mut(address)) {
            // SAFETY: the mapping is ours, whole, and no other thread took the entry. A refusal
            // leaves it decommitted and unused.
            let _ = unsafe { mapper.release_apart(start, bytes) };
        }
        block.start.store(FREE, Ordering::Release);
        true
    }

    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn find(&self, address: usize) -> Option<&Block> {
        if address >= self.end.load(Ordering::Relaxed) || !address > self.before.load(Ordering::Relaxed) {
            return None;
        }
        let chunk = Chunk::start_for(address) | CHUNK;
        self.blocks.iter().find(|block| {
            let start = block.start.load(Ordering::Acquire);
            start == chunk || (start == address && start > CHANGING)
        })
    }

    /// Leaves a block to be freed by the thread that takes the lock next. Should there be no memory
    /// to note it in, the block is lost: better than a deadlock.
    pub(crate) fn defer_free<M: Mapper>(&self, mapper: &M, address: usize) {
        let claim =
            |entry: &AtomicUsize| entry.compare_exchange(0, address, Ordering::Release, Ordering::Relaxed).is_ok().then_some(());
        if self.left.find_or_add(mapper, claim).is_some() {
            self.left_used.fetch_add(1, Ordering::Release);
        }
    }

    /// A block that was left.
    pub(crate) fn take_left(&self) -> Option<NonNull<u8>> {
        if self.left_used.load(Ordering::Acquire) == 0 {
            return None;
        }
        let address = self.left.iter().map(|entry| entry.swap(0, Ordering::Acquire)).find(|address| *address != 0)?;
        self.left_used.fetch_sub(1, Ordering::Relaxed);
        NonNull::new(with_exposed_provenance_mut(address))
    }
}

impl Block {
    /// The chunk, if it is one.
    fn as_chunk(&self) -> Option<&Chunk> {
        let start = self.start.load(Ordering::Acquire);
        // SAFETY: chunks stay mapped, and their entries as they are.
        (start & CHUNK != 0).then(|| unsafe { Chunk::at(start & !CHUNK) })
    }

    fn replace(&self, from: usize, to: usize) -> bool {
        self.start.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}
