//! Why there is no memory from a file: for the message, since a mapper has none.

use core::ffi::c_int;
use core::fmt::{Display, Formatter, Result as FmtResult};

use libc::{EACCES, EDQUOT, EFBIG, EIO, EISDIR, EMFILE, ENFILE, ENOENT, ENOSPC, ENOTDIR, EOPNOTSUPP, EPERM, EROFS, EWOULDBLOCK};

use crate::system::errno_location;

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FileStep {
    /// A file was to be made in a directory, or under its name.
    Open = 1,
    /// A file that is to be kept was to be had alone.
    Lock,
    /// The file system was to take space out of the middle of a file again.
    Punch,
    /// The file was to grow.
    Grow,
    /// The descriptor of the file was to name it still.
    Find,
}

/// The first thing that went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFailure {
    step: FileStep,
    errno: c_int,
}

const STEPS: [FileStep; 5] = [FileStep::Open, FileStep::Lock, FileStep::Punch, FileStep::Grow, FileStep::Find];

impl FileFailure {
    pub(super) const fn new(step: FileStep, errno: c_int) -> FileFailure {
        FileFailure { step, errno }
    }

    /// What was tried.
    #[must_use]
    pub const fn step(&self) -> FileStep {
        self.step
    }

    /// What the system said.
    #[must_use]
    pub const fn errno(&self) -> c_int {
        self.errno
    }

    /// Never zero.
    pub(super) fn to_word(self) -> u64 {
        (self.step as u64) << 32 | u64::from(self.errno as u32)
    }

    pub(super) fn of_word(word: u64) -> Option<FileFailure> {
        let step = STEPS.into_iter().find(|step| *step as u64 == word >> 32)?;
        let errno = u32::try_from(word & u64::from(u32::MAX)).ok()? as c_int;
        Some(FileFailure { step, errno })
    }
}

impl Display for FileFailure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str(match self.step {
            FileStep::Open => "no file can be made there",
            FileStep::Lock => "the file cannot be had alone",
            FileStep::Punch => "the file system takes no space out of a file",
            FileStep::Grow => "the file cannot grow",
            FileStep::Find => "the program closed the file's descriptor",
        })?;
        match words(self.errno) {
            "" => write!(formatter, ": error {}", self.errno),
            words => write!(formatter, ": {words}"),
        }
    }
}

/// What errno says after a failed call.
pub(super) fn errno() -> c_int {
    // SAFETY: the C library keeps errno of this thread at this address.
    unsafe { errno_location().read() }
}

/// strerror may allocate.
fn words(errno: c_int) -> &'static str {
    match errno {
        EACCES | EPERM => "permission denied",
        EROFS => "read-only file system",
        ENOENT => "no such directory",
        ENOTDIR => "not a directory",
        EISDIR => "a directory",
        ENOSPC => "no space left on the device",
        EDQUOT => "disk quota exceeded",
        EFBIG => "file too large",
        EMFILE | ENFILE => "too many open files",
        EOPNOTSUPP => "not supported by the file system",
        EWOULDBLOCK => "another process has it",
        EIO => "input/output error",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use libc::{ENOSPC, EXDEV};

    use super::{FileFailure, STEPS};

    #[test]
    fn a_failure_fits_in_a_word() {
        for step in STEPS {
            for errno in [0, ENOSPC, EXDEV, -1] {
                let failure = FileFailure::new(step, errno);
                assert_eq!(FileFailure::of_word(failure.to_word()), Some(failure));
            }
        }
        assert_eq!([0, 1, 9 << 32].map(FileFailure::of_word), [None; 3]);
    }
}
