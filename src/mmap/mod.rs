//! A global allocator whose memory is a file, so that a program may have more data than the machine
//! has memory: the system writes pages that are not in use to the file and reuses their memory.
//!
//! ```
//! use tinyalloc::mmap::MAlloc;
//!
//! #[global_allocator]
//! static ALLOCATOR: MAlloc = MAlloc::new();
//!
//! fn main() {
//!     let vec = vec![1, 2, 3, 4, 5]; // backed by a memory-mapped file
//! #   assert_eq!(vec.len(), 5);
//! }
//! ```

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};

use tinyalloc_alloc::{SLOT_ALIGN, Stats};

mod place;

mod engine;
mod thread;

mod viewer;

use engine::{ENGINE, FILE, is_ready, report_failure, start};
use place::Place;
use thread::FileThread;

/// The engine of [`crate::TinyAlloc`], with its checks and statistics, on a file.
///
/// Freed memory is reused, and memory that stays free for a while is removed from the file. The
/// file has no name, so it disappears with the process, unless the program asks to keep it. The
/// first request opens it, in the directory that the variable `TINYALLOC_FILE_DIR` names, or the
/// program, or `TMPDIR`, or in `/var/tmp`; a directory that is itself in memory comes last. The
/// file system must support `fallocate` and holes, as ext4, XFS, Btrfs, F2FS and tmpfs do.
///
/// Disk space is allocated before it is used: if the disk is full or the directory cannot be
/// written, allocation fails, and a line on standard error says why. `TINYALLOC_OPTIONS` does not
/// apply to this allocator.
///
/// All values of this type are one allocator; the first one that is asked for memory determines the
/// file.
///
/// # Children
/// `Command` and `posix_spawn` work as usual. A child of `fork` never writes to its parent's
/// memory. If the process has one thread and at most 256 MiB in the file, the child gets a copy of
/// everything, in ordinary memory. Otherwise the child may read everything and run another program.
/// What it allocates until then is its own memory, and a write to what its parent allocated faults.
/// A process made by `clone` without the C library's knowledge shares the memory, like a thread.
#[derive(Clone, Copy, Debug)]
pub struct MAlloc {
    place: Place,
    sparse: bool,
}

impl MAlloc {
    /// In a file without a name, in the default directory.
    #[must_use]
    pub const fn new() -> MAlloc {
        MAlloc { place: Place::Anywhere, sparse: false }
    }

    /// In a file without a name in this directory.
    ///
    /// ```
    /// use tinyalloc::mmap::MAlloc;
    ///
    /// static ALLOCATOR: MAlloc = MAlloc::in_directory("/var/cache");
    /// ```
    #[must_use]
    pub const fn in_directory(directory: &'static str) -> MAlloc {
        MAlloc { place: Place::Directory(directory), sparse: false }
    }

    /// In a file with this name, which stays when the process ends, for inspection; it cannot be
    /// opened again. (`FileHeap` is for data that outlives the process.) The previous contents of
    /// the file are lost; while another process has the file open, there is no memory.
    #[must_use]
    pub const fn keeping(path: &'static str) -> MAlloc {
        MAlloc { place: Place::Kept(path), sparse: false }
    }

    /// Allocates disk space only when the system writes to it: the file may promise more than the
    /// disk has. If the disk is then full, the signal `SIGBUS` ends the process.
    #[must_use]
    pub const fn sparse(self) -> MAlloc {
        MAlloc { place: self.place, sparse: true }
    }

    /// Counts what the heap holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        if is_ready() { ENGINE.stats(FileThread) } else { Stats::default() }
    }

    /// Removes all free memory from the file; true if there was any.
    pub fn purge(&self) -> bool {
        is_ready() && ENGINE.purge_all(FileThread)
    }

    /// The bytes of disk space that the file takes.
    #[must_use]
    pub fn disk_bytes(&self) -> usize {
        FILE.disk_bytes()
    }

    #[inline(always)]
    fn has_heap(&self) -> bool {
        is_ready() || self.start()
    }

    #[cold]
    #[inline(never)]
    fn start(&self) -> bool {
        start(self.place, self.sparse)
    }

    #[inline(always)]
    fn or_null(&self, block: Option<NonNull<u8>>) -> *mut u8 {
        match block {
            Some(block) => block.as_ptr(),
            None => self.null(),
        }
    }

    #[cold]
    #[inline(never)]
    fn null(&self) -> *mut u8 {
        report_failure(self.place);
        null_mut()
    }
}

impl Default for MAlloc {
    fn default() -> MAlloc {
        MAlloc::new()
    }
}

/// Whether every block has this alignment.
const fn is_usual(layout: Layout) -> bool {
    layout.align() <= SLOT_ALIGN
}

#[inline(always)]
fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    if is_usual(layout) {
        ENGINE.allocate(FileThread, layout.size())
    } else {
        ENGINE.allocate_aligned(FileThread, layout.size(), layout.align())
    }
}

/// # Safety
/// As for `GlobalAlloc::realloc`.
#[cold]
unsafe fn reallocate_aligned(start: NonNull<u8>, layout: Layout, new: Layout) -> Option<NonNull<u8>> {
    let moved = allocate(new)?;
    // SAFETY: both blocks are live, distinct, and hold that much.
    unsafe { start.copy_to_nonoverlapping(moved, layout.size().min(new.size())) };
    // SAFETY: the caller's promise.
    unsafe { ENGINE.free(FileThread, start.as_ptr()) };
    Some(moved)
}

// SAFETY: blocks are distinct, live until freed, and aligned as requested. No call unwinds.
unsafe impl GlobalAlloc for MAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.has_heap() { self.or_null(allocate(layout)) } else { viewer::allocate(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, _layout: Layout) {
        if is_ready() {
            // SAFETY: the caller's promise.
            unsafe { ENGINE.free(FileThread, start) };
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !self.has_heap() {
            return viewer::allocate(layout);
        }
        if is_usual(layout) {
            return self.or_null(ENGINE.allocate_zeroed(FileThread, layout.size()));
        }
        let block = ENGINE.allocate_aligned(FileThread, layout.size(), layout.align());
        if let Some(start) = block {
            // SAFETY: the block holds that much.
            unsafe { start.write_bytes(0, layout.size()) };
        }
        self.or_null(block)
    }

    #[inline]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        let (Some(block), Ok(new)) = (NonNull::new(start), Layout::from_size_align(new_bytes, layout.align())) else {
            return null_mut();
        };
        if !is_ready() {
            // SAFETY: the caller's promise.
            return unsafe { viewer::reallocate(start, layout, new) };
        }
        let moved = if is_usual(layout) {
            // SAFETY: the caller's promise.
            unsafe { ENGINE.reallocate(FileThread, block, new_bytes) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { reallocate_aligned(block, layout, new) }
        };
        self.or_null(moved)
    }
}
