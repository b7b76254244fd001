//! Which isolated heaps a thread is using: a page of metadata, taken when it first uses one.

use core::cell::Cell;
use core::ptr::NonNull;

use crate::bins::Bins;
use crate::heap::HeapRef;
use crate::isolated::IsolatedRef;
use crate::pages::META_PAGE_BYTES;

/// How many heaps a thread stays attached to at a time. More work as well, but change places.
const ENTRIES: usize = 128;
/// How deep heaps may be entered within each other.
pub(crate) const DEPTH_MAX: usize = 48;

/// One thread's part in one isolated heap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attachment {
    heap: IsolatedRef,
    id: usize,
    member: HeapRef,
}

impl Attachment {
    pub(crate) fn new(heap: IsolatedRef, id: usize, member: HeapRef) -> Attachment {
        Attachment { heap, id, member }
    }

    pub(crate) fn heap(self) -> IsolatedRef {
        self.heap
    }

    pub(crate) fn member(self) -> HeapRef {
        self.member
    }

    /// Whether the heap was not destroyed since.
    #[inline(always)]
    pub(crate) fn is_live(self) -> bool {
        self.heap.id() == self.id
    }
}

/// Invariant T1: one thread's; nobody else reads or writes it.
#[repr(C)]
pub struct Attachments {
    home: HeapRef,
    depth: Cell<usize>,
    entered: [Cell<Option<HeapRef>>; DEPTH_MAX],
    entries: [Cell<Option<Attachment>>; ENTRIES],
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
            entries: [const { Cell::new(None) }; ENTRIES],
        };
        // SAFETY: the page is large enough, and the caller's promise.
        unsafe { attachments.write(state) };
        attachments
    }

    /// The thread's part in the global heap.
    pub(crate) fn home(&self) -> HeapRef {
        self.home
    }

    /// The place of a heap in the table.
    #[inline(always)]
    pub(crate) fn entry(&self, heap: IsolatedRef) -> &Cell<Option<Attachment>> {
        &self.entries[heap.address() / META_PAGE_BYTES % ENTRIES]
    }

    /// The bins that this thread takes slots of `heap` from, if it is attached to it.
    #[inline(always)]
    pub(crate) fn bins(&self, heap: IsolatedRef) -> Option<NonNull<Bins>> {
        let attachment = self.entry(heap).get()?;
        (attachment.heap == heap && attachment.is_live()).then(|| attachment.member.as_bins())
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Attachment> + '_ {
        self.entries.iter().filter_map(Cell::take)
    }

    /// Remembers which heap was current; false when that is too deep.
    pub(crate) fn enter(&self, before: HeapRef) -> bool {
        let depth = self.depth.get();
        let Some(entered) = self.entered.get(depth) else {
            return false;
        };
        entered.set(Some(before));
        self.depth.set(depth + 1);
        true
    }

    /// The heap that was current before the innermost one was entered.
    pub(crate) fn leave(&self) -> Option<HeapRef> {
        let depth = self.depth.get().checked_sub(1)?;
        self.depth.set(depth);
        self.entered.get(depth)?.take()
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
