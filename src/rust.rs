//! The face for Rust: a global allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};
use core::time::Duration;

use tinyalloc_alloc::{HugePagePolicy, PurgeMode, Stats, Tunables};

use crate::options::OptionError;
use crate::process::{ALLOCATOR, allocate_slow};
use crate::request::{shares_slot, sized};
use crate::thread::Thread;

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

// SAFETY: blocks are distinct, live until freed, and aligned as asked for. No call unwinds.
unsafe impl GlobalAlloc for TinyAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match sized(layout.size(), layout.align()) {
            Some(bytes) => or_null(ALLOCATOR.allocate_hit(Thread, bytes).or_else(|| allocate_slow(bytes))),
            None => or_null(ALLOCATOR.allocate_aligned(Thread, layout.size(), layout.align())),
        }
    }

    // The layout saves nothing here: where the block lies must be known to whom it belongs and that it is one, not only how large it is.
    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, _layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { ALLOCATOR.free(Thread, start) };
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if let Some(bytes) = sized(layout.size(), layout.align()) {
            return or_null(ALLOCATOR.allocate_zeroed(Thread, bytes));
        }
        let block = ALLOCATOR.allocate_aligned(Thread, layout.size(), layout.align());
        if let Some(start) = block {
            // SAFETY: the block holds that much.
            unsafe { start.write_bytes(0, layout.size()) };
        }
        or_null(block)
    }

    #[inline]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        let align = layout.align();
        // SAFETY: the caller's promise: no block is at null.
        let block = unsafe { NonNull::new_unchecked(start) };
        let (Some(bytes), Some(wanted)) = (sized(layout.size(), align), sized(new_bytes, align)) else {
            // SAFETY: the caller's promise.
            return or_null(unsafe { reallocate_aligned(block, layout, new_bytes) });
        };
        if shares_slot(bytes, wanted) {
            return start;
        }
        // SAFETY: the caller's promise.
        or_null(unsafe { ALLOCATOR.reallocate(Thread, block, wanted) })
    }
}

/// # Safety
/// As for `GlobalAlloc::realloc`.
#[cold]
unsafe fn reallocate_aligned(start: NonNull<u8>, layout: Layout, new_bytes: usize) -> Option<NonNull<u8>> {
    let usable = ALLOCATOR.usable_bytes(Thread, start)?;
    // A block that shrinks moves only where that saves at least half of it.
    if (usable / 2 + 1..=usable).contains(&new_bytes) {
        return Some(start);
    }
    let moved = ALLOCATOR.allocate_aligned(Thread, new_bytes, layout.align())?;
    // SAFETY: both blocks are live, distinct, and hold that much.
    unsafe { start.copy_to_nonoverlapping(moved, layout.size().min(usable).min(new_bytes)) };
    // SAFETY: the caller's promise.
    unsafe { ALLOCATOR.free(Thread, start.as_ptr()) };
    Some(moved)
}
