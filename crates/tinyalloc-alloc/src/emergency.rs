//! What a signal handler gets when it interrupted the allocator: slots set aside, mappings of their own, and a place to leave what
//! it frees. Nothing here takes a lock.

use core::ptr::{NonNull, null_mut, with_exposed_provenance_mut};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use tinyalloc_sys::Mapper;

use crate::span::{Span, SpanRef};

const BLOCKS_MAX: usize = 64;
const LEFT_MAX: usize = 64;

/// A mapping that serves one request; `start` is 0 while the entry is free, and 1 while it changes.
struct Block {
    start: AtomicUsize,
    bytes: AtomicUsize,
}

const FREE: usize = 0;
const CHANGING: usize = 1;

#[repr(C)]
pub(crate) struct Emergency {
    slots: AtomicPtr<Span>,
    blocks_used: AtomicUsize,
    left_used: AtomicUsize,
    blocks: [Block; BLOCKS_MAX],
    left: [AtomicUsize; LEFT_MAX],
}

impl Emergency {
    pub(crate) const fn new() -> Emergency {
        Emergency {
            slots: AtomicPtr::new(null_mut()),
            blocks: [const { Block { start: AtomicUsize::new(FREE), bytes: AtomicUsize::new(0) } }; BLOCKS_MAX],
            blocks_used: AtomicUsize::new(0),
            left: [const { AtomicUsize::new(0) }; LEFT_MAX],
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

    fn allocate_block<M: Mapper>(&self, mapper: &M, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let block = self.blocks.iter().find(|block| block.replace(FREE, CHANGING))?;
        let bytes = bytes.max(1).checked_next_multiple_of(mapper.page_bytes());
        let mapped = bytes.and_then(|bytes| Some((mapper.map(bytes, align.max(mapper.page_bytes())).ok()?, bytes)));
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
            let _ = unsafe { mapper.release(start, bytes) };
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

    /// Leaves a block to be freed by whoever takes the lock next. Should there be no room, the block is lost: better than a deadlock.
    pub(crate) fn leave(&self, address: usize) {
        let room =
            self.left.iter().find(|entry| entry.compare_exchange(0, address, Ordering::Release, Ordering::Relaxed).is_ok());
        if room.is_some() {
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
