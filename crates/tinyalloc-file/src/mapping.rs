//! The file in memory: its pages are read from the file, and what is written to them stays in
//! memory.

use core::ops::Range;
use core::ptr::{NonNull, null_mut};
use core::slice::{from_raw_parts, from_raw_parts_mut};
use std::fs::File;
use std::io::Result;

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap};

/// What becomes writable at once. Only writable memory counts against limits of data and of
/// overcommitment.
const CHUNK_BYTES: usize = 1 << 20;
/// With more of them, all becomes writable: a process has 65,530 mappings by default.
const CHUNKS_WRITABLE_MAX: usize = 4096;

/// A range of addresses with the file in its front.
///
/// M1: the addresses are the mapping's own until it is dropped. M2: those below `mapped_bytes` show
/// the file's bytes of the same distance from the start, which the file has. M3: only those of
/// chunks in `writable` can be written to.
pub(crate) struct Mapping {
    base: NonNull<u8>,
    reserved_bytes: usize,
    mapped_bytes: usize,
    writable: Vec<bool>,
    chunks_writable: usize,
}

// SAFETY: a mapping belongs to the process; it is changed through `&mut` alone.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves addresses: as many as were asked for, or half, or half of that, but never less than
    /// `bytes_min`.
    pub(crate) fn reserve(bytes: usize, bytes_min: usize) -> Result<Mapping> {
        let mut bytes = bytes.max(bytes_min).next_multiple_of(CHUNK_BYTES);
        loop {
            // SAFETY: a new range anywhere disturbs nothing.
            match unsafe { mmap_anonymous(null_mut(), bytes, ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE) } {
                Ok(base) => {
                    let base = NonNull::new(base.cast()).ok_or(Errno::NOMEM)?;
                    return Ok(Mapping {
                        base,
                        reserved_bytes: bytes,
                        mapped_bytes: 0,
                        writable: Vec::new(),
                        chunks_writable: 0,
                    });
                }
                Err(_) if bytes / 2 >= bytes_min => bytes = (bytes / 2).next_multiple_of(CHUNK_BYTES),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    pub(crate) fn reserved_bytes(&self) -> usize {
        self.reserved_bytes
    }

    pub(crate) fn mapped_bytes(&self) -> usize {
        self.mapped_bytes
    }

    /// Maps the file up to `bytes`, which it has and which are reserved.
    pub(crate) fn extend(&mut self, file: &File, bytes: usize) -> Result<()> {
        let start = self.mapped_bytes;
        if bytes <= start {
            return Ok(());
        }
        assert!(bytes <= self.reserved_bytes, "M1");
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        // SAFETY: M1; nothing of the reserve beyond `mapped_bytes` is in use.
        unsafe { mmap(self.address(start).cast(), bytes - start, ProtFlags::READ, flags, file, start as u64) }?;
        self.mapped_bytes = bytes;
        self.writable.resize(bytes.div_ceil(CHUNK_BYTES), false);
        // The chunk that the old end was in may be writable already; now it is longer.
        let chunk = start / CHUNK_BYTES;
        if self.writable[chunk] { self.protect(chunk..chunk + 1, true) } else { Ok(()) }
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.mapped_bytes, "M2");
        // SAFETY: M2, and no code writes while `self` is shared: the opener promised it for the
        // file.
        unsafe { from_raw_parts(self.address(range.start), range.len()) }
    }

    /// Bytes that were made writable.
    pub(crate) fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        assert!(range.start <= range.end && range.end <= self.mapped_bytes, "M2");
        assert!(chunks_of(&range).all(|chunk| self.writable[chunk]), "M3");
        // SAFETY: M2 and M3, and `self` is borrowed for as long.
        unsafe { from_raw_parts_mut(self.address(range.start), range.len()) }
    }

    /// Lets a range be written to; fails if the system has no memory for that.
    pub(crate) fn make_writable(&mut self, range: Range<usize>) -> Result<()> {
        for chunk in chunks_of(&range) {
            if self.writable[chunk] {
                continue;
            }
            if self.chunks_writable >= CHUNKS_WRITABLE_MAX {
                return self.protect(0..self.writable.len(), true);
            }
            self.protect(chunk..chunk + 1, true)?;
        }
        Ok(())
    }

    /// Nothing can be written to any more. A chunk for which the system refuses that stays
    /// writable.
    pub(crate) fn make_readable(&mut self) {
        let mut start = 0;
        while let Some(first) = self.writable[start..].iter().position(|writable| *writable).map(|skipped| start + skipped) {
            let length = self.writable[first..].iter().take_while(|writable| **writable).count();
            _ = self.protect(first..first + length, false);
            start = first + length;
        }
    }

    /// Forgets what was written to a range: it shows the file again.
    pub(crate) fn discard(&mut self, range: Range<usize>) -> Result<()> {
        assert!(range.end <= self.mapped_bytes, "M2");
        // SAFETY: M1, and `self` is not shared; the file's bytes take the place of what is
        // forgotten.
        Ok(unsafe { madvise(self.address(range.start).cast(), range.len(), Advice::LinuxDontNeed) }?)
    }

    fn protect(&mut self, chunks: Range<usize>, writable: bool) -> Result<()> {
        let start = chunks.start * CHUNK_BYTES;
        let end = (chunks.end * CHUNK_BYTES).min(self.mapped_bytes);
        let rights = if writable { MprotectFlags::READ | MprotectFlags::WRITE } else { MprotectFlags::READ };
        // SAFETY: M1, and `self` is not shared.
        unsafe { mprotect(self.address(start).cast(), end - start, rights) }?;
        for chunk in &mut self.writable[chunks] {
            self.chunks_writable -= usize::from(*chunk);
            self.chunks_writable += usize::from(writable);
            *chunk = writable;
        }
        Ok(())
    }

    fn address(&self, offset: usize) -> *mut u8 {
        self.base.as_ptr().wrapping_add(offset)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: M1; what borrowed from it is gone.
        _ = unsafe { munmap(self.base.as_ptr().cast(), self.reserved_bytes) };
    }
}

fn chunks_of(range: &Range<usize>) -> Range<usize> {
    if range.is_empty() { 0..0 } else { range.start / CHUNK_BYTES..range.end.div_ceil(CHUNK_BYTES) }
}
