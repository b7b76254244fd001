//! A reserved range that is committed from its start upwards, in steps that grow with use.

use core::cell::Cell;
use core::ptr::NonNull;

use tinyalloc_sys::{MapError, Mapper};

use crate::huge_pages::HUGE_PAGE_BYTES;

/// The first step: enough for most programs, small enough for all.
const STEP_BYTES_MIN: usize = 512 * 1024;
/// The largest step, so that little is committed for nothing.
const STEP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Invariant G1: the first `committed` bytes are readable and writable, the rest up to `bytes` is reserved.
pub(crate) struct Growing {
    start: NonNull<u8>,
    bytes: usize,
    committed: Cell<usize>,
}

impl Growing {
    /// # Safety
    /// `bytes` from `start` are reserved through the mapper that later calls name, and are this range's alone.
    pub(crate) const unsafe fn new(start: NonNull<u8>, bytes: usize) -> Growing {
        Growing { start, bytes, committed: Cell::new(0) }
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn committed(&self) -> usize {
        self.committed.get()
    }

    /// Commits at least the first `bytes`, and a step more where that is to be had.
    ///
    /// # Errors
    /// [`MapError`], with nothing changed.
    pub(crate) fn commit_to<M: Mapper>(&self, mapper: &M, bytes: usize) -> Result<(), MapError> {
        let committed = self.committed.get();
        if bytes <= committed {
            return Ok(());
        }
        if bytes > self.bytes {
            return Err(MapError::OutOfMemory);
        }
        let step = (committed / 4).clamp(STEP_BYTES_MIN, STEP_BYTES_MAX);
        let generous = self.page_end(mapper, self.huge_page_end(bytes.max(committed + step), step));
        let exact = self.page_end(mapper, bytes);
        self.commit_exactly(mapper, generous).or_else(|_| self.commit_exactly(mapper, exact))
    }

    /// Large steps end where huge pages do.
    fn huge_page_end(&self, bytes: usize, step: usize) -> usize {
        if step < HUGE_PAGE_BYTES {
            return bytes;
        }
        let start = self.start.as_ptr().addr();
        (start + bytes).next_multiple_of(HUGE_PAGE_BYTES) - start
    }

    fn page_end<M: Mapper>(&self, mapper: &M, bytes: usize) -> usize {
        bytes.next_multiple_of(mapper.page_bytes()).min(self.bytes)
    }

    fn commit_exactly<M: Mapper>(&self, mapper: &M, bytes: usize) -> Result<(), MapError> {
        let committed = self.committed.get();
        // SAFETY: G1.
        let from = unsafe { self.start.add(committed) };
        // SAFETY: G1, and the range is reserved.
        unsafe { mapper.commit(from, bytes - committed) }?;
        self.committed.set(bytes);
        Ok(())
    }

    /// Leaves what lies beyond `bytes` unused for now, though it is committed already.
    pub(crate) fn forget_beyond(&self, bytes: usize) {
        self.committed.set(self.committed.get().min(bytes));
    }
}
