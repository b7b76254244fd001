//! What the engine asks of an operating system: address space, and memory to put behind it.

use core::ffi::CStr;
use core::fmt::{Display, Formatter, Result as FmtResult};
use core::ptr::NonNull;

use crate::align::round_down;

/// Why the operating system refused a [`Mapper`] call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// No memory, no address space, or too many mappings (`ENOMEM`, `EAGAIN`).
    OutOfMemory,
    /// The call is not available here: a sandbox, an old kernel, a locked range (`EPERM`, `ENOSYS`,
    /// `EINVAL`).
    Unavailable,
}

impl Display for MapError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str(match self {
            MapError::OutOfMemory => "out of memory or address space",
            MapError::Unavailable => "not available on this system",
        })
    }
}

/// Access rights of a mapped range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Every access faults.
    None,
    /// Reads only.
    Read,
    /// Reads and writes.
    ReadWrite,
}

/// Where the pages of a range come from, on a machine whose memory has several nodes (NUMA).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// From this node, and from others where it has none left.
    Node(u32),
    /// From all nodes that the process may use, by turns.
    Interleaved,
}

/// An operating system, or a test double of one.
///
/// Every range is given in bytes, starts on a page and is a whole number of pages, unless said
/// otherwise. No call changes `errno`, allocates, or takes a lock of the C library.
///
/// # Safety
/// An implementation promises that a range it returned is exclusively the caller's until the caller
/// releases it.
pub unsafe trait Mapper {
    /// Whether a decommitted range must be untrapped before it is used: the memory for it may be
    /// gone then, and accesses may fault.
    const RECOMMITS: bool = false;

    /// Whether a fork holds a lock that calls wait for, and are refused if it lasts: all but those
    /// for memory apart. A caller that must not be refused sees to it that no fork comes in
    /// between.
    const LOCKED_BY_FORKS: bool = false;

    /// Whether [`Mapper::remap`] may succeed.
    const REMAPS: bool = true;

    /// Bytes of one page of memory: a power of two.
    fn page_bytes(&self) -> usize;

    /// The bytes of the pages that `bytes` need, which is less than the address space has.
    #[inline(never)]
    fn page_ceiling(&self, bytes: usize) -> usize {
        let page_bytes = self.page_bytes();
        round_down(bytes + (page_bytes - 1), page_bytes)
    }

    /// The most address space this process may still hope for, in bytes (on POSIX, the soft
    /// `RLIMIT_AS`); `usize::MAX` when unlimited.
    fn address_space_bytes(&self) -> usize;

    /// Reserves `bytes` of address space, aligned to `align` (a power of two), with no memory
    /// behind it: any access faults.
    ///
    /// # Errors
    /// [`MapError`] when the address space cannot be had.
    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError>;

    /// A place to grow into: an address, aligned to `align`, with `bytes` of address space behind
    /// it that are probably unused. Nothing is reserved, so it costs nothing, and others may come
    /// first: see [`Mapper::claim`]. Every call names another place. `None` where there is none of
    /// that size, or none at all.
    fn room(&self, _bytes: usize, _align: usize) -> Option<NonNull<u8>> {
        None
    }

    /// Reserves and commits exactly this range, in a [`Mapper::room`]; the memory reads as zero.
    ///
    /// # Errors
    /// [`MapError`], [`MapError::Unavailable`] if a part of the range is taken; nothing is changed
    /// then.
    ///
    /// # Safety
    /// The range lies in a room that this mapper named.
    unsafe fn claim(&self, _start: NonNull<u8>, _bytes: usize) -> Result<(), MapError> {
        Err(MapError::Unavailable)
    }

    /// Reserves and commits `bytes` in one call, aligned to `align`; the memory reads as zero.
    ///
    /// # Errors
    /// [`MapError`] when it cannot be had.
    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError>;

    /// As [`Mapper::map`], of memory that no lock of this mapper's is needed for, also while
    /// another thread forks; the child has a copy.
    ///
    /// # Errors
    /// [`MapError`] when it cannot be had.
    fn map_apart(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.map(bytes, align)
    }

    /// Puts memory behind a reserved range; what was never committed reads as zero.
    ///
    /// # Errors
    /// [`MapError`]; the range is then as it was.
    ///
    /// # Safety
    /// The range lies within one that this mapper returned and that was not released.
    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError>;

    /// Decommits the memory and keeps the range accessible, unless [`Mapper::RECOMMITS`]: the next
    /// read sees zero.
    ///
    /// # Errors
    /// [`MapError`]; the contents are then unspecified: as they were, or zero.
    ///
    /// # Safety
    /// The range was committed and nothing in it is still wanted.
    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError>;

    /// Asks for huge pages behind a range, or for small ones. Advice: nothing depends on it.
    ///
    /// # Errors
    /// [`MapError`], always where there is no such advice.
    ///
    /// # Safety
    /// The range lies within one that this mapper returned and that was not released.
    unsafe fn prefer_huge_pages(&self, _start: NonNull<u8>, _bytes: usize, _preferred: bool) -> Result<(), MapError> {
        Err(MapError::Unavailable)
    }

    /// The node of memory that is near to the processor which the calling thread runs on. Cheap:
    /// no system call.
    fn node(&self) -> u32 {
        0
    }

    /// The nodes whose memory the process may use, a bit each, of the first 64; none where the
    /// system refuses to say.
    fn nodes(&self) -> u64 {
        1
    }

    /// Says where the pages of a range are to come from that are touched from now on.
    ///
    /// # Errors
    /// [`MapError`], always where there is no such call; the range is then as it was.
    ///
    /// # Safety
    /// The range lies within one that this mapper returned and that was not released.
    unsafe fn place(&self, _start: NonNull<u8>, _bytes: usize, _placement: Placement) -> Result<(), MapError> {
        Err(MapError::Unavailable)
    }

    /// Decommits the memory and makes every access fault, until [`Mapper::untrap`].
    ///
    /// # Errors
    /// [`MapError`]; the contents are then unspecified, and accesses may fault or not.
    ///
    /// # Safety
    /// The range was committed and nothing in it is still wanted.
    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.decommit(start, bytes) }?;
        // SAFETY: the caller's promise.
        unsafe { self.protect(start, bytes, Protection::None) }
    }

    /// As [`Mapper::trap`], by access rights, which every system and every reader of a process's
    /// memory understands: what may be done unasked. It may split a mapping in three, so that
    /// callers see to it that there are not too many such ranges.
    ///
    /// # Errors
    /// [`MapError`], always where traps cost more; nothing faults then, and the contents are
    /// unspecified: as they were, or zero.
    ///
    /// # Safety
    /// The range was committed and nothing in it is still wanted.
    unsafe fn trap_by_rights(&self, _start: NonNull<u8>, _bytes: usize) -> Result<(), MapError> {
        Err(MapError::Unavailable)
    }

    /// Makes trapped ranges, and whatever lies between them, accessible again: what was trapped
    /// reads as zero.
    ///
    /// # Errors
    /// [`MapError`]; parts of the range may then still fault.
    ///
    /// # Safety
    /// The range was committed.
    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise; more rights break no access.
        unsafe { self.protect(start, bytes, Protection::ReadWrite) }
    }

    /// Changes the access rights of a range.
    ///
    /// # Errors
    /// [`MapError`]; the range is then as it was.
    ///
    /// # Safety
    /// The range lies within one that this mapper returned, or is the caller's otherwise, and no
    /// code relies on rights that are taken away.
    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError>;

    /// Keeps a range as it is, for as long as the process lives: its access rights can no longer be
    /// changed, nor can it be unmapped, moved or, if it cannot be written, discarded. The program's
    /// own calls are refused with `EPERM`, too; see mseal(2).
    ///
    /// # Errors
    /// [`MapError`], always where there is no such call; the range is then as it was.
    ///
    /// # Safety
    /// The range is the caller's, who keeps it for good.
    unsafe fn seal(&self, _start: NonNull<u8>, _bytes: usize) -> Result<(), MapError> {
        Err(MapError::Unavailable)
    }

    /// Names a range for readers of the process's mappings (`/proc/PID/maps`), where names are
    /// wanted and the system has them; whether the range has its name. Nothing depends on it.
    /// Mappings keep it when they grow or move. Neighbours of one name are one mapping, of two they
    /// are two.
    fn name(&self, _start: NonNull<u8>, _bytes: usize, _name: &CStr) -> bool {
        false
    }

    /// Releases memory and address space.
    ///
    /// # Errors
    /// [`MapError`]; the range is then still mapped.
    ///
    /// # Safety
    /// The range is one that this mapper returned, or whole pages of it, and is not used again.
    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError>;

    /// Releases what came from [`Mapper::map_apart`], without a lock of this mapper's.
    ///
    /// # Errors
    /// [`MapError`]; the range is then still mapped.
    ///
    /// # Safety
    /// The range is a whole one that `map_apart` returned, and is not used again.
    unsafe fn release_apart(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.release(start, bytes) }
    }

    /// Grows or shrinks a mapping made by [`Mapper::map`], moving it where it must; the contents
    /// move along, and new bytes read as zero.
    ///
    /// # Errors
    /// [`MapError`]; the mapping is then as it was.
    ///
    /// # Safety
    /// `start` and `bytes` are a whole mapping from [`Mapper::map`] or an earlier `remap`; after
    /// success only the returned range is used.
    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError>;

    /// Milliseconds of a clock that never runs backwards and is cheap to read; its start is
    /// arbitrary.
    fn now_milliseconds(&self) -> u64;

    /// A number that differs from process to process and cannot be guessed.
    fn random(&self) -> u64;
}
