//! The file underneath: what a commit and a recovery do to it.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use tinyalloc_sys::file_bytes_limit;

const ZEROS: [u8; 4096] = [0; 4096];

/// A file as a heap uses it.
///
/// What was written is durable after the next [`Storage::sync`]; until then any part of it may be,
/// in any order.
pub trait Storage: Send + Sync {
    /// The file itself, to be mapped and locked.
    fn file(&self) -> &File;

    /// Its length in bytes.
    ///
    /// # Errors
    /// The system's.
    fn length(&self) -> Result<u64> {
        self.file().metadata().map(|metadata| metadata.len())
    }

    /// Fills `into` from `offset` on.
    ///
    /// # Errors
    /// The system's; the end of the file is one.
    fn read(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.file().read_exact_at(into, offset)
    }

    /// Writes `bytes` from `offset` on.
    ///
    /// # Errors
    /// The system's; any part of the bytes may have been written.
    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        check_limit(offset + bytes.len() as u64)?;
        self.file().write_all_at(bytes, offset)
    }

    /// Makes everything durable that was written so far.
    ///
    /// # Errors
    /// The system's; any part may be durable.
    fn sync(&self) -> Result<()> {
        self.file().sync_data()
    }

    /// Cuts the file, or lengthens it with zeros that take no space.
    ///
    /// # Errors
    /// The system's.
    fn set_length(&self, bytes: u64) -> Result<()> {
        if bytes > self.length()? {
            check_limit(bytes)?;
        }
        self.file().set_len(bytes)
    }

    /// Lengthens the file to `end` with zeros that have their space on the disk.
    ///
    /// # Errors
    /// The system's, a full disk above all; that the process may have no file of that length.
    fn allocate(&self, start: u64, end: u64) -> Result<()> {
        check_limit(end)?;
        match fallocate(self.file(), FallocateFlags::empty(), start, end - start) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(self, start.max(self.length()?), end),
            Err(Errno::INTR) => self.allocate(start, end),
            outcome => Ok(outcome?),
        }
    }
}

/// Whether this process may make a file so long; if it may not, trying ends it.
pub(crate) fn check_limit(end: u64) -> Result<()> {
    if end > file_bytes_limit() { Err(Errno::FBIG.into()) } else { Ok(()) }
}

/// Where a file system cannot allocate, written zeros have their space as well.
fn write_zeros<S: Storage + ?Sized>(storage: &S, start: u64, end: u64) -> Result<()> {
    let mut offset = start;
    while offset < end {
        let bytes = usize::try_from(end - offset).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        storage.write(offset, &ZEROS[..bytes])?;
        offset += bytes as u64;
    }
    Ok(())
}

/// Whether an error says that the file ended.
pub(crate) fn is_end(kind: ErrorKind) -> bool {
    kind == ErrorKind::UnexpectedEof
}

/// An ordinary file.
pub(crate) struct DiskFile(File);

impl DiskFile {
    pub(crate) fn new(file: File) -> DiskFile {
        DiskFile(file)
    }
}

impl Storage for DiskFile {
    fn file(&self) -> &File {
        &self.0
    }
}
