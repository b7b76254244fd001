//! What serves a thread that cannot wait for a lock: a signal handler that interrupted the allocator, and whoever meets a fork that lasts
//! (see `lock.rs`). Slots set aside, mappings of their own, and a place to leave what is to be freed. Nothing
//! here takes a lock, not even the mapper's.

use core::iter::from_fn;
use core::ptr::{NonNull, null_mut, with_exposed_provenance_mut};
use core::slice::from_raw_parts;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use crate::span::record::{Span, SpanRef};

/// Entries that every process has; more lie on pages.
const BLOCKS_AT_FIRST: usize = 64;
const LEFT_AT_FIRST: usize = 64;
/// The smallest page of any system.
const TABLE_PAGE_BYTES: usize = 4096;

/// A mapping that serves one request; `start` is 0 while the entry is free, and 1 while it changes.
#[repr(C)]
struct Block {
    start: AtomicUsize,
    bytes: AtomicUsize,
}

const FREE: usize = 0;
const CHANGING: usize = 1;

/// Entries of which zero is a valid state: `FIRST` of them, and as many more as were ever wanted at a time, on pages that stay.
///
/// Invariant Y1: `more` and every page's `next` are null or point at a page that was mapped for this table, and stays mapped.
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
            // SAFETY: nobody else knows of the page, and zero is a valid one.
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
    blocks_used: AtomicUsize,
    left_used: AtomicUsize,
    blocks: Table<Block, BLOCKS_AT_FIRST>,
    left: Table<AtomicUsize, LEFT_AT_FIRST>,
}

impl Emergency {
    pub(crate) const fn new() -> Emergency {
        Emergency {
            slots: AtomicPtr::new(null_mut()),
            blocks: Table::new([const { Block { start: AtomicUsize::new(FREE), bytes: AtomicUsize::new(0) } }; BLOCKS_AT_FIRST]),
            blocks_used: AtomicUsize::new(0),
            left: Table::new([const { AtomicUsize::new(0) }; LEFT_AT_FIRST]),
            left_used: AtomicUsize::new(0),
        }
    }

    pub(crate) fn set_slots(&self, span: SpanRef) {
        self.slots.store(span.as_ptr(), Ordering::Release);
    }

    /// A slot, or a mapping; zeroed only if it is a mapping.
    pub(crate) fn allocate<M: Mapper>(&self, mapper: &M, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        self.allocate_slot(bytes, align).or_else(|| self.allocate_block(mapper, bytes, align))
    }

    fn allocate_slot(&self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let record = NonNull::new(self.slots.load(Ordering::Acquire))?;
        // SAFETY: only `set_slots` stores there, a record (S1).
        let span = unsafe { SpanRef::from_raw(record.as_ptr()) };
        (bytes.max(align) <= span.slot_bytes()).then(|| span.emergency_claim()).flatten()
    }

    /// A mapping that reads as zero.
    pub(crate) fn allocate_block<M: Mapper>(&self, mapper: &M, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        // As an address: a closure that passes the entry on would have to say how long it lives.
        let claim = |block: &Block| block.replace(FREE, CHANGING).then_some(NonNull::from(block));
        let claimed = self.blocks.find_or_add(mapper, claim)?;
        // SAFETY: an entry of the table (Y1).
        let block = unsafe { claimed.as_ref() };
        let bytes = bytes.max(1).checked_next_multiple_of(mapper.page_bytes());
        let mapped = bytes.and_then(|bytes| Some((mapper.map_apart(bytes, align.max(mapper.page_bytes())).ok()?, bytes)));
        let Some((start, bytes)) = mapped else {
            block.start.store(FREE, Ordering::Release);
            return None;
        };
        block.bytes.store(bytes, Ordering::Relaxed);
        block.start.store(start.as_ptr().expose_provenance(), Ordering::Release);
        self.blocks_used.fetch_add(1, Ordering::Release);
        Some(start)
    }

    /// Usable bytes of the mapping at `address`, if there is one.
    pub(crate) fn block_bytes(&self, address: usize) -> Option<usize> {
        self.find(address).map(|block| block.bytes.load(Ordering::Relaxed))
    }

    /// Releases the mapping at `address`; false if there is none.
    pub(crate) fn release_block<M: Mapper>(&self, mapper: &M, address: usize) -> bool {
        let Some(block) = self.find(address).filter(|block| block.replace(address, CHANGING)) else {
            return false;
        };
        let bytes = block.bytes.load(Ordering::Relaxed);
        if let Some(start) = NonNull::new(with_exposed_provenance_mut(address)) {
            // SAFETY: the mapping is ours, whole, and nobody else took the entry. A refusal leaves it decommitted and unused.
            let _ = unsafe { mapper.release_apart(start, bytes) };
        }
        self.blocks_used.fetch_sub(1, Ordering::Relaxed);
        block.start.store(FREE, Ordering::Release);
        true
    }

    fn find(&self, address: usize) -> Option<&Block> {
        if self.blocks_used.load(Ordering::Acquire) == 0 || address <= CHANGING {
            return None;
        }
        self.blocks.iter().find(|block| block.start.load(Ordering::Acquire) == address)
    }

    /// Leaves a block to be freed by whoever takes the lock next. Should there be no memory to note it in, the block is lost: better than a
    /// deadlock.
    pub(crate) fn leave<M: Mapper>(&self, mapper: &M, address: usize) {
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
    fn replace(&self, from: usize, to: usize) -> bool {
        self.start.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}
