//! The global allocator for Rust, and the options of the process as methods.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};
use core::time::Duration;

use tinyalloc_alloc::{HugePagePolicy, NodeStats, NumaPolicy, PurgeMode, SLOT_ALIGN, Stats, Tunables};

use super::request::{is_large, shares_slot, sized, slots_are_whole};
use crate::faults::handler::explain;
use crate::faults::report::Explanation;
use crate::lifecycle::process::allocate_slow;
use crate::options::running::OptionError;
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::{purge_all, retry_at_new_limit};
use crate::process::settings::SETTINGS;
use crate::process::thread::Thread;

/// The global heap as Rust's global allocator.
#[derive(Clone, Copy, Debug, Default)]
pub struct TinyAlloc;

impl TinyAlloc {
    /// Counts what the heap holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        ALLOCATOR.stats(Thread)
    }

    /// What the heap has of one node of the machine's memory (NUMA); `None` if no thread of the
    /// process was seen there. On most machines there is node 0 alone.
    #[must_use]
    pub fn node_stats(&self, node: u32) -> Option<NodeStats> {
        ALLOCATOR.node_stats(Thread, node)
    }

    /// Releases all free memory to the system; true if there was any.
    pub fn purge(&self) -> bool {
        purge_all()
    }

    /// The calling thread is about to wait for long: other threads, and [`TinyAlloc::purge`], may
    /// have what it keeps ready. It may allocate and free at any time afterwards. Does nothing
    /// inside a [`crate::Heap`] that the thread entered.
    ///
    /// ```
    /// use tinyalloc::TinyAlloc;
    ///
    /// #[global_allocator]
    /// static GLOBAL: TinyAlloc = TinyAlloc;
    ///
    /// drop(vec![0; 1000]);
    /// GLOBAL.thread_idle();
    /// assert_eq!(vec![1; 1000].len(), 1000);
    /// ```
    pub fn thread_idle(&self) {
        ALLOCATOR.idle(Thread);
    }

    /// The usable bytes of a block: the requested size, rounded up to its slot; 0 for null. For
    /// accounting only: the compiler knows the requested size and may ignore writes beyond it.
    ///
    /// ```
    /// use std::alloc::{GlobalAlloc, Layout};
    /// use tinyalloc::TinyAlloc;
    ///
    /// let layout = Layout::new::<[u8; 33]>();
    /// let block = unsafe { TinyAlloc.alloc(layout) };
    /// assert_eq!(unsafe { TinyAlloc.usable_size(block) }, 48);
    /// unsafe { TinyAlloc.dealloc(block, layout) };
    /// ```
    ///
    /// # Safety
    /// `start` is null or a live block of this allocator, and no thread frees it during the call.
    #[must_use]
    pub unsafe fn usable_size(&self, start: *const u8) -> usize {
        NonNull::new(start.cast_mut()).and_then(|start| ALLOCATOR.usable_bytes(Thread, start)).unwrap_or(0)
    }
}

/// Trapped accesses.
impl TinyAlloc {
    /// The report on a trapped access to a guarded block, for a program's own handler of SIGSEGV;
    /// `None` if the access was not meant for a guarded block. `address` is the address that the
    /// signal gives. If the program has no such handler, the same report is written to standard
    /// error.
    ///
    /// ```
    /// use tinyalloc::TinyAlloc;
    ///
    /// let local = 0;
    /// assert!(TinyAlloc.explain_trap((&raw const local).addr()).is_none());
    /// ```
    #[must_use]
    pub fn explain_trap(&self, address: usize) -> Option<Explanation> {
        explain(address)
    }
}

/// Options. Each of these has a name in `TINYALLOC_OPTIONS` and [`TinyAlloc::set_option`], which
/// know further ones.
impl TinyAlloc {
    /// The most bytes that all spans and blocks together may take, including isolated heaps;
    /// `usize::MAX` for no limit.
    #[must_use]
    pub fn limit(&self) -> usize {
        let mut bytes = usize::MAX;
        let _ = tune(|tunables| bytes = tunables.limit_bytes);
        bytes
    }

    /// Sets the most bytes that all spans and blocks together may take. Requests beyond it fail;
    /// existing blocks stay.
    ///
    /// ```
    /// use tinyalloc::TinyAlloc;
    ///
    /// TinyAlloc.set_limit(512 << 20)?;
    /// assert_eq!(TinyAlloc.limit(), 512 << 20);
    /// # Ok::<(), tinyalloc::OptionError>(())
    /// ```
    ///
    /// # Errors
    /// [`OptionError::Busy`].
    pub fn set_limit(&self, bytes: usize) -> Result<(), OptionError> {
        tune(|tunables| {
            SETTINGS.set_limit_percent(0);
            tunables.limit_bytes = bytes;
        })
    }

    /// Sets when free memory is released to the system.
    ///
    /// # Errors
    /// [`OptionError::Busy`].
    pub fn set_purge_mode(&self, mode: PurgeMode) -> Result<(), OptionError> {
        tune(|tunables| tunables.purge_mode = mode)
    }

    /// Sets how long memory must stay free before it is released: it takes between one and two
    /// times as long. Fractions of a millisecond are ignored.
    ///
    /// # Errors
    /// [`OptionError::Busy`]; [`OptionError::BadValue`] for more than 2^64 milliseconds.
    pub fn set_purge_delay(&self, delay: Duration) -> Result<(), OptionError> {
        let milliseconds = u64::try_from(delay.as_millis()).map_err(|_| OptionError::BadValue)?;
        tune(|tunables| tunables.purge_milliseconds = milliseconds)
    }

    /// Sets whether the allocator asks the system for huge pages, for regions that are reserved
    /// from now on. It is best called first in `main`.
    ///
    /// # Errors
    /// [`OptionError::Busy`].
    pub fn set_huge_pages(&self, policy: HugePagePolicy) -> Result<(), OptionError> {
        tune(|tunables| tunables.huge_pages = policy)
    }

    /// Sets which node's memory threads get on a machine with several (NUMA), for regions that are
    /// reserved from now on. It is best called first in `main`.
    ///
    /// # Errors
    /// [`OptionError::Busy`].
    pub fn set_numa(&self, policy: NumaPolicy) -> Result<(), OptionError> {
        tune(|tunables| tunables.numa = policy)
    }

    /// Sets how much address space the next region reserves.
    ///
    /// # Errors
    /// [`OptionError::Busy`].
    pub fn set_region_size(&self, bytes: usize) -> Result<(), OptionError> {
        tune(|tunables| tunables.region_bytes = bytes)
    }
}

fn tune(change: impl FnOnce(&mut Tunables)) -> Result<(), OptionError> {
    if ALLOCATOR.tune(Thread, change) { Ok(()) } else { Err(OptionError::Busy) }
}

fn or_null(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(null_mut(), NonNull::as_ptr)
}

/// Allocates when no free slot is ready.
#[cold]
#[inline(never)]
fn allocate_missed(layout: Layout) -> *mut u8 {
    or_null(if layout.align() <= SLOT_ALIGN {
        allocate_slow(layout.size())
    } else {
        retry_at_new_limit(|| ALLOCATOR.allocate_aligned(Thread, layout.size(), layout.align()))
    })
}

// SAFETY: blocks are distinct, live until freed, and aligned as requested. No call unwinds.
unsafe impl GlobalAlloc for TinyAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let hit = sized(layout.size(), layout.align()).and_then(|bytes| ALLOCATOR.allocate_hit(Thread, bytes));
        hit.map_or_else(|| allocate_missed(layout), NonNull::as_ptr)
    }

    // The layout saves no work here: `free` must check the block and find its heap, which needs
    // more than its size.
    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, _layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { ALLOCATOR.free(Thread, start) };
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= SLOT_ALIGN || is_large(layout.size(), layout.align()) {
            return or_null(retry_at_new_limit(|| ALLOCATOR.allocate_zeroed(Thread, layout.size())));
        }
        // SAFETY: the caller's promise.
        let start = unsafe { self.alloc(layout) };
        if !start.is_null() {
            // SAFETY: the block holds that much.
            unsafe { start.write_bytes(0, layout.size()) };
        }
        start
    }

    #[inline]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        let align = layout.align();
        let (Some(bytes), Some(wanted)) = (sized(layout.size(), align), sized(new_bytes, align)) else {
            // SAFETY: the caller's promise.
            return unsafe { reallocate_aligned(start, layout, new_bytes) };
        };
        if shares_slot(bytes, wanted) && slots_are_whole() {
            return start;
        }
        if align > SLOT_ALIGN && !slots_are_whole() {
            // SAFETY: the caller's promise.
            return unsafe { reallocate_aligned(start, layout, new_bytes) };
        }
        // SAFETY: the caller's promise: the block is not null.
        let block = unsafe { NonNull::new_unchecked(start) };
        // SAFETY: the caller's promise.
        or_null(retry_at_new_limit(|| unsafe { ALLOCATOR.reallocate(Thread, block, wanted) }))
    }
}

/// # Safety
/// As for `GlobalAlloc::realloc`.
#[cold]
unsafe fn reallocate_aligned(start: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    let usable = unsafe { TinyAlloc.usable_size(start) };
    // A block that shrinks moves only if that saves at least half of it.
    if (usable / 2 + 1..=usable).contains(&new_bytes) {
        return start;
    }
    let moved = or_null(retry_at_new_limit(|| ALLOCATOR.allocate_aligned(Thread, new_bytes, layout.align())));
    if !moved.is_null() {
        // SAFETY: both blocks are live, distinct, and hold that much.
        unsafe { start.copy_to_nonoverlapping(moved, layout.size().min(usable).min(new_bytes)) };
        // SAFETY: the caller's promise.
        unsafe { ALLOCATOR.free(Thread, start) };
    }
    moved
}
