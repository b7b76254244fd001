//! The global allocator for Rust.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};
use core::time::Duration;

use tinyalloc_alloc::{HugePagePolicy, PurgeMode, SLOT_ALIGN, Stats, Tunables};

use super::request::{is_large, shares_slot, sized, slots_are_whole};
use crate::faults::handler::explain;
use crate::faults::report::Explanation;
use crate::lifecycle::process::allocate_slow;
use crate::options::running::OptionError;
use crate::process::instance::ALLOCATOR;
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

    /// Gives all free memory back to the system at once; true if there was any.
    pub fn purge(&self) -> bool {
        ALLOCATOR.purge_all(Thread)
    }

    /// How many bytes a block takes: what was asked for, rounded up to its slot; 0 for null. For counting alone: the compiler knows what was asked
    /// for, and need not respect what is written beyond it.
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
    /// `start` is null, or a live block of this allocator's that nobody frees meanwhile.
    #[must_use]
    pub unsafe fn usable_size(&self, start: *const u8) -> usize {
        NonNull::new(start.cast_mut()).and_then(|start| ALLOCATOR.usable_bytes(Thread, start)).unwrap_or(0)
    }
}

/// Traps.
impl TinyAlloc {
    /// What a trapped access to a guarded block was, for a program's own handler of SIGSEGV; `None` if it was meant for no guarded block.
    /// `address` is what the signal says. Where a program has no such handler, the same is said on standard error.
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

/// Options. Each has an equal in `TINYALLOC_OPTIONS` and [`TinyAlloc::set_option`], which have some more.
impl TinyAlloc {
    /// The most bytes that spans and blocks may take together, isolated heaps included; `usize::MAX` for as many as there are.
    #[must_use]
    pub fn limit(&self) -> usize {
        let mut bytes = usize::MAX;
        let _ = tune(|tunables| bytes = tunables.limit_bytes);
        bytes
    }

    /// Sets the most bytes that spans and blocks may take together. Beyond it there is no memory; what is there already stays.
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
        tune(|tunables| tunables.limit_bytes = bytes)
    }

    /// Sets when free memory goes back to the system.
    ///
    /// # Errors
    /// [`OptionError::Busy`].
    pub fn set_purge_mode(&self, mode: PurgeMode) -> Result<(), OptionError> {
        tune(|tunables| tunables.purge_mode = mode)
    }

    /// Sets how long nobody must have wanted it: between one and two times as long. Whole milliseconds count.
    ///
    /// # Errors
    /// [`OptionError::Busy`]; [`OptionError::BadValue`] for more than 2^64 milliseconds.
    pub fn set_purge_delay(&self, delay: Duration) -> Result<(), OptionError> {
        let milliseconds = u64::try_from(delay.as_millis()).map_err(|_| OptionError::BadValue)?;
        tune(|tunables| tunables.purge_milliseconds = milliseconds)
    }

    /// Sets whether the system is asked for huge pages, for regions that are reserved from now on: at best, first thing in `main`.
    ///
    /// # Errors
    /// [`OptionError::Busy`].
    pub fn set_huge_pages(&self, policy: HugePagePolicy) -> Result<(), OptionError> {
        tune(|tunables| tunables.huge_pages = policy)
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

/// What no free slot lay ready for.
#[cold]
#[inline(never)]
fn allocate_missed(layout: Layout) -> *mut u8 {
    or_null(if layout.align() <= SLOT_ALIGN {
        allocate_slow(layout.size())
    } else {
        ALLOCATOR.allocate_aligned(Thread, layout.size(), layout.align())
    })
}

// SAFETY: blocks are distinct, live until freed, and aligned as asked for. No call unwinds.
unsafe impl GlobalAlloc for TinyAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let hit = sized(layout.size(), layout.align()).and_then(|bytes| ALLOCATOR.allocate_hit(Thread, bytes));
        hit.map_or_else(|| allocate_missed(layout), NonNull::as_ptr)
    }

    // The layout saves nothing here: where the block lies must be known to whom it belongs and that it is one, not only how large it is.
    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, _layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { ALLOCATOR.free(Thread, start) };
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= SLOT_ALIGN || is_large(layout.size(), layout.align()) {
            return or_null(ALLOCATOR.allocate_zeroed(Thread, layout.size()));
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
        // SAFETY: the caller's promise: no block is at null.
        let block = unsafe { NonNull::new_unchecked(start) };
        // SAFETY: the caller's promise.
        or_null(unsafe { ALLOCATOR.reallocate(Thread, block, wanted) })
    }
}

/// # Safety
/// As for `GlobalAlloc::realloc`.
#[cold]
unsafe fn reallocate_aligned(start: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    let usable = unsafe { TinyAlloc.usable_size(start) };
    // A block that shrinks moves only where that saves at least half of it.
    if (usable / 2 + 1..=usable).contains(&new_bytes) {
        return start;
    }
    let moved = or_null(ALLOCATOR.allocate_aligned(Thread, new_bytes, layout.align()));
    if !moved.is_null() {
        // SAFETY: both blocks are live, distinct, and hold that much.
        unsafe { start.copy_to_nonoverlapping(moved, layout.size().min(usable).min(new_bytes)) };
        // SAFETY: the caller's promise.
        unsafe { ALLOCATOR.free(Thread, start) };
    }
    moved
}
