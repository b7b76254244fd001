//! Creating and opening heap files.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::{During, Error, Result};
use crate::extent::Extent;
use crate::header::{FIRST_PAGE, Header, RootsPlace};
use crate::heap::{Access, FileHeap, Settings};
use crate::new_file::{NewFile, random};
use crate::page::{GRANULE_BYTES, PAGES_MAX, page_of, page_start};
use crate::record::Span;
use crate::storage::{DiskFile, Storage};

const RESERVE_BYTES: usize = 256 << 30;
const INITIAL_BYTES: usize = 1 << 20;

/// How to create and open heaps.
///
/// ```
/// # let directory = std::env::temp_dir().join(format!("tinyalloc-options-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// # let path = directory.join("heap");
/// use tinyalloc_file::Options;
///
/// // SAFETY: nothing else writes to this file.
/// let heap = unsafe { Options::new().reserve_bytes(1 << 30).initial_bytes(4 << 20).create(&path) }?;
/// assert!(heap.stats().largest_free > 3 << 20);
/// # std::fs::remove_dir_all(&directory).unwrap();
/// # Ok::<(), tinyalloc_file::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options {
    sparse: bool,
    reserve_bytes: usize,
    initial_bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// Space on the disk allocated, addresses for 256 GiB, 1 MiB at first.
    #[must_use]
    pub const fn new() -> Options {
        Options { sparse: false, reserve_bytes: RESERVE_BYTES, initial_bytes: INITIAL_BYTES }
    }

    /// Whether the file takes space on the disk only for what is written to it. A full disk is then
    /// found by a commit, which may need the file to be reopened, rather than by an allocation.
    #[must_use]
    pub const fn sparse(mut self, sparse: bool) -> Options {
        self.sparse = sparse;
        self
    }

    /// How many bytes the file can grow to while it is open. Where the address space is limited it
    /// may become less, but never less than the file has.
    #[must_use]
    pub const fn reserve_bytes(mut self, bytes: usize) -> Options {
        self.reserve_bytes = bytes;
        self
    }

    /// How large a new file is.
    #[must_use]
    pub const fn initial_bytes(mut self, bytes: usize) -> Options {
        self.initial_bytes = bytes;
        self
    }

    /// Creates a heap file where there is none. It appears whole or not at all; what a crash leaves
    /// is named `*.partial`.
    ///
    /// # Safety
    /// F1: as long as the heap exists, no code changes or cuts the file but through it. Other
    /// heaps, of any process, respect its lock.
    ///
    /// # Errors
    /// [`Error::NoSpace`]; the system's, that there is a file of that name among them.
    pub unsafe fn create(&self, path: impl AsRef<Path>) -> Result<FileHeap> {
        let new = NewFile::create(path.as_ref()).during("creating the file")?;
        // Before it has its name, so that it never has it without the lock.
        lock(new.file(), Access::Write)?;
        self.format(&DiskFile::new(new.file().try_clone().during("creating the file")?))?;
        let file = new.publish().during("creating the file")?;
        self.assemble(Box::new(DiskFile::new(file)), Access::Write)
    }

    /// Opens a heap file for reading and writing, and finishes the commit that was under way if its
    /// process or the machine crashed.
    ///
    /// # Safety
    /// F1, as for [`Options::create`].
    ///
    /// # Errors
    /// [`Error::Locked`] if any other heap, of any process, has it open; [`Error::NotAHeap`],
    /// [`Error::Truncated`], [`Error::NewerVersion`], [`Error::ForeignByteOrder`],
    /// [`Error::ForeignPageBytes`], [`Error::Corrupt`]; the system's.
    pub unsafe fn open(&self, path: impl AsRef<Path>) -> Result<FileHeap> {
        let file = OpenOptions::new().read(true).write(true).open(path).during("opening the file")?;
        lock(&file, Access::Write)?;
        self.assemble(Box::new(DiskFile::new(file)), Access::Write)
    }

    /// Opens a heap file, or creates it if there is none.
    ///
    /// # Safety
    /// F1, as for [`Options::create`].
    ///
    /// # Errors
    /// As [`Options::open`] and [`Options::create`].
    pub unsafe fn open_or_create(&self, path: impl AsRef<Path>) -> Result<FileHeap> {
        let path = path.as_ref();
        if !path.exists() {
            // SAFETY: F1 is the caller's promise.
            match unsafe { self.create(path) } {
                Err(Error::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {}
                outcome => return outcome,
            }
        }
        // SAFETY: F1 is the caller's promise.
        unsafe { self.open(path) }
    }

    /// Opens a heap file for reading, together with any number of other readers. The file is not
    /// changed, whatever state it is in.
    ///
    /// # Safety
    /// F1, as for [`Options::create`].
    ///
    /// # Errors
    /// As [`Options::open`]; [`Error::Locked`] if a writer has it open.
    pub unsafe fn open_read_only(&self, path: impl AsRef<Path>) -> Result<FileHeap> {
        let file = File::open(path).during("opening the file")?;
        lock(&file, Access::Read)?;
        self.assemble(Box::new(DiskFile::new(file)), Access::Read)
    }

    /// Makes an empty file a heap.
    pub(crate) fn format(&self, storage: &dyn Storage) -> Result<()> {
        let bytes = self.initial_bytes.clamp(GRANULE_BYTES, page_start(PAGES_MAX)).next_multiple_of(GRANULE_BYTES);
        let grown = if self.sparse { storage.set_length(bytes as u64) } else { storage.allocate(0, bytes as u64) };
        grown.during("growing the file")?;
        let extent = Extent::new(FIRST_PAGE, page_of(bytes) - FIRST_PAGE);
        let data = extent.data();
        let record = Span::Free { pages: data.len() }.encode(data.start);
        storage.write(extent.record(data.start).start as u64, &record).during("writing the file")?;
        let number = random().during("asking for a random number")?;
        let header = Header::new(number, 0, RootsPlace::default(), vec![extent]);
        storage.write(0, &header.encode()).during("writing the file")?;
        storage.sync().during("writing the file")
    }

    pub(crate) fn assemble(&self, storage: Box<dyn Storage>, access: Access) -> Result<FileHeap> {
        FileHeap::assemble(storage, Settings::new(access, self.sparse, self.reserve_bytes))
    }
}

impl FileHeap {
    /// Creates a heap file where there is none: [`Options::create`] without options.
    ///
    /// # Safety
    /// F1, as for [`Options::create`].
    ///
    /// # Errors
    /// As [`Options::create`].
    pub unsafe fn create(path: impl AsRef<Path>) -> Result<FileHeap> {
        // SAFETY: F1 is the caller's promise.
        unsafe { Options::new().create(path) }
    }

    /// Opens a heap file for reading and writing: [`Options::open`] without options.
    ///
    /// # Safety
    /// F1, as for [`Options::create`].
    ///
    /// # Errors
    /// As [`Options::open`].
    pub unsafe fn open(path: impl AsRef<Path>) -> Result<FileHeap> {
        // SAFETY: F1 is the caller's promise.
        unsafe { Options::new().open(path) }
    }

    /// Opens a heap file, or creates it: [`Options::open_or_create`] without options.
    ///
    /// # Safety
    /// F1, as for [`Options::create`].
    ///
    /// # Errors
    /// As [`Options::open_or_create`].
    pub unsafe fn open_or_create(path: impl AsRef<Path>) -> Result<FileHeap> {
        // SAFETY: F1 is the caller's promise.
        unsafe { Options::new().open_or_create(path) }
    }

    /// Opens a heap file for reading: [`Options::open_read_only`] without options.
    ///
    /// # Safety
    /// F1, as for [`Options::create`].
    ///
    /// # Errors
    /// As [`Options::open_read_only`].
    pub unsafe fn open_read_only(path: impl AsRef<Path>) -> Result<FileHeap> {
        // SAFETY: F1 is the caller's promise.
        unsafe { Options::new().open_read_only(path) }
    }
}

/// One writer, or any number of readers.
fn lock(file: &File, access: Access) -> Result<()> {
    let operation = match access {
        Access::Read => FlockOperation::NonBlockingLockShared,
        Access::Write => FlockOperation::NonBlockingLockExclusive,
    };
    match flock(file, operation) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(Error::Locked),
        Err(error) => Err(error).during("locking the file"),
    }
}
