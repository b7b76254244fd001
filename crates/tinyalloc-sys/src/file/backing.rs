//! The open file: space in it, and out of it again.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::with_exposed_provenance_mut;

use libc::{
    EBADF, EFBIG, EINTR, ENXIO, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, MAP_ANON, MAP_FAILED, MAP_FIXED, MAP_PRIVATE,
    MAP_SHARED, PROT_READ, PROT_WRITE, SEEK_DATA, SEEK_HOLE, dev_t, fallocate, fstat, ftruncate, ino_t, lseek, mmap, off_t,
    pread, stat,
};

use super::extents::Extent;
use super::failure::{FileFailure, FileStep, errno};
use super::limit::file_bytes_limit;
use super::place::{FilePlace, close_file};
use crate::mapper::{MapError, Mapper};
use crate::posix::PosixMapper;
use crate::system_calls::SystemCall;

/// A file system that is interrupted all the time is not ours to wait for.
const ATTEMPTS: usize = 8;
const BLOCK_BYTES: usize = 512;

/// Invariant Z1: whatever is not shown by an extent reads as zero.
pub(super) struct Backing {
    file: c_int,
    device: dev_t,
    inode: ino_t,
    sparse: bool,
}

impl Backing {
    /// Opens the file, and tries whether its file system can do what is asked of it.
    pub(super) fn open(place: &FilePlace, sparse: bool) -> Result<Backing, FileFailure> {
        let file = place.open()?;
        let backing = identity(file).map(|(device, inode)| Backing { file, device, inode, sparse });
        let tried = backing.and_then(|backing| {
            let page = Extent::new(0, PosixMapper::new().page_bytes(), 0);
            punch(file, &page).map_err(|errno| FileFailure::new(FileStep::Punch, errno)).map(|()| backing)
        });
        if tried.is_err() {
            close_file(file);
        }
        tried
    }

    pub(super) fn close(&self) {
        if self.find().is_ok() {
            close_file(self.file);
        }
    }

    /// Bytes of the disk that the file takes.
    pub(super) fn disk_bytes(&self) -> usize {
        let blocks = status(self.file).map_or(0, |status| usize::try_from(status.st_blocks).unwrap_or(0));
        blocks * BLOCK_BYTES
    }

    /// Shows a part of the file at its addresses, and sees to it that there is space for it: later
    /// it would be too late to refuse.
    pub(super) fn show(&self, extent: &Extent) -> Result<(), FileFailure> {
        self.allocate(extent)?;
        show_file(extent, self.file).map_err(|_| FileFailure::new(FileStep::Grow, errno()))
    }

    /// As [`Backing::show`], of what has its space.
    pub(super) fn show_again(&self, extent: &Extent) -> Result<(), FileFailure> {
        self.find()?;
        show_file(extent, self.file).map_err(|_| FileFailure::new(FileStep::Grow, errno()))
    }

    /// Sees to it that there is space for a part of the file; what is there stays.
    pub(super) fn allocate(&self, extent: &Extent) -> Result<(), FileFailure> {
        self.find()?;
        let end = extent.offset() + extent.bytes();
        if end as u64 > file_bytes_limit() {
            return Err(FileFailure::new(FileStep::Grow, EFBIG));
        }
        let grown = if self.sparse { self.reach(end) } else { patiently(|| allocate(self.file, 0, extent)) };
        grown.map_err(|errno| FileFailure::new(FileStep::Grow, errno))
    }

    /// Takes the space of a part of the file back: it reads as zero then.
    pub(super) fn punch(&self, extent: &Extent) -> Result<(), FileFailure> {
        self.find()?;
        punch(self.file, extent).map_err(|errno| FileFailure::new(FileStep::Punch, errno))
    }

    /// Copies a part of the file to memory of this process alone, at the same addresses.
    pub(super) fn detach(&self, extent: &Extent) -> Result<(), MapError> {
        show_anonymous(extent)?;
        let mut offset = extent.offset();
        let end = extent.offset() + extent.bytes();
        while let Some((from, to)) = self.data(offset, end) {
            let start = extent.start() + (from - extent.offset());
            read_exactly(self.file, start, from, to - from)?;
            offset = to;
        }
        Ok(())
    }

    /// Where the first bytes between two offsets are that need not be zero.
    fn data(&self, offset: usize, end: usize) -> Option<(usize, usize)> {
        if offset >= end {
            return None;
        }
        let from = match seek(self.file, offset, SEEK_DATA) {
            Ok(from) => from,
            Err(ENXIO) => return None,
            // Whether there are holes cannot be found out.
            Err(_) => return Some((offset, end)),
        };
        let to = seek(self.file, from, SEEK_HOLE).unwrap_or(end).min(end);
        (from < to).then_some((from, to))
    }

    /// Makes a file without space of its own so long at least.
    fn reach(&self, end: usize) -> Result<(), c_int> {
        let bytes = status(self.file).map_err(|failure| failure.errno())?.st_size;
        if usize::try_from(bytes).is_ok_and(|bytes| bytes >= end) {
            return Ok(());
        }
        // SAFETY: the file is ours.
        if unsafe { ftruncate(self.file, to_offset(end)) } == 0 { Ok(()) } else { Err(errno()) }
    }

    /// A program may close what it does not know of, and open another file under the same number.
    fn find(&self) -> Result<(), FileFailure> {
        let found = identity(self.file)?;
        if found == (self.device, self.inode) { Ok(()) } else { Err(FileFailure::new(FileStep::Find, EBADF)) }
    }
}

fn identity(file: c_int) -> Result<(dev_t, ino_t), FileFailure> {
    status(file).map(|status| (status.st_dev, status.st_ino))
}

fn status(file: c_int) -> Result<stat, FileFailure> {
    let mut status = MaybeUninit::<stat>::uninit();
    // SAFETY: the pointer is to writable memory of the right type.
    if unsafe { fstat(file, status.as_mut_ptr()) } != 0 {
        return Err(FileFailure::new(FileStep::Find, errno()));
    }
    // SAFETY: fstat succeeded, so it filled the status in.
    Ok(unsafe { status.assume_init() })
}

fn punch(file: c_int, extent: &Extent) -> Result<(), c_int> {
    patiently(|| allocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, extent))
}

fn allocate(file: c_int, mode: c_int, extent: &Extent) -> Result<(), c_int> {
    // SAFETY: the file is ours, and so is this part of it.
    let status = unsafe { fallocate(file, mode, to_offset(extent.offset()), to_offset(extent.bytes())) };
    if status == 0 { Ok(()) } else { Err(errno()) }
}

fn patiently(mut call: impl FnMut() -> Result<(), c_int>) -> Result<(), c_int> {
    let mut outcome = call();
    for _ in 1..ATTEMPTS {
        if outcome != Err(EINTR) {
            break;
        }
        outcome = call();
    }
    outcome
}

fn seek(file: c_int, offset: usize, whence: c_int) -> Result<usize, c_int> {
    // SAFETY: the file is ours, and no code reads at its position.
    let found = unsafe { lseek(file, to_offset(offset), whence) };
    usize::try_from(found).map_err(|_| errno())
}

fn read_exactly(file: c_int, start: usize, offset: usize, bytes: usize) -> Result<(), MapError> {
    let mut done = 0;
    while done < bytes {
        // SAFETY: the memory is ours, and so large.
        let read = unsafe { pread(file, to_pointer(start + done), bytes - done, to_offset(offset + done)) };
        match usize::try_from(read) {
            // The file ends here: the rest is zero.
            Ok(0) => return Ok(()),
            Ok(read) => done += read,
            Err(_) if errno() == EINTR => {}
            Err(_) => return Err(MapError::Unavailable),
        }
    }
    Ok(())
}

fn show_file(extent: &Extent, file: c_int) -> Result<(), MapError> {
    SystemCall::Mmap.count();
    map_over(extent, MAP_SHARED, file)
}

/// Memory of this process alone, in place of the file.
fn show_anonymous(extent: &Extent) -> Result<(), MapError> {
    SystemCall::Mmap.count();
    map_over(extent, MAP_PRIVATE | MAP_ANON, -1)
}

fn map_over(extent: &Extent, flags: c_int, file: c_int) -> Result<(), MapError> {
    let offset = if file < 0 { 0 } else { to_offset(extent.offset()) };
    let start = to_pointer(extent.start());
    // SAFETY: the addresses are the mapper's own, and a caller that asks for this wants nothing
    // else there.
    let shown = unsafe { mmap(start, extent.bytes(), PROT_READ | PROT_WRITE, flags | MAP_FIXED, file, offset) };
    if shown == MAP_FAILED { Err(MapError::OutOfMemory) } else { Ok(()) }
}

fn to_pointer(address: usize) -> *mut c_void {
    with_exposed_provenance_mut(address)
}

/// Offsets are far below the largest.
fn to_offset(offset: usize) -> off_t {
    off_t::try_from(offset).unwrap_or(off_t::MAX)
}
