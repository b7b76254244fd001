//! The file in the address space: which part of it is where, and what is done to both at once.
//!
//! Whatever is mapped starts on a multiple of a chunk, so that two mappings never share one, and
//! every address of a chunk of address space has its place in the same chunk of the file.

use core::ffi::c_void;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use libc::{
    MAP_ANON, MAP_FAILED, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_NORESERVE, MAP_PRIVATE, MREMAP_FIXED, MREMAP_MAYMOVE, PROT_NONE,
    mmap, mremap, munmap,
};

use super::backing::Backing;
use super::chunks::{CHUNK_BYTES, Chunks};
use super::extents::{Extent, Extents};
use super::failure::FileFailure;
use crate::align::round_down;
use crate::mapper::{MapError, Mapper, Protection};
use crate::posix::PosixMapper;
use crate::system_calls::SystemCall;

pub(super) const ADDRESSES: PosixMapper = PosixMapper::new();

/// Why there is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Addresses(MapError),
    File(FileFailure),
}

impl From<MapError> for Refusal {
    fn from(error: MapError) -> Refusal {
        Refusal::Addresses(error)
    }
}

impl From<FileFailure> for Refusal {
    fn from(failure: FileFailure) -> Refusal {
        Refusal::File(failure)
    }
}

/// Invariants. M1: an extent's addresses are mapped to its part of the file. M2: a chunk is taken
/// while an extent shows a part of it, and where no extent shows it, it reads as zero.
pub(super) struct Mapping {
    backing: Backing,
    extents: Extents,
    chunks: Chunks,
}

impl Mapping {
    pub(super) const fn new(backing: Backing) -> Mapping {
        Mapping { backing, extents: Extents::new(), chunks: Chunks::new() }
    }

    pub(super) fn backing(&self) -> &Backing {
        &self.backing
    }

    pub(super) fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, Refusal> {
        let start = ADDRESSES.reserve(bytes, align.max(CHUNK_BYTES))?;
        start.as_ptr().expose_provenance();
        Ok(start)
    }

    pub(super) fn map(&mut self, bytes: usize, align: usize) -> Result<NonNull<u8>, Refusal> {
        let start = self.reserve(bytes, align)?;
        let address = start.addr().get();
        if let Err(refusal) = self.commit(address, address + bytes) {
            unmap(address, bytes);
            return Err(refusal);
        }
        Ok(start)
    }

    /// Puts the file behind reserved addresses; those that show it already go on doing so.
    pub(super) fn commit(&mut self, start: usize, end: usize) -> Result<(), Refusal> {
        let was_reserved = self.extents.piece(start, end).is_none();
        let mut from = start;
        while from < end {
            let to = end.min(chunk_of(from) + CHUNK_BYTES);
            if let Err(refusal) = self.commit_in_chunk(from, to) {
                if was_reserved {
                    hide(start, to - start);
                    self.release_addresses(start, from);
                }
                return Err(refusal);
            }
            from = to;
        }
        Ok(())
    }

    fn commit_in_chunk(&mut self, from: usize, to: usize) -> Result<(), Refusal> {
        self.extents.make_room()?;
        let chunk = chunk_of(from);
        let known = self.offset_of(chunk);
        let offset = match known {
            Some(offset) => offset,
            None => self.chunks.take(self.offset_of(chunk.saturating_sub(CHUNK_BYTES)).map(|before| before + CHUNK_BYTES))?,
        };
        let extent = Extent::new(from, to - from, offset + (from - chunk));
        if let Err(failure) = self.backing.show(&extent) {
            if known.is_none() {
                self.give_chunk(offset);
            }
            return Err(failure.into());
        }
        self.extents.remove(from, to);
        self.extents.insert(extent);
        Ok(())
    }

    /// Takes the space behind addresses back; they show zeros then.
    pub(super) fn decommit(&self, start: usize, end: usize) -> Result<(), Refusal> {
        Ok(self.extents.pieces(start, end).try_for_each(|piece| self.backing.punch(&piece))?)
    }

    /// Sees to it that there is space behind addresses where it was taken back.
    pub(super) fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), Refusal> {
        let address = start.addr().get();
        self.extents.pieces(address, address + bytes).try_for_each(|piece| self.backing.allocate(&piece))?;
        // SAFETY: the addresses are the caller's, and more rights break no access.
        Ok(unsafe { ADDRESSES.protect(start, bytes, Protection::ReadWrite) }?)
    }

    /// Releases addresses, and what of the file they show.
    pub(super) fn release(&mut self, start: NonNull<u8>, bytes: usize) -> Result<(), Refusal> {
        let address = start.addr().get();
        self.extents.make_room()?;
        // SAFETY: the addresses are the caller's, who uses them no more.
        if let Err(refused) = unsafe { release_addresses(start, bytes) } {
            // The process may have no mapping more, and munmap would have split one: at least the
            // space goes back.
            let _ = self.decommit(address, address + bytes);
            return Err(refused.into());
        }
        self.release_addresses(address, address + bytes);
        Ok(())
    }

    /// Addresses do not show the file any more: the space goes back, and with the last of it the
    /// chunk. There is room.
    fn release_addresses(&mut self, start: usize, end: usize) {
        let mut from = start;
        while let Some(piece) = self.extents.piece(from, end) {
            let chunk = chunk_of(piece.start());
            let part = Extent::new(piece.start(), piece.end().min(chunk + CHUNK_BYTES) - piece.start(), piece.offset());
            self.extents.remove(part.start(), part.end());
            if self.offset_of(chunk).is_none() {
                self.give_chunk(part.offset() - (part.start() - chunk));
            } else {
                // Space that stays is a waste, no more: it is taken again with the rest of its
                // chunk.
                let _ = self.backing.punch(&part);
            }
            from = part.end();
        }
    }

    /// Should the file system refuse, the chunk stays taken: what it holds may not be zero (M2).
    fn give_chunk(&mut self, offset: usize) {
        if self.backing.punch(&Extent::new(0, CHUNK_BYTES, offset)).is_ok() {
            self.chunks.give(offset);
        }
    }

    /// The place in the file of a chunk of address space, if it has one.
    fn offset_of(&self, chunk: usize) -> Option<usize> {
        self.extents.piece(chunk, chunk + CHUNK_BYTES).map(|piece| piece.offset() - (piece.start() - chunk))
    }
}

/// Mappings that change their size.
impl Mapping {
    pub(super) fn remap(&mut self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, Refusal> {
        if new_bytes == 0 {
            return Err(MapError::Unavailable.into());
        }
        if new_bytes <= bytes {
            // SAFETY: the mapping is so large.
            let tail = unsafe { start.add(new_bytes) };
            return if new_bytes == bytes { Ok(start) } else { self.release(tail, bytes - new_bytes).map(|()| start) };
        }
        let end = start.addr().get() + bytes;
        if !reserve_at(end, new_bytes - bytes) {
            return self.move_and_grow(start, bytes, new_bytes);
        }
        let grown = self.commit(end, end + (new_bytes - bytes));
        if grown.is_err() {
            unmap(end, new_bytes - bytes);
        }
        grown.map(|()| start)
    }

    /// Shows the same part of the file, and more, elsewhere: nothing is copied.
    fn move_and_grow(&mut self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, Refusal> {
        let from = start.addr().get();
        let moved = self.reserve(new_bytes, CHUNK_BYTES)?;
        let to = moved.addr().get();
        let shown = self.show_twice(from, to, bytes).and_then(|()| self.commit(to + bytes, to + new_bytes));
        if let Err(refusal) = shown.and_then(|()| self.leave(from, to, bytes)) {
            unmap(to, new_bytes);
            self.extents.remove(to, to + bytes);
            self.release_addresses(to + bytes, to + new_bytes);
            return Err(refusal);
        }
        self.extents.remove(from, from + bytes);
        Ok(moved)
    }

    fn show_twice(&mut self, from: usize, to: usize, bytes: usize) -> Result<(), Refusal> {
        let mut at = from;
        while let Some(piece) = self.extents.piece(at, from + bytes) {
            // One for this piece, and one for each of the removals that may follow.
            self.extents.make_room()?;
            let twin = Extent::new(to + (piece.start() - from), piece.bytes(), piece.offset());
            self.backing.show_again(&twin)?;
            self.extents.insert(twin);
            at = piece.end();
        }
        Ok(self.extents.make_room()?)
    }

    /// Gives addresses up whose part of the file is shown elsewhere. Mostly it is in one piece,
    /// whose pages are taken along, and need not be found again one by one.
    fn leave(&self, from: usize, to: usize, bytes: usize) -> Result<(), Refusal> {
        let whole = self.extents.piece(from, from + bytes).filter(|piece| piece.bytes() == bytes);
        if let Some(piece) = whole {
            if move_pages(&piece, to) {
                return Ok(());
            }
            self.backing.show_again(&Extent::new(to, bytes, piece.offset()))?;
        }
        unmap(from, bytes);
        Ok(())
    }
}

/// In the child of a fork.
impl Mapping {
    /// Copies all that the file holds to memory of this process alone.
    pub(super) fn detach(&self) -> Result<(), MapError> {
        self.extents.iter().try_for_each(|extent| self.backing.detach(&extent))
    }

    /// Leaves the file to the parent: it can be read, and every write faults.
    pub(super) fn protect(&self) -> Result<(), MapError> {
        self.extents.iter().try_for_each(|extent| {
            let start = NonNull::new(with_exposed_provenance_mut(extent.start())).ok_or(MapError::Unavailable)?;
            // SAFETY: a write there is to fault.
            unsafe { ADDRESSES.protect(start, extent.bytes(), Protection::Read) }
        })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.backing.close();
    }
}

const fn chunk_of(address: usize) -> usize {
    round_down(address, CHUNK_BYTES)
}

fn to_pointer(address: usize) -> *mut c_void {
    with_exposed_provenance_mut(address)
}

/// # Safety
/// The addresses are the caller's, who uses them no more.
unsafe fn release_addresses(start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
    SystemCall::Munmap.count();
    // SAFETY: the caller's promise.
    let status = unsafe { munmap(start.as_ptr().cast(), bytes) };
    if status == 0 { Ok(()) } else { Err(MapError::OutOfMemory) }
}

/// Releases addresses that no other code knows.
fn unmap(start: usize, bytes: usize) {
    SystemCall::Munmap.count();
    // SAFETY: no code uses them.
    unsafe { munmap(to_pointer(start), bytes) };
}

/// Makes addresses what they were when they were reserved.
fn hide(start: usize, bytes: usize) {
    SystemCall::Mmap.count();
    let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE | MAP_FIXED;
    // SAFETY: no code uses them. Should it be refused, they go on showing the file.
    unsafe { mmap(to_pointer(start), bytes, PROT_NONE, flags, -1, 0) };
}

/// Reserves just these addresses; false where something else is.
fn reserve_at(start: usize, bytes: usize) -> bool {
    SystemCall::Mmap.count();
    let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    // SAFETY: a new mapping, which replaces none.
    let reserved = unsafe { mmap(to_pointer(start), bytes, PROT_NONE, flags, -1, 0) };
    // Kernels before 4.17 take the address for a hint.
    let is_there = reserved.addr() == start;
    if reserved != MAP_FAILED && !is_there {
        unmap(reserved.expose_provenance(), bytes);
    }
    is_there
}

/// Moves the pages of a mapping over another that shows the same; false where that is refused.
fn move_pages(piece: &Extent, to: usize) -> bool {
    SystemCall::Mremap.count();
    let (from, bytes) = (to_pointer(piece.start()), piece.bytes());
    // SAFETY: both mappings are the caller's.
    let moved = unsafe { mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to_pointer(to)) };
    moved != MAP_FAILED
}
