//! Where the file is, and opening it, by system calls alone.

use core::ffi::{c_char, c_int, c_uint};
use core::fmt::{Result as FmtResult, Write};
use core::mem::MaybeUninit;

use libc::{
    EEXIST, EISDIR, ENAMETOOLONG, ENOENT, EOPNOTSUPP, LOCK_EX, LOCK_NB, O_CLOEXEC, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR,
    O_TMPFILE, PATH_MAX, TMPFS_MAGIC, close, flock, fstatfs, ftruncate, open, statfs, unlink,
};

use super::failure::{FileFailure, FileStep, errno};
use crate::mapper::Mapper;
use crate::posix::PosixMapper;

/// Only for the owner: no other user may read the memory.
const RIGHTS: c_uint = 0o600;
const NAMES_TRIED: usize = 16;
const PATH_BYTES_MAX: usize = PATH_MAX as usize;
/// The most directories to choose from.
pub const FILE_DIRECTORIES_MAX: usize = 4;

/// Which file to take.
#[derive(Clone, Copy, Debug)]
pub enum FilePlace {
    /// One without a name, in the first of these directories where one can be made; a directory
    /// that is in memory itself comes last.
    In([Option<&'static [u8]>; FILE_DIRECTORIES_MAX]),
    /// One of this name, which stays. What it held before is lost.
    Kept(&'static [u8]),
}

impl FilePlace {
    /// The descriptor of an empty file that is ours alone.
    pub(super) fn open(&self) -> Result<c_int, FileFailure> {
        match self {
            FilePlace::Kept(path) => open_kept(path),
            FilePlace::In(directories) => open_in_one(directories),
        }
    }
}

fn open_in_one(directories: &[Option<&[u8]>]) -> Result<c_int, FileFailure> {
    let mut failure = None;
    for in_memory_too in [false, true] {
        for directory in directories.iter().flatten() {
            match open_in(directory) {
                Ok(file) if in_memory_too || !is_in_memory(file) => return Ok(file),
                Ok(file) => close_file(file),
                Err(refusal) => failure = failure.or(Some(refusal)),
            }
        }
    }
    Err(failure.unwrap_or(FileFailure::new(FileStep::Open, ENOENT)))
}

/// Without a name from the start where the file system can do that, else without one at once.
fn open_in(directory: &[u8]) -> Result<c_int, FileFailure> {
    let mut path = Path::new();
    path.push(directory);
    match open_path(&path, O_TMPFILE | O_EXCL) {
        // Kernels before 3.11 see a directory that is to be written.
        Err(EOPNOTSUPP | EISDIR | ENOENT) => open_unlinked(directory),
        outcome => outcome.map_err(|errno| FileFailure::new(FileStep::Open, errno)),
    }
}

fn open_unlinked(directory: &[u8]) -> Result<c_int, FileFailure> {
    let mut refusal = EEXIST;
    for _ in 0..NAMES_TRIED {
        let mut path = Path::new();
        path.push(directory);
        // Never fails: what does not fit is found by its missing end.
        let _ = write!(path, "/.tinyalloc-{:016x}", PosixMapper::new().random());
        match open_path(&path, O_CREAT | O_EXCL | O_NOFOLLOW) {
            Ok(file) => {
                // SAFETY: the path ends with a null byte.
                unsafe { unlink(path.as_ptr()) };
                return Ok(file);
            }
            Err(EEXIST) => {}
            Err(errno) => {
                refusal = errno;
                break;
            }
        }
    }
    Err(FileFailure::new(FileStep::Open, refusal))
}

/// Emptied only once it is ours alone: another process may live in it.
fn open_kept(name: &[u8]) -> Result<c_int, FileFailure> {
    let mut path = Path::new();
    path.push(name);
    let file = open_path(&path, O_CREAT | O_NOFOLLOW).map_err(|errno| FileFailure::new(FileStep::Open, errno))?;
    // SAFETY: the descriptor is ours.
    let locked = unsafe { flock(file, LOCK_EX | LOCK_NB) };
    // SAFETY: the descriptor is ours.
    if locked == 0 && unsafe { ftruncate(file, 0) } == 0 {
        return Ok(file);
    }
    let failure = FileFailure::new(if locked == 0 { FileStep::Open } else { FileStep::Lock }, errno());
    close_file(file);
    Err(failure)
}

fn open_path(path: &Path, flags: c_int) -> Result<c_int, c_int> {
    if path.is_cut() {
        return Err(ENAMETOOLONG);
    }
    // SAFETY: the path ends with a null byte.
    let file = unsafe { open(path.as_ptr(), flags | O_RDWR | O_CLOEXEC, RIGHTS) };
    if file < 0 { Err(errno()) } else { Ok(file) }
}

pub(super) fn close_file(file: c_int) {
    // SAFETY: the descriptor is ours, and not used any more.
    unsafe { close(file) };
}

fn is_in_memory(file: c_int) -> bool {
    let mut system = MaybeUninit::<statfs>::uninit();
    // SAFETY: the pointer is to writable memory of the right type.
    if unsafe { fstatfs(file, system.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: fstatfs succeeded, so it filled it in.
    let kind = unsafe { system.assume_init() }.f_type;
    // The C libraries do not agree on its type, nor on that of the constant.
    i128::from(kind) == i128::from(TMPFS_MAGIC)
}

/// A path that ends with a null byte.
struct Path {
    bytes: [u8; PATH_BYTES_MAX],
    length: usize,
}

impl Path {
    const fn new() -> Path {
        Path { bytes: [0; PATH_BYTES_MAX], length: 0 }
    }

    fn push(&mut self, part: &[u8]) {
        let room = self.bytes.len() - self.length;
        let length = part.len().min(room);
        self.bytes[self.length..self.length + length].copy_from_slice(&part[..length]);
        self.length += length;
    }

    fn is_cut(&self) -> bool {
        self.length == self.bytes.len() || self.bytes[..self.length].contains(&0)
    }

    fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }
}

impl Write for Path {
    fn write_str(&mut self, part: &str) -> FmtResult {
        self.push(part.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use core::mem::MaybeUninit;

    use libc::{S_IFMT, S_IFREG, fstat, stat};

    use super::{Path, RIGHTS, close_file, open_in, open_unlinked};

    #[test]
    fn a_file_has_no_name_whether_or_not_the_file_system_makes_such() {
        for open in [open_in, open_unlinked] {
            let file = open(b".").expect("the directory of this crate");
            let mut status = MaybeUninit::<stat>::uninit();
            // SAFETY: the pointer is to writable memory of the right type.
            assert_eq!(unsafe { fstat(file, status.as_mut_ptr()) }, 0);
            // SAFETY: filled in by the call.
            let status = unsafe { status.assume_init() };
            assert_eq!((status.st_nlink, status.st_size), (0, 0));
            assert_eq!((status.st_mode & S_IFMT, status.st_mode & !S_IFMT & !RIGHTS), (S_IFREG, 0), "no other user may read it");
            close_file(file);
        }
    }

    #[test]
    fn a_path_that_does_not_fit_or_has_an_end_inside_is_refused() {
        for bytes in [[b'x'; 5000].as_slice(), b"a\0b"] {
            let mut path = Path::new();
            path.push(bytes);
            assert!(path.is_cut());
            assert!(open_in(bytes).is_err() && open_unlinked(bytes).is_err());
        }
    }
}
