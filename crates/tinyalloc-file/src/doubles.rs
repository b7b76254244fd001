//! Files for tests: one that records what is done to it, and fails when told to.

use std::fs::File;
use std::io::{Error as IoError, Result as IoResult};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{MemfdFlags, memfd_create};

use crate::error::Result;
use crate::heap::{Access, FileHeap};
use crate::open::Options;
use crate::storage::{DiskFile, Storage};

/// A change to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes were written from an offset on.
    Write(u64, Vec<u8>),
    /// Everything before is durable.
    Sync,
    /// The file was cut or lengthened to a length.
    Length(u64),
    /// The file was lengthened from an offset to an end, with its space on the disk.
    Allocate(u64, u64),
}

#[derive(Debug)]
struct Shared {
    file: File,
    steps: Mutex<Vec<Step>>,
    /// How many steps will still succeed.
    steps_left: AtomicUsize,
    errno: AtomicI32,
}

/// A file in memory that is kept as long as any clone of it, recorded step by step, with a limit to
/// the steps that succeed.
#[derive(Clone, Debug)]
pub struct TestFile(Arc<Shared>);

impl TestFile {
    /// A file with `contents`.
    ///
    /// # Errors
    /// The system's.
    pub fn new(contents: &[u8]) -> IoResult<TestFile> {
        let file = File::from(memfd_create("tinyalloc-test", MemfdFlags::CLOEXEC)?);
        DiskFile::new(file.try_clone()?).write(0, contents)?;
        let (steps, steps_left, errno) = (Mutex::default(), AtomicUsize::new(usize::MAX), AtomicI32::new(0));
        Ok(TestFile(Arc::new(Shared { file, steps, steps_left, errno })))
    }

    /// All that the file holds.
    ///
    /// # Errors
    /// The system's.
    pub fn contents(&self) -> IoResult<Vec<u8>> {
        let length = usize::try_from(self.length()?).map_err(IoError::other)?;
        let mut contents = vec![0; length];
        self.read(0, &mut contents)?;
        Ok(contents)
    }

    /// What was done since this was last asked.
    #[must_use]
    pub fn take_steps(&self) -> Vec<Step> {
        self.lock_steps().drain(..).collect()
    }

    /// After so many more steps, each fails with `errno`.
    pub fn fail_after(&self, steps: usize, errno: i32) {
        self.0.errno.store(errno, Ordering::SeqCst);
        self.0.steps_left.store(steps, Ordering::SeqCst);
    }

    /// Makes the file a heap, as [`Options::create`] does.
    ///
    /// # Errors
    /// As [`Options::create`].
    pub fn create(&self, options: &Options) -> Result<FileHeap> {
        options.format(self)?;
        self.open(options)
    }

    /// Opens the heap, as [`Options::open`] does, but without a lock.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(&self, options: &Options) -> Result<FileHeap> {
        options.assemble(Box::new(self.clone()), Access::Write)
    }

    /// Opens the heap, as [`Options::open_read_only`] does, but without a lock.
    ///
    /// # Errors
    /// As [`Options::open_read_only`].
    pub fn open_read_only(&self, options: &Options) -> Result<FileHeap> {
        options.assemble(Box::new(self.clone()), Access::Read)
    }

    fn lock_steps(&self) -> MutexGuard<'_, Vec<Step>> {
        self.0.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, step: Step) -> IoResult<DiskFile> {
        let left = self.0.steps_left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(IoError::from_raw_os_error(self.0.errno.load(Ordering::SeqCst)));
        }
        self.0.steps_left.store(left.saturating_sub(usize::from(left != usize::MAX)), Ordering::SeqCst);
        self.lock_steps().push(step);
        Ok(DiskFile::new(self.0.file.try_clone()?))
    }
}

impl Storage for TestFile {
    fn file(&self) -> &File {
        &self.0.file
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> IoResult<()> {
        self.step(Step::Write(offset, bytes.to_vec()))?.write(offset, bytes)
    }

    fn sync(&self) -> IoResult<()> {
        self.step(Step::Sync).map(|_| ())
    }

    fn set_length(&self, bytes: u64) -> IoResult<()> {
        self.step(Step::Length(bytes))?.set_length(bytes)
    }

    fn allocate(&self, start: u64, end: u64) -> IoResult<()> {
        self.step(Step::Allocate(start, end))?.allocate(start, end)
    }
}
