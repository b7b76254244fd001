//! Isolated heaps for Rust.

use core::alloc::Layout;
use core::error::Error;
use core::fmt::{Debug, Display, Formatter, Result as FmtResult};
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use tinyalloc_alloc::{BlockOwner, HeapMemory, HeapName, HeapOptions, HeapRef, SLOT_ALIGN, Stats};

use super::request::{is_large, shares_slot, sized, slots_are_whole};
use crate::options::running::set_heap_interval;
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::retry_at_new_limit;
use crate::process::thread::Thread;

/// There is no memory for another heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHeap;

impl Display for NoHeap {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str("there is no memory for another heap")
    }
}

impl Error for NoHeap {}

/// An isolated heap: it shares no page, no record and no free slot with any other heap. Any thread
/// may use it. Dropping it frees everything in it, in time that depends on the number of its spans,
/// not of its blocks.
///
/// With the feature `allocator-api2-02` or `allocator-api2-04`, `&Heap` is an `Allocator` of
/// allocator-api2, and a collection cannot outlive its heap:
///
/// ```
/// # #[cfg(feature = "allocator-api2-04")] {
/// use allocator_api2_04::vec::Vec;
/// use tinyalloc::Heap;
///
/// let heap = Heap::with_limit(1 << 20)?;
/// let mut numbers = Vec::new_in(&heap);
/// numbers.extend(0..1000u32);
/// assert!(heap.stats().allocated >= 4000);
/// # }
/// # Ok::<(), tinyalloc::NoHeap>(())
/// ```
///
/// A value that would outlive the heap does not compile:
///
/// ```compile_fail,E0505
/// use allocator_api2_04::boxed::Box;
/// use tinyalloc::Heap;
///
/// let heap = Heap::new()?;
/// let number = Box::new_in(1, &heap);
/// drop(heap);
/// assert_eq!(*number, 1);
/// # Ok::<(), tinyalloc::NoHeap>(())
/// ```
///
/// Nor does a leaked one:
///
/// ```compile_fail,E0597
/// # use allocator_api2_04::boxed::Box;
/// # use tinyalloc::Heap;
/// let number: &'static mut u32 = {
///     let heap = Heap::new()?;
///     Box::leak(Box::new_in(1, &heap))
/// };
/// # Ok::<(), tinyalloc::NoHeap>(())
/// ```
pub struct Heap {
    heap: HeapRef,
}

impl Heap {
    /// A heap without a limit.
    ///
    /// # Errors
    /// [`NoHeap`].
    pub fn new() -> Result<Heap, NoHeap> {
        Heap::named("", usize::MAX)
    }

    /// A heap whose blocks together take at most `bytes` bytes, with requests rounded up to their
    /// slots.
    ///
    /// # Errors
    /// [`NoHeap`].
    pub fn with_limit(bytes: usize) -> Result<Heap, NoHeap> {
        Heap::named("", bytes)
    }

    /// As [`Heap::with_limit`], with a name for messages and statistics, of which 31 bytes are
    /// kept.
    ///
    /// # Errors
    /// [`NoHeap`].
    pub fn named(name: &str, limit_bytes: usize) -> Result<Heap, NoHeap> {
        let options = HeapOptions { name: HeapName::new(name), limit_bytes, ..HeapOptions::default() };
        ALLOCATOR.create_heap(Thread, &options).map(|heap| Heap { heap }).ok_or(NoHeap)
    }

    /// The name of the heap.
    #[must_use]
    pub fn name(&self) -> HeapName {
        self.heap.name()
    }

    /// The statistics of the heap.
    #[must_use]
    pub fn stats(&self) -> Stats {
        ALLOCATOR.heap_stats(Thread, self.heap).unwrap_or_default()
    }

    /// Whether an address lies in the memory of this heap. For blocks of 32 MiB and more this is
    /// known for the first byte only.
    #[must_use]
    pub fn contains<T: ?Sized>(&self, address: *const T) -> bool {
        ALLOCATOR.owner_of(Thread, address.addr()) == Some(BlockOwner::Heap(self.heap))
    }

    /// The limit in bytes; `usize::MAX` for none.
    #[must_use]
    pub fn limit(&self) -> usize {
        ALLOCATOR.heap_limit(self.heap).0
    }

    /// Changes the limit; existing blocks stay.
    pub fn set_limit(&self, bytes: usize) {
        ALLOCATOR.set_heap_limit(self.heap, bytes);
    }

    /// Sets how many bytes of this heap come to one sample of the heap profile: 0 for no samples,
    /// `None` for as many as in the process. False, and nothing was changed, where there is no
    /// profile, or no memory for it.
    pub fn set_profile_interval(&self, interval: Option<usize>) -> bool {
        set_heap_interval(self.heap, interval)
    }

    /// Has the memory that this heap takes from now on come from one node of the machine's memory
    /// (NUMA), whichever threads use it; `None` for the node of the thread that takes it. False,
    /// and nothing was changed, if the process may not use memory of that node.
    ///
    /// Memory of large blocks is asked for as a whole. Small blocks share the memory that the heap
    /// has already: call this before the first.
    pub fn set_node(&self, node: Option<u32>) -> bool {
        ALLOCATOR.set_heap_node(Thread, self.heap, node)
    }

    /// Releases the heap's free memory to the system, except for what other threads keep ready;
    /// true if there was any.
    pub fn purge(&self) -> bool {
        ALLOCATOR.purge_heap(Thread, self.heap)
    }

    /// Frees everything in the heap, and keeps the memory for further blocks. No block can be in
    /// use, because every user borrows the heap.
    ///
    /// ```compile_fail,E0502
    /// # use allocator_api2_04::vec::Vec;
    /// # use tinyalloc::Heap;
    /// let mut heap = Heap::new()?;
    /// let mut numbers = Vec::new_in(&heap);
    /// numbers.push(1);
    /// heap.reset();
    /// numbers.push(2);
    /// # Ok::<(), tinyalloc::NoHeap>(())
    /// ```
    pub fn reset(&mut self) {
        // SAFETY: the users of the blocks borrow the heap, or promised to be gone.
        let _ = unsafe { ALLOCATOR.reset_heap(Thread, self.heap, HeapMemory::Retained) };
    }

    /// A block for a layout, or `None` if there is no memory within the limit. It is valid until it
    /// is passed to [`Heap::deallocate`], or the heap is reset or dropped.
    #[inline]
    #[must_use]
    pub fn allocate(&self, layout: Layout) -> Option<NonNull<u8>> {
        let hit = sized(layout.size(), layout.align()).and_then(|bytes| ALLOCATOR.allocate_in_hit(Thread, self.heap, bytes));
        hit.or_else(|| self.allocate_missed(layout))
    }

    /// Allocates when no free slot is ready.
    #[cold]
    #[inline(never)]
    fn allocate_missed(&self, layout: Layout) -> Option<NonNull<u8>> {
        retry_at_new_limit(|| {
            if layout.align() <= SLOT_ALIGN {
                ALLOCATOR.allocate_in_slow(Thread, self.heap, layout.size())
            } else {
                ALLOCATOR.allocate_aligned_in(Thread, self.heap, layout.size(), layout.align())
            }
        })
    }

    /// As [`Heap::allocate`], with every byte zero.
    #[must_use]
    pub fn allocate_zeroed(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() <= SLOT_ALIGN || is_large(layout.size(), layout.align()) {
            return retry_at_new_limit(|| ALLOCATOR.allocate_zeroed_in(Thread, self.heap, layout.size()));
        }
        let start = self.allocate(layout)?;
        // SAFETY: the block holds that much.
        unsafe { start.write_bytes(0, layout.size()) };
        Some(start)
    }

    /// Frees a block. For a block of another heap, a message names both heaps and the process ends.
    ///
    /// # Safety
    /// The block is from this heap and is not used afterwards.
    #[inline]
    pub unsafe fn deallocate(&self, start: NonNull<u8>) {
        // SAFETY: the caller's promise.
        unsafe { ALLOCATOR.free_in(Thread, self.heap, start.as_ptr()) };
    }

    /// Changes the size of a block, and moves it if necessary; `None` leaves it unchanged.
    ///
    /// # Safety
    /// The block is from this heap and has this layout. After success only the returned block is
    /// used.
    #[must_use]
    pub unsafe fn reallocate(&self, start: NonNull<u8>, layout: Layout, bytes: usize) -> Option<NonNull<u8>> {
        let align = layout.align();
        if let (Some(before), Some(wanted)) = (sized(layout.size(), align), sized(bytes, align)) {
            if shares_slot(before, wanted) && slots_are_whole() {
                return Some(start);
            }
            if align <= SLOT_ALIGN || slots_are_whole() {
                // SAFETY: the caller's promise.
                return retry_at_new_limit(|| unsafe { ALLOCATOR.reallocate_in(Thread, Some(self.heap), start, wanted) });
            }
        }
        let moved = self.allocate(Layout::from_size_align(bytes, align).ok()?)?;
        // SAFETY: both blocks are live, distinct, and hold that much.
        unsafe { start.copy_to_nonoverlapping(moved, layout.size().min(bytes)) };
        // SAFETY: the caller's promise.
        unsafe { self.deallocate(start) };
        Some(moved)
    }

    /// Makes this heap the current heap of this thread until the returned value is dropped: it
    /// serves what the thread allocates through [`crate::TinyAlloc`], and through `malloc` if that
    /// is tinyalloc's. `None` if heaps are entered 48 deep already, or there is no memory.
    ///
    /// ```
    /// use tinyalloc::{Heap, TinyAlloc};
    ///
    /// #[global_allocator]
    /// static GLOBAL: TinyAlloc = TinyAlloc;
    ///
    /// # fn main() -> Result<(), tinyalloc::NoHeap> {
    /// let heap = Heap::new()?;
    /// // SAFETY: only `words` is allocated in the meantime, and it is dropped before the heap.
    /// let entered = unsafe { heap.enter() }.ok_or(tinyalloc::NoHeap)?;
    /// let words: Vec<String> = "a request of its own".split(' ').map(str::to_owned).collect();
    /// drop(entered);
    /// assert!(heap.contains(words.as_ptr()) && words.iter().all(|word| heap.contains(word.as_ptr())));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Safety
    /// Nothing that is allocated in the meantime is used after the heap is reset or dropped. The
    /// returned values are dropped in reverse order.
    #[must_use = "the heap is current until this is dropped"]
    pub unsafe fn enter(&self) -> Option<Entered<'_>> {
        ALLOCATOR.push_heap(Thread, Some(self.heap)).then_some(Entered { heap: PhantomData })
    }
}

/// No call unwinds, so none leaves the heap half-changed.
impl UnwindSafe for Heap {}
impl RefUnwindSafe for Heap {}

impl Drop for Heap {
    fn drop(&mut self) {
        // Refused only if a thread entered the heap and never left it. The heap then stays, and its
        // blocks may stay, too.
        // SAFETY: what is in the heap borrows it, or was promised to be gone.
        let _ = unsafe { ALLOCATOR.destroy_heap(Thread, self.heap, HeapMemory::Released) };
    }
}

impl Debug for Heap {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_struct("Heap").field("name", &self.name()).field("limit", &self.limit()).finish()
    }
}

/// While it lives, the heap is current for the thread that entered it, and for no other:
///
/// ```compile_fail,E0277
/// fn send<T: Send>(_: T) {}
/// let heap = tinyalloc::Heap::new()?;
/// send(unsafe { heap.enter() });
/// # Ok::<(), tinyalloc::NoHeap>(())
/// ```
#[derive(Debug)]
pub struct Entered<'heap> {
    // Not `Send`.
    heap: PhantomData<(&'heap Heap, *mut u8)>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        ALLOCATOR.pop_heap(Thread);
    }
}

#[cfg(any(feature = "allocator-api2-02", feature = "allocator-api2-04", feature = "nightly"))]
mod collections {
    use core::alloc::Layout;
    use core::ptr::NonNull;

    use tinyalloc_alloc::{SLOT_ALIGN, SizeClass};
    use tinyalloc_allocator_api::{Source, implement_allocator};

    use super::Heap;
    use crate::rust::request::slots_are_whole;

    // SAFETY: blocks are distinct, aligned, and live until freed, or the heap is reset or dropped,
    // which takes a mutable borrow.
    unsafe impl Source for Heap {
        #[inline]
        fn allocate(&self, layout: Layout) -> Option<NonNull<u8>> {
            Heap::allocate(self, layout)
        }

        #[inline]
        fn usable_bytes(&self, layout: Layout) -> usize {
            let is_whole = layout.align() <= SLOT_ALIGN && slots_are_whole();
            SizeClass::of(layout.size()).filter(|_| is_whole).map_or(layout.size(), SizeClass::bytes)
        }

        fn allocate_zeroed(&self, layout: Layout) -> Option<NonNull<u8>> {
            Heap::allocate_zeroed(self, layout)
        }

        #[inline]
        unsafe fn deallocate(&self, start: NonNull<u8>, _layout: Layout) {
            // SAFETY: the caller's promise.
            unsafe { Heap::deallocate(self, start) };
        }

        unsafe fn reallocate(&self, start: NonNull<u8>, layout: Layout, bytes: usize) -> Option<NonNull<u8>> {
            // SAFETY: the caller's promise.
            unsafe { Heap::reallocate(self, start, layout, bytes) }
        }
    }

    implement_allocator!(impl[] for &Heap);
}
