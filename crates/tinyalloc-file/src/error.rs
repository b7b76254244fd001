//! What can go wrong, one variant each.

use std::error::Error as StdError;
use std::fmt;
use std::io::{Error as IoError, ErrorKind};
use std::result::Result as StdResult;

/// A result with an [`Error`] of this crate.
pub type Result<T> = StdResult<T, Error>;

/// Which of the file's own structures is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// What the file is: version, byte order, page size, number.
    Identity,
    /// Where everything is, as of the last commit.
    Header,
    /// The commit that was under way.
    Journal,
    /// The record of a span of pages.
    Span,
    /// The table of named roots.
    Roots,
    /// A page of the user's: its checksum is not the committed one.
    Contents,
    /// The writer's own tables in memory: a mistake in this crate.
    Index,
}

/// Why a call failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    Io {
        /// What was tried.
        during: &'static str,
        /// What it said.
        source: IoError,
    },
    /// A writer has the file open, or a reader has it and a writer asked.
    Locked,
    /// The file is something else.
    NotAHeap,
    /// The file ends before what was committed.
    Truncated {
        /// The bytes that were committed.
        expected_bytes: usize,
        /// The bytes that are there.
        found_bytes: usize,
    },
    /// The file was written by a newer version of this crate.
    NewerVersion {
        /// The file's version.
        found: u32,
        /// The newest that this crate reads.
        supported: u32,
    },
    /// The file was written by a machine with the other byte order.
    ForeignByteOrder,
    /// The file has pages of another size.
    ForeignPageBytes {
        /// The size of its pages.
        found: u32,
    },
    /// A structure of the file's is not what was written.
    Corrupt {
        /// Which one.
        part: Part,
        /// Where in the file, in bytes.
        offset: usize,
    },
    /// The heap was opened for reading only.
    ReadOnly,
    /// Nothing that is allocated is there.
    NotLive {
        /// Where the pointer points.
        offset: usize,
    },
    /// A block is there, but it ends before what was asked for.
    OutOfBounds {
        /// Where the pointer points.
        offset: usize,
        /// How much was asked for.
        bytes: usize,
        /// How much of the block is left from there.
        left_bytes: usize,
    },
    /// The pointer is not aligned as its type must be.
    Misaligned {
        /// Where the pointer points.
        offset: usize,
        /// What its type asks for.
        align: usize,
    },
    /// No alignment beyond a page's can be had.
    AlignTooLarge {
        /// What was asked for.
        align: usize,
    },
    /// The disk or the quota is full, or the file is as long as the file system, or the limit of
    /// the process (`RLIMIT_FSIZE`), lets it be.
    NoSpace,
    /// The system has no memory for more uncommitted changes: commit, or roll back.
    OutOfMemory,
    /// The heap would outgrow the addresses reserved for it: open it with a larger reserve.
    AddressSpace {
        /// What it would need.
        needed_bytes: usize,
        /// What was reserved.
        reserved_bytes: usize,
    },
    /// The name of a root is empty or longer than 255 bytes.
    RootName,
    /// The root is for values of another size or alignment.
    RootType {
        /// The size of its values.
        bytes: usize,
        /// Their alignment.
        align: usize,
    },
    /// A root points to the block.
    Rooted {
        /// Where the block is.
        offset: usize,
    },
    /// A commit failed where its outcome is unknown: reopening shows it.
    NeedsReopen,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Io { during, ref source } => write!(out, "{during}: {source}"),
            Error::Locked => out.write_str("another writer or reader has the file open"),
            Error::NotAHeap => out.write_str("not a heap file"),
            Error::Truncated { expected_bytes, found_bytes } => {
                write!(out, "truncated: {found_bytes} bytes of {expected_bytes}")
            }
            Error::NewerVersion { found, supported } => {
                write!(out, "written in version {found} of the format; up to {supported} is known")
            }
            Error::ForeignByteOrder => out.write_str("written by a machine with the other byte order"),
            Error::ForeignPageBytes { found } => write!(out, "pages of {found} bytes"),
            Error::Corrupt { part, offset } => write!(out, "corrupt: {part:?} at byte {offset}"),
            Error::ReadOnly => out.write_str("opened for reading only"),
            _ => self.fmt_use(out),
        }
    }
}

impl Error {
    /// What is about a call rather than about the file.
    fn fmt_use(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::NotLive { offset } => write!(out, "nothing is allocated at byte {offset}"),
            Error::OutOfBounds { offset, bytes, left_bytes } => {
                write!(out, "{bytes} bytes at byte {offset}, where the block has {left_bytes} left")
            }
            Error::Misaligned { offset, align } => write!(out, "byte {offset} is not aligned to {align}"),
            Error::AlignTooLarge { align } => write!(out, "an alignment of {align} is more than a page's"),
            Error::NoSpace => out.write_str("no space left for the file"),
            Error::OutOfMemory => out.write_str("no memory for more uncommitted changes"),
            Error::AddressSpace { needed_bytes, reserved_bytes } => {
                write!(out, "{needed_bytes} bytes needed, addresses for {reserved_bytes} reserved")
            }
            Error::RootName => out.write_str("a root's name has 1 to 255 bytes"),
            Error::RootType { bytes, align } => write!(out, "the root is for values of {bytes} bytes aligned to {align}"),
            Error::Rooted { offset } => write!(out, "a root points to the block at byte {offset}"),
            _ => out.write_str("a commit failed and its outcome is unknown: reopen the file"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Says what an operating system's error was about.
pub(crate) trait During<T> {
    fn during(self, what: &'static str) -> Result<T>;
}

impl<T, E: Into<IoError>> During<T> for StdResult<T, E> {
    fn during(self, what: &'static str) -> Result<T> {
        self.map_err(|error| {
            let source = error.into();
            match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Error::NoSpace,
                ErrorKind::OutOfMemory => Error::OutOfMemory,
                _ => Error::Io { during: what, source },
            }
        })
    }
}
