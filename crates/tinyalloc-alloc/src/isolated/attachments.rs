//! Which isolated heaps a thread is using: a page of metadata, taken when it first uses one.

use core::cell::Cell;
use core::ptr::NonNull;
use core::sync::atomic::{Ordering, compiler_fence};

use super::isolated_heap::IsolatedRef;
use crate::heap::HeapRef;
use crate::region::pages::META_PAGE_BYTES;

/// How many heaps a thread stays attached to at a time. More work as well, but change places.
const ENTRIES: usize = 128;
/// How deep heaps may be entered within each other.
pub(crate) const DEPTH_MAX: usize = 48;

/// The number of no heap: see [`crate::Isolated`].
const NO_HEAP: usize = usize::MAX;

/// One thread's part in one isolated heap, which may have been destroyed since: then the part is
/// not to be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attachment {
    id: usize,
    heap: IsolatedRef,
    member: HeapRef,
}

impl Attachment {
    pub(crate) fn new(heap: IsolatedRef, member: HeapRef) -> Attachment {
        Attachment { id: heap.id(), heap, member }
    }

    pub(crate) fn heap(self) -> IsolatedRef {
        self.heap
    }

    pub(crate) fn member(self) -> HeapRef {
        self.member
    }

    pub(crate) fn is_live(self) -> bool {
        self.heap.id() == self.id
    }
}

/// What the hit path reads of an attachment.
#[repr(C)]
struct Entry {
    id: Cell<usize>,
    member: Cell<Option<HeapRef>>,
}

impl Entry {
    const fn empty() -> Entry {
        Entry { id: Cell::new(NO_HEAP), member: Cell::new(None) }
    }
}

/// Invariant T1: one thread's; nobody else reads or writes it.
#[repr(C)]
pub struct Attachments {
    home: HeapRef,
    depth: Cell<usize>,
    entered: [Cell<Option<HeapRef>>; DEPTH_MAX],
    entries: [Entry; ENTRIES],
    heaps: [Cell<Option<IsolatedRef>>; ENTRIES],
}

const _: () = assert!(size_of::<Attachments>() <= META_PAGE_BYTES);

impl Attachments {
    /// # Safety
    /// The page is nobody else's, and stays mapped as long as the thread uses it.
    pub(crate) unsafe fn init(page: NonNull<u8>, home: HeapRef) -> NonNull<Attachments> {
        let attachments = page.cast::<Attachments>();
        let state = Attachments {
            home,
            depth: Cell::new(0),
            entered: [const { Cell::new(None) }; DEPTH_MAX],
            entries: [const { Entry::empty() }; ENTRIES],
            heaps: [const { Cell::new(None) }; ENTRIES],
        };
        // SAFETY: the page is large enough, and the caller's promise.
        unsafe { attachments.write(state) };
        attachments
    }

    /// The thread's part in the global heap.
    pub(crate) fn home(&self) -> HeapRef {
        self.home
    }

    /// This thread's part in a heap, if it is attached to it. No number is that of two heaps, and
    /// that of a destroyed one is nobody's.
    #[inline(always)]
    pub(crate) fn member(&self, heap: IsolatedRef) -> Option<HeapRef> {
        let id = heap.id();
        let entry = &self.entries[id % ENTRIES];
        if entry.id.get() == id { entry.member.get() } else { None }
    }

    /// Enters an attachment into the table, and returns the one that it takes the place of.
    pub(crate) fn replace(&self, attachment: Attachment) -> Option<Attachment> {
        let place = attachment.id % ENTRIES;
        let last = self.take(place);
        self.entries[place].id.set(attachment.id);
        self.entries[place].member.set(Some(attachment.member));
        self.heaps[place].set(Some(attachment.heap));
        last
    }

    fn take(&self, place: usize) -> Option<Attachment> {
        let entry = &self.entries[place];
        let id = entry.id.replace(NO_HEAP);
        Some(Attachment { id, heap: self.heaps[place].take()?, member: entry.member.take()? })
    }

    /// Takes every attachment out.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = Attachment> + '_ {
        (0..ENTRIES).filter_map(|place| self.take(place))
    }

    /// Remembers which heap was current; false when that is too deep.
    pub(crate) fn enter(&self, before: HeapRef) -> bool {
        let depth = self.depth.get();
        let Some(entered) = self.entered.get(depth) else {
            return false;
        };
        // In this order, so that a signal handler which enters and leaves finds, and leaves, what
        // is below it.
        self.depth.set(depth + 1);
        compiler_fence(Ordering::SeqCst);
        entered.set(Some(before));
        true
    }

    /// The heap that was current before the innermost one was entered.
    pub(crate) fn leave(&self) -> Option<HeapRef> {
        let depth = self.depth.get().checked_sub(1)?;
        let before = self.entered.get(depth)?.take();
        compiler_fence(Ordering::SeqCst);
        self.depth.set(depth);
        before
    }

    /// The heaps that this thread will return to.
    pub(crate) fn entered(&self) -> impl Iterator<Item = HeapRef> + '_ {
        self.entered.iter().take(self.depth.get()).filter_map(Cell::get)
    }

    /// Whether `member` is one that this thread will return to.
    pub(crate) fn is_entered(&self, member: HeapRef) -> bool {
        self.entered().any(|entered| entered == member)
    }
}
