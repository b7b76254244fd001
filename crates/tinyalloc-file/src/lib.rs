//! A heap in a named file: what is allocated in it is there when the file is opened again, by
//! another process, at another address.
//!
//! ```
//! use tinyalloc_file::{FileHeap, FilePtr, plain};
//!
//! plain! {
//!     struct Visit {
//!         page: u64,
//!         earlier: FilePtr<Visit>,
//!     }
//! }
//!
//! # fn main() -> Result<(), tinyalloc_file::Error> {
//! # let directory = std::env::temp_dir().join(format!("tinyalloc-visits-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory).unwrap();
//! # let path = directory.join("visits");
//! // SAFETY: nothing else writes to this file.
//! let mut heap = unsafe { FileHeap::open_or_create(&path) }?;
//! let first = heap.insert(Visit { page: 1, earlier: FilePtr::NULL })?;
//! let second = heap.insert(Visit { page: 2, earlier: first })?;
//! heap.set_root("last visit", second)?;
//! heap.commit()?;
//! drop(heap);
//!
//! // SAFETY: as above.
//! let heap = unsafe { FileHeap::open_read_only(&path) }?;
//! let last = heap.get(heap.root::<Visit>("last visit")?.unwrap())?;
//! assert_eq!(heap.get(last.earlier)?.page, 1);
//! # std::fs::remove_dir_all(&directory).unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//! - **A commit is whole.** Whenever the process is killed or the machine stops, the file opens as
//!   the last [`FileHeap::commit`] left it that returned, or the one after it; contents, roots and
//!   the allocator's own tables together.
//! - **What is freed is used again**: 22 size classes up to 2 KiB in pages of 4 KiB, whole pages
//!   beyond, neighbours joined. The file grows while it is open, by an eighth of itself or by what
//!   is needed, and never moves: addresses for its growth are reserved when it is opened.
//! - **Nothing read from the file is trusted.** Its own structures have checksums and are validated
//!   in full by opening; pointers into it are looked up at every use. Damage is an [`Error`], never
//!   a panic, and never a wild access. Contents have checksums as well, which [`FileHeap::check`]
//!   compares.
//! - **A full disk is an error** of the allocation or the commit that met it, not a signal: space
//!   on the disk is allocated before it is mapped (unless [`Options::sparse`]). So is the process's
//!   limit for files (`RLIMIT_FSIZE`).
//! - **One writer or many readers**, by the lock of the file (`flock`). Readers never change it,
//!   even if a commit has to be finished: they do that in their memory.
//!
//! # Limits
//! - What changed since the last commit is in memory, in whole pages. Between two commits, no more
//!   can change than there is memory for ([`Error::OutOfMemory`]); what is unchanged is the
//!   system's cache of the file, and goes away under pressure.
//! - A commit writes every changed page twice and waits for the disk twice.
//! - Opening takes time and memory by the number of spans and pages: 4 bytes for each page of the
//!   file, and its records are read.
//! - `std`'s and other collections hold addresses, which mean nothing when the file is opened
//!   again: there is no `Allocator` here. Values are [`Plain`], and point to each other with
//!   [`FilePtr`].
//! - Programs that write to the file past the lock are beyond what can be checked while it is
//!   mapped: that is why opening is `unsafe`.
//! - Commits rely on the disk: that what it reports as written is, and that it writes 512 bytes at
//!   once or not at all. A journal that is damaged after the crash that it is needed for leaves
//!   pages of both commits; the check finds them.
//! - Linux, 64 bits. A file is for machines of the byte order that wrote it, with pages of up to 64
//!   KiB.
//!
//! # How a commit works
//! The file is mapped privately: what is written stays in memory. Every change is made through
//! `&mut` [`FileHeap`], which notes the pages (so nothing has to be searched for changes, and no
//! signal handler is needed), and makes them writable by the mebibyte (so that only what changes
//! counts against limits of memory). A commit then
//!
//! 1. writes the changed pages behind the data, with an index of their places and checksums (the
//!    journal's body), and the journal's head;
//! 2. waits for the disk: from here on, the commit is decided;
//! 3. writes the pages to their places, and waits again;
//! 4. notes in the head that the journal is applied, and forgets the pages in memory, which the
//!    file has now.
//!
//! Opening applies a journal that is whole and not noted as applied, which does no harm if it was;
//! any other is ignored, for then nothing was changed in its place. This is a redo log with a force
//! policy (Haerder and Reuter, "Principles of transaction-oriented database recovery", 1983).
//!
//! # Format, version 1
//! Numbers are little-endian; pages are 4,096 bytes; every structure ends with 32 bits of its XXH3
//! checksum.
//!
//! ```text
//! page 0    header      identity: magic "TINYHEAP", byte order, version, page size, the file's number, checksum
//!                                 (64 bytes, the same in every version)
//!                       commits so far, place and checksum of the table of roots, extents (first page, pages)
//! page 1    journal     head: magic "TINYJRNL", pending or applied, the file's number, commit, place, length and checksum
//!                       of the body (512 bytes)
//! page 2    extent 0    records      64 bytes per page of data, for the first of each span: free, slots (class, which live) or large
//!                       checksums    4 bytes per page of data, of what was committed there, zero if nothing was
//!                       data         spans, one after the other: free, one page of slots, or one large block
//!           extent 1    the same; each growth of the file adds one; they end at multiples of 64 KiB
//!           ...
//! the end               the journal's body: the index (page, checksum), then the pages; cut off if it is longer than 1 MiB
//! ```
//!
//! The table of roots is a block: for each root the length of its name, its place, the size and
//! alignment of its values, and the name.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_types, reason = "not the core: its tables are on the program's heap, the user's blocks in the file")]

mod error;
mod field;
mod page;

mod checksum;
mod plain;
#[cfg_attr(not(feature = "test-storage"), allow(unreachable_pub, reason = "public to tests alone"))]
mod storage;

mod class;
mod dirty;
mod mapping;
mod new_file;
mod pointer;

mod image;
mod record;

mod extent;

mod header;

mod journal;

mod free_spans;
mod page_map;
mod roots;

mod space;

mod heap;

mod open;

#[cfg(feature = "test-storage")]
mod doubles;

#[cfg(feature = "test-storage")]
pub use doubles::{Step, TestFile};
pub use error::{Error, Part, Result};
pub use heap::{Copied, FileHeap, FileStats, Finding, Report};
pub use open::Options;
pub use plain::Plain;
pub use pointer::FilePtr;
#[cfg(feature = "test-storage")]
pub use storage::Storage;
