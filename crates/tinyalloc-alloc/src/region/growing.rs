//! A range that is committed from its start upwards, in steps that grow with use: one that was
//! reserved, or a place in a room, of which nothing is taken before it is needed.

use core::cell::Cell;
use core::ptr::NonNull;

use tinyalloc_sys::{MapError, Mapper};

use super::huge_pages::HUGE_PAGE_BYTES;
use crate::config::names::MappingName;
use crate::config::policy::STEP_BYTES_MAX;
use crate::support::fields::{Field, fields};

/// How a range comes by what it has not committed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    /// It is reserved.
    Reserved,
    /// It is claimed piece by piece: see [`Mapper::room`].
    Room,
}

/// Invariant G1: the first `committed` bytes are readable and writable, the rest up to `bytes` is
/// reserved, or used by no other part of this allocator. `bytes` shrinks where a room ends earlier.
pub(crate) struct Growing {
    start: NonNull<u8>,
    bytes: Cell<usize>,
    first_step: u32,
    backing: Backing,
    name: MappingName,
    mapped: Cell<usize>,
    committed: Cell<usize>,
}

impl Growing {
    /// # Safety
    /// `bytes` from `start` are reserved through the mapper that later calls name, or lie in a room
    /// that it named, and are this range's alone.
    pub(crate) const unsafe fn new(
        start: NonNull<u8>,
        bytes: usize,
        first_step: u32,
        backing: Backing,
        name: MappingName,
    ) -> Growing {
        Growing { start, bytes: Cell::new(bytes), first_step, backing, name, mapped: Cell::new(0), committed: Cell::new(0) }
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    pub(crate) fn committed(&self) -> usize {
        self.committed.get()
    }

    /// Bytes of address space that are taken.
    pub(crate) fn mapped(&self) -> usize {
        match self.backing {
            Backing::Reserved => self.bytes.get(),
            Backing::Room => self.mapped.get(),
        }
    }

    /// Commits at least the first `bytes`, and a step more where that is to be had.
    ///
    /// # Errors
    /// [`MapError`], with nothing changed.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn commit_to<M: Mapper>(&self, mapper: &M, bytes: usize) -> Result<(), MapError> {
        let committed = self.committed.get();
        if bytes <= committed {
            return Ok(());
        }
        if bytes > self.bytes.get() {
            return Err(self.at_the_end());
        }
        let step = (committed / 4).max(self.first_step as usize).min(STEP_BYTES_MAX);
        let generous = self.page_end(mapper, self.huge_page_end(bytes.max(committed + step), step));
        let exact = self.page_end(mapper, bytes);
        let committed = self.commit_exactly(mapper, generous).or_else(|_| self.commit_exactly(mapper, exact));
        if self.backing == Backing::Room && committed == Err(MapError::Unavailable) {
            // Another mapping lies behind, and every request would try again.
            self.bytes.set(self.mapped.get());
        }
        committed
    }

    /// What it means that there is no more of the range.
    fn at_the_end(&self) -> MapError {
        match self.backing {
            Backing::Reserved => MapError::OutOfMemory,
            Backing::Room => MapError::Unavailable,
        }
    }

    /// Large steps end where huge pages do.
    fn huge_page_end(&self, bytes: usize, step: usize) -> usize {
        if step < HUGE_PAGE_BYTES {
            return bytes;
        }
        let start = self.start.as_ptr().addr();
        (start + bytes).next_multiple_of(HUGE_PAGE_BYTES) - start
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn page_end<M: Mapper>(&self, mapper: &M, bytes: usize) -> usize {
        mapper.page_ceiling(bytes).min(self.bytes.get())
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn commit_exactly<M: Mapper>(&self, mapper: &M, bytes: usize) -> Result<(), MapError> {
        // What was forgotten is committed already.
        let before = self.mapped.get();
        if bytes > before {
            // SAFETY: G1.
            let from = unsafe { self.start.add(before) };
            match self.backing {
                // SAFETY: G1, and the range is reserved.
                Backing::Reserved => unsafe { mapper.commit(from, bytes - before) }?,
                // SAFETY: G1, and the range lies in the room.
                Backing::Room => unsafe { mapper.claim(from, bytes - before) }?,
            }
            self.mapped.set(bytes);
            // With the name of what lies before, the new piece becomes one mapping with that.
            self.name.give(mapper, self.start, bytes);
        }
        self.committed.set(bytes);
        Ok(())
    }

    /// Releases what was taken of a room. The range is not used again.
    pub(crate) fn release<M: Mapper>(&self, mapper: &M) {
        if self.backing == Backing::Room && self.mapped.get() > 0 {
            // SAFETY: G1; no other code knows the range. Refused, it stays unused.
            let _ = unsafe { mapper.release(self.start, self.mapped.get()) };
        }
    }

    /// Leaves what lies beyond `bytes` unused for now, though it is committed already.
    pub(crate) fn forget_beyond(&self, bytes: usize) {
        self.committed.set(self.committed.get().min(bytes));
    }
}

impl Growing {
    /// For debuggers.
    pub(crate) const FIELDS: &'static [Field] = fields!("part", Growing: start committed);
}
