//! Which isolated heaps a thread is using: a page of metadata, taken when it first uses one.

use core::cell::Cell;
use core::ptr::NonNull;
use core::sync::atomic::{Ordering, compiler_fence};

use super::heap_record::HeapRef;
use crate::region::pages::META_PAGE_BYTES;
use crate::thread_heap::ThreadHeapRef;

/// How many heaps a thread stays attached to at a time. More work as well, but change places.
const ENTRIES: usize = 128;
/// How deep heaps may be entered within each other.
pub(crate) const DEPTH_MAX: usize = 48;

/// The number of no heap: see [`crate::Heap`].
const NO_HEAP: usize = usize::MAX;

/// One thread's part in one isolated heap, which may have been destroyed since: then the part is
/// not to be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeapTableEntry {
    id: usize,
    heap: HeapRef,
    thread_heap: ThreadHeapRef,
}

impl HeapTableEntry {
    pub(crate) fn new(heap: HeapRef, thread_heap: ThreadHeapRef) -> HeapTableEntry {
        HeapTableEntry { id: heap.id(), heap, thread_heap }
    }

    pub(crate) fn heap(self) -> HeapRef {
        self.heap
    }

    pub(crate) fn thread_heap(self) -> ThreadHeapRef {
        self.thread_heap
    }

    pub(crate) fn is_live(self) -> bool {
        self.heap.id() == self.id
    }
}

/// What the hit path reads of an entry.
#[repr(C)]
struct Entry {
    id: Cell<usize>,
    thread_heap: Cell<Option<ThreadHeapRef>>,
}

impl Entry {
    const fn empty() -> Entry {
        Entry { id: Cell::new(NO_HEAP), thread_heap: Cell::new(None) }
    }
}

/// Invariant T1: one thread's; no other thread reads or writes it.
#[repr(C)]
pub struct HeapTable {
    default_heap: ThreadHeapRef,
    depth: Cell<usize>,
    pushed: [Cell<Option<ThreadHeapRef>>; DEPTH_MAX],
    entries: [Entry; ENTRIES],
    heaps: [Cell<Option<HeapRef>>; ENTRIES],
}

const _: () = assert!(size_of::<HeapTable>() <= META_PAGE_BYTES);

impl HeapTable {
    /// # Safety
    /// The page belongs to no other thread, and stays mapped as long as the thread uses it.
    pub(crate) unsafe fn init(page: NonNull<u8>, default_heap: ThreadHeapRef) -> NonNull<HeapTable> {
        let heap_table = page.cast::<HeapTable>();
        let state = HeapTable {
            default_heap,
            depth: Cell::new(0),
            pushed: [const { Cell::new(None) }; DEPTH_MAX],
            entries: [const { Entry::empty() }; ENTRIES],
            heaps: [const { Cell::new(None) }; ENTRIES],
        };
        // SAFETY: the page is large enough, and the caller's promise.
        unsafe { heap_table.write(state) };
        heap_table
    }

    /// The thread's part in the global heap.
    pub(crate) fn default_heap(&self) -> ThreadHeapRef {
        self.default_heap
    }

    /// This thread's part in a heap, if it is attached to it. No number is that of two heaps, and
    /// no thread has that of a destroyed one.
    #[inline(always)]
    pub(crate) fn thread_heap(&self, heap: HeapRef) -> Option<ThreadHeapRef> {
        let id = heap.id();
        let entry = &self.entries[id % ENTRIES];
        if entry.id.get() == id { entry.thread_heap.get() } else { None }
    }

    /// Enters a thread heap into the table, and returns the one that it takes the place of.
    pub(crate) fn replace(&self, attachment: HeapTableEntry) -> Option<HeapTableEntry> {
        let place = attachment.id % ENTRIES;
        let last = self.take(place);
        self.entries[place].id.set(attachment.id);
        self.entries[place].thread_heap.set(Some(attachment.thread_heap));
        self.heaps[place].set(Some(attachment.heap));
        last
    }

    fn take(&self, place: usize) -> Option<HeapTableEntry> {
        let entry = &self.entries[place];
        let id = entry.id.replace(NO_HEAP);
        Some(HeapTableEntry { id, heap: self.heaps[place].take()?, thread_heap: entry.thread_heap.take()? })
    }

    /// Takes every entry out.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = HeapTableEntry> + '_ {
        (0..ENTRIES).filter_map(|place| self.take(place))
    }

    /// Remembers which heap was current; false when that is too deep.
    pub(crate) fn push(&self, before: ThreadHeapRef) -> bool {
        let depth = self.depth.get();
        let Some(pushed) = self.pushed.get(depth) else {
            return false;
        };
        // In this order, so that a signal handler which enters and leaves finds, and leaves, what
        // is below it.
        self.depth.set(depth + 1);
        compiler_fence(Ordering::SeqCst);
        pushed.set(Some(before));
        true
    }

    /// Whether this thread entered a heap, and has not left it.
    #[inline(always)]
    pub(crate) fn has_pushed(&self) -> bool {
        self.depth.get() > 0
    }

    /// The heap that was current before the innermost one was entered.
    pub(crate) fn pop(&self) -> Option<ThreadHeapRef> {
        let depth = self.depth.get().checked_sub(1)?;
        let before = self.pushed.get(depth)?.take();
        compiler_fence(Ordering::SeqCst);
        self.depth.set(depth);
        before
    }

    /// The heaps that this thread will return to.
    pub(crate) fn pushed(&self) -> impl Iterator<Item = ThreadHeapRef> + '_ {
        self.pushed.iter().take(self.depth.get()).filter_map(Cell::get)
    }

    /// Whether `thread_heap` is one that this thread will return to.
    pub(crate) fn is_pushed(&self, thread_heap: ThreadHeapRef) -> bool {
        self.pushed().any(|pushed| pushed == thread_heap)
    }
}
