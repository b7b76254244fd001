//! Memory from a file: its pages are mapped shared, so that the system may write them there and
//! take their memory for others.
//!
//! [`Mapper::reserve`] takes address space alone. [`Mapper::commit`] takes space in the file and
//! maps it there; a full disk is an error then, and no fault later. [`Mapper::decommit`] takes the
//! space out of the file again, so that it reads as zero. The file grows by chunks, and those that
//! are returned are taken again.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::mapper::{MapError, Mapper, Protection};

mod chunks;
mod exclusive;
mod extents;
mod failure;
mod limit;
mod table;

mod place;

mod backing;
mod fork;

mod mapping;

pub use failure::{FileFailure, FileStep};
pub use limit::file_bytes_limit;
pub use place::{FILE_DIRECTORIES_MAX, FilePlace};

use backing::Backing;
use exclusive::Exclusive;
use fork::Gate;
use mapping::{ADDRESSES, Mapping, Refusal};

/// The most that is copied for the child of a fork.
const COPY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Which file, and how its space is taken.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    place: FilePlace,
    sparse: bool,
}

impl FileOptions {
    /// A file whose space is allocated before it is used.
    #[must_use]
    pub const fn new(place: FilePlace) -> FileOptions {
        FileOptions { place, sparse: false }
    }

    /// Space is allocated when the system writes a page: more may be asked for than there is, and a
    /// full disk is a `SIGBUS`.
    #[must_use]
    pub const fn sparse(self) -> FileOptions {
        FileOptions { sparse: true, ..self }
    }
}

/// What a child of this process has of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inheritance {
    /// Nothing was in it yet.
    Nothing,
    /// A copy of its own, in memory.
    Copy,
    /// The parent's, to be read; a write faults.
    View,
}

/// How the addresses of a mapper are backed.
enum Standing {
    Unopened,
    Open(Mapping),
    /// A child that has copied the file: by memory.
    Copied,
    /// A child that has not: not at all.
    Viewing,
}

struct State {
    options: Option<FileOptions>,
    standing: Standing,
    gate: Option<Gate>,
}

/// A file that memory comes from, opened when memory is first asked for. It has no name unless it
/// is to be kept, so that it is gone with the process, however that ends.
///
/// No call allocates, and none changes errno. Signals are held back while one is at work. While
/// another thread forks, and that takes long, calls are refused.
pub struct BackingFile {
    state: Exclusive<State>,
    failure: AtomicU64,
    /// When the last fork began: until it is over, no other thread changes it.
    disk_bytes: AtomicUsize,
}

impl BackingFile {
    /// A file that is not chosen yet.
    #[must_use]
    pub const fn new() -> BackingFile {
        let state = State { options: None, standing: Standing::Unopened, gate: None };
        BackingFile { state: Exclusive::new(state), failure: AtomicU64::new(0), disk_bytes: AtomicUsize::new(0) }
    }

    /// Chooses the file, unless one was chosen before. (Refused beside a fork: choose before there
    /// are any.)
    pub fn choose(&self, options: FileOptions) {
        _ = self.state.with(|state| _ = state.options.get_or_insert(options));
    }

    /// What went wrong since this was last asked.
    pub fn take_failure(&self) -> Option<FileFailure> {
        FileFailure::of_word(self.failure.swap(0, Ordering::Relaxed))
    }

    /// Bytes of the disk that the file takes.
    #[must_use]
    pub fn disk_bytes(&self) -> usize {
        self.state.with(|state| state.disk_bytes()).unwrap_or_else(|| self.disk_bytes.load(Ordering::Relaxed))
    }

    /// Runs `on_file` on the file, or `in_memory` in a child that has copied it.
    fn run<R>(
        &self,
        on_file: impl FnOnce(&mut Mapping) -> Result<R, Refusal>,
        in_memory: impl FnOnce() -> Result<R, MapError>,
    ) -> Result<R, MapError> {
        let outcome = self.state.with(|state| match state.opened()? {
            Standing::Open(mapping) => on_file(mapping),
            Standing::Copied => Ok(in_memory()?),
            Standing::Unopened | Standing::Viewing => Err(MapError::Unavailable.into()),
        });
        outcome.unwrap_or(Err(MapError::Unavailable.into())).map_err(|refusal| match refusal {
            Refusal::Addresses(error) => error,
            Refusal::File(failure) => {
                _ = self.failure.compare_exchange(0, failure.to_word(), Ordering::Relaxed, Ordering::Relaxed);
                MapError::OutOfMemory
            }
        })
    }
}

impl Default for BackingFile {
    fn default() -> BackingFile {
        BackingFile::new()
    }
}

impl State {
    fn opened(&mut self) -> Result<&mut Standing, Refusal> {
        if let (Standing::Unopened, Some(options)) = (&self.standing, &self.options) {
            self.standing = Standing::Open(Mapping::new(Backing::open(&options.place, options.sparse)?));
        }
        Ok(&mut self.standing)
    }

    fn disk_bytes(&self) -> usize {
        match &self.standing {
            Standing::Open(mapping) => mapping.backing().disk_bytes(),
            Standing::Unopened | Standing::Copied | Standing::Viewing => 0,
        }
    }
}

/// Forks: the pages are shared with the child, so that what either writes the other would find.
impl BackingFile {
    /// Before `fork`. With `may_copy`, no other thread writes to the memory until it is over.
    pub fn prepare_fork(&self, may_copy: bool) {
        self.state.hold_for_fork();
        _ = self.state.with(|state| {
            let disk_bytes = state.disk_bytes();
            self.disk_bytes.store(disk_bytes, Ordering::Relaxed);
            let copies = matches!(&state.standing, Standing::Open(_)) && disk_bytes <= COPY_BYTES_MAX;
            state.gate = if may_copy && copies { Gate::new() } else { None };
        });
    }

    /// After `fork`, in the parent: waits for the child to have its copy.
    pub fn resume_parent(&self) {
        _ = self.state.with(|state| state.gate.take().into_iter().for_each(Gate::wait));
        self.state.release_after_fork();
    }

    /// After `fork`, in the child.
    ///
    /// # Errors
    /// [`MapError`]; the child must not go on then: it might write to what is its parent's.
    pub fn resume_child(&self) -> Result<Inheritance, MapError> {
        let inherited = self.state.with(|state| {
            let gate = state.gate.take();
            let (Standing::Open(mapping), copies) = (&state.standing, gate.is_some()) else {
                return Ok(Inheritance::Nothing);
            };
            let outcome = if copies { mapping.detach() } else { mapping.protect() };
            gate.into_iter().for_each(Gate::open);
            outcome?;
            // Dropping the mapping closes the file.
            state.standing = if copies { Standing::Copied } else { Standing::Viewing };
            Ok(if copies { Inheritance::Copy } else { Inheritance::View })
        });
        self.state.release_after_fork();
        inherited.unwrap_or(Err(MapError::Unavailable))
    }
}

/// The [`Mapper`] of a [`BackingFile`].
///
/// Addresses are aligned to chunks of 16 MiB at least. Traps are access rights; there are no huge
/// pages.
#[derive(Clone, Copy)]
pub struct FileMapper<'file> {
    file: &'file BackingFile,
}

impl<'file> FileMapper<'file> {
    /// A mapper of this file; all of its mappers are alike.
    #[must_use]
    pub const fn new(file: &'file BackingFile) -> FileMapper<'file> {
        FileMapper { file }
    }
}

// SAFETY: the addresses come from a `PosixMapper`, and only `release` returns them. No two of them
// show the same part of the file.
unsafe impl Mapper for FileMapper<'_> {
    const RECOMMITS: bool = true;
    const LOCKED_BY_FORKS: bool = true;

    #[inline]
    fn page_bytes(&self) -> usize {
        ADDRESSES.page_bytes()
    }

    fn address_space_bytes(&self) -> usize {
        ADDRESSES.address_space_bytes()
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        let bytes = some(bytes)?;
        self.file.run(|mapping| mapping.reserve(bytes, align), || ADDRESSES.reserve(bytes, align))
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        let bytes = some(bytes)?;
        self.file.run(|mapping| mapping.map(bytes, align), || ADDRESSES.map(bytes, align))
    }

    fn map_apart(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        ADDRESSES.map(some(bytes)?, align)
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        let (from, to) = range(start, bytes)?;
        // SAFETY: the caller's promise.
        self.file.run(|mapping| mapping.commit(from, to), || unsafe { ADDRESSES.commit(start, bytes) })
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        let (from, to) = range(start, bytes)?;
        // SAFETY: the caller's promise.
        self.file.run(|mapping| mapping.decommit(from, to), || unsafe { ADDRESSES.decommit(start, bytes) })
    }

    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        range(start, bytes)?;
        // SAFETY: the caller's promise.
        self.file
            .run(|mapping| mapping.untrap(start, bytes), || unsafe { ADDRESSES.protect(start, bytes, Protection::ReadWrite) })
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { ADDRESSES.protect(start, bytes, protection) }
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        range(start, bytes)?;
        // SAFETY: the caller's promise.
        self.file.run(|mapping| mapping.release(start, bytes), || unsafe { ADDRESSES.release(start, bytes) })
    }

    unsafe fn release_apart(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { ADDRESSES.release(start, bytes) }
    }

    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        // SAFETY: the caller's promise.
        self.file.run(|mapping| mapping.remap(start, bytes, new_bytes), || unsafe { ADDRESSES.remap(start, bytes, new_bytes) })
    }

    fn now_milliseconds(&self) -> u64 {
        ADDRESSES.now_milliseconds()
    }

    fn random(&self) -> u64 {
        ADDRESSES.random()
    }
}

/// Not nothing.
fn some(bytes: usize) -> Result<usize, MapError> {
    if bytes == 0 { Err(MapError::Unavailable) } else { Ok(bytes) }
}

/// The addresses of whole pages.
fn range(start: NonNull<u8>, bytes: usize) -> Result<(usize, usize), MapError> {
    let from = start.addr().get();
    let is_whole = (from | bytes) % ADDRESSES.page_bytes() == 0;
    let to = from.checked_add(bytes).filter(|_| is_whole).ok_or(MapError::Unavailable)?;
    Ok((from, to))
}
