//! An isolated heap: heaps of its own, one for each thread that uses it, and records of its own, on
//! pages of metadata that no other heap has a part in.
//!
//! Its first page holds the heap itself, the heap of the first thread, and records; a further one
//! the heap of another thread and records, or records alone.

use core::cell::Cell;
use core::ffi::CStr;
use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::iter::{from_fn, successors};
use core::mem::offset_of;
use core::ops::Deref;
use core::ptr::{NonNull, null_mut, with_exposed_provenance_mut};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering};

use tinyalloc_list::{Linked, Links, List};

use crate::hardening::hardening_policy::HardeningPolicy;
use crate::region::pages::META_PAGE_BYTES;
use crate::region::partition::Partition;
use crate::report::heap_label::HeapLabel;
use crate::report::heap_name::HeapName;
use crate::span::Span;
use crate::span::bins::Bins;
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;
use crate::support::fields::{Field, fields};
use crate::thread_heap::pool::Pool;
use crate::thread_heap::quota::{Quota, QuotaRef};
use crate::thread_heap::{ThreadHeap, ThreadHeapRef};

/// The node of a heap whose memory is that of the threads that use it.
const NO_NODE: u32 = u32::MAX;
/// The interval of a heap that has none of its own.
const AS_THE_PROCESS: usize = usize::MAX;
const RECORDS_ONLY_AT: usize = align_of::<Span>();
const THREAD_HEAP_AT: usize = align_of::<ThreadHeap>();
const FIRST_THREAD_HEAP_AT: usize = size_of::<Heap>().next_multiple_of(align_of::<ThreadHeap>());

const fn records_after(member_at: usize) -> usize {
    (member_at + size_of::<ThreadHeap>()).next_multiple_of(align_of::<Span>())
}

const _: () = assert!(size_of::<PageHead>() <= THREAD_HEAP_AT);
const _: () = assert!(records_after(FIRST_THREAD_HEAP_AT) + 4 * size_of::<Span>() <= META_PAGE_BYTES);

/// What a new heap is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapOptions {
    /// What it is called.
    pub name: HeapName,
    /// The most bytes that its slots and blocks may take; beyond it there is no memory.
    pub limit_bytes: usize,
    /// User data: words that the engine keeps for the creator of the heap.
    pub user_data: [usize; 3],
}

impl Default for HeapOptions {
    fn default() -> HeapOptions {
        HeapOptions { name: HeapName::default(), limit_bytes: usize::MAX, user_data: [0; 3] }
    }
}

/// What every page of an isolated heap begins with.
#[repr(C)]
struct PageHead {
    isolated: Cell<Option<NonNull<Heap>>>,
    next: Cell<Option<NonNull<PageHead>>>,
    records_at: Cell<usize>,
    records: Cell<usize>,
}

impl PageHead {
    fn new(isolated: NonNull<Heap>, next: Option<NonNull<PageHead>>, records_at: usize) -> PageHead {
        PageHead {
            isolated: Cell::new(Some(isolated)),
            next: Cell::new(next),
            records_at: Cell::new(records_at),
            records: Cell::new(0),
        }
    }

    fn has_room(&self) -> bool {
        self.record_at(self.records.get() + 1) <= META_PAGE_BYTES
    }

    fn record_at(&self, index: usize) -> usize {
        self.records_at.get() + index * size_of::<Span>()
    }
}

/// Invariants. I1: pages of metadata are never unmapped while the allocator lives, so that any
/// thread that holds a stale address reads an `id` that is no live heap's. I2: the lock of the
/// space guards pages and records, that of the pool the thread heaps and their pool.
#[repr(C, align(64))]
pub struct Heap {
    head: PageHead,
    id: AtomicUsize,
    quota: Quota,
    newest_page: Cell<NonNull<PageHead>>,
    filling: Cell<NonNull<PageHead>>,
    retired: AtomicPtr<Span>,
    links: Links<Heap>,
    thread_heaps: Cell<Option<ThreadHeapRef>>,
    pool: Pool,
    pushed: AtomicUsize,
    name: HeapName,
    user_data: [AtomicUsize; 3],
    profile_interval: AtomicUsize,
    profile_bins: AtomicPtr<Bins>,
    has_samples: AtomicBool,
    partition: AtomicU8,
    node: AtomicU32,
}

// SAFETY: I2 for the cells; the rest is atomic.
unsafe impl Sync for Heap {}

// SAFETY: `links` is always the same field, and pages stay valid (I1).
unsafe impl Linked for Heap {
    fn links(&self) -> &Links<Heap> {
        &self.links
    }
}

/// An isolated heap by address. It may have been destroyed since: then its id is not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct HeapRef(NonNull<Heap>);

// SAFETY: it is used from any thread at once; `Heap` is `Sync`.
unsafe impl Send for HeapRef {}
// SAFETY: as above.
unsafe impl Sync for HeapRef {}

impl Deref for HeapRef {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        // SAFETY: I1.
        unsafe { self.0.as_ref() }
    }
}

impl Debug for Heap {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        write!(formatter, "heap {:?}", self.name)
    }
}

/// Addresses.
impl HeapRef {
    /// The heap as an opaque pointer.
    #[must_use]
    pub fn as_ptr(self) -> NonNull<Heap> {
        self.0
    }

    /// # Safety
    /// The pointer came from [`HeapRef::as_ptr`]; the heap may have been destroyed since.
    #[must_use]
    pub unsafe fn from_ptr(pointer: NonNull<Heap>) -> HeapRef {
        HeapRef(pointer)
    }

    /// How messages name it.
    #[must_use]
    pub fn label(self) -> HeapLabel {
        HeapLabel::new(self.name, self.0.as_ptr().addr())
    }

    /// # Safety
    /// A heap is there, or was (I1).
    pub(crate) unsafe fn from_node(node: NonNull<Heap>) -> HeapRef {
        HeapRef(node)
    }

    pub(crate) fn as_node(self) -> NonNull<Heap> {
        self.0
    }

    pub(crate) fn address(self) -> usize {
        self.0.as_ptr().addr()
    }

    /// The isolated heap that a thread's heap is a thread heap of.
    pub(crate) fn of(heap: ThreadHeapRef) -> Option<HeapRef> {
        let quota = heap.quota()?.as_ptr().cast::<u8>();
        // SAFETY: every quota of a heap is part of an isolated one.
        Some(HeapRef(unsafe { quota.sub(offset_of!(Heap, quota)) }.cast()))
    }

    /// The isolated heap that a span belongs to, small or large.
    pub(crate) fn of_span(span: SpanRef) -> Option<HeapRef> {
        if !span.is_isolated() {
            return None;
        }
        let page: *mut PageHead = with_exposed_provenance_mut(span.as_ptr().addr() & !(META_PAGE_BYTES - 1));
        // SAFETY: the record lies on a page of an isolated heap, which begins with its head (I1).
        unsafe { &*page }.isolated.get().map(HeapRef)
    }
}

/// Life.
impl HeapRef {
    /// # Safety
    /// The page belongs to no other thread, and stays mapped (I1).
    pub(crate) unsafe fn init(page: NonNull<u8>, id: usize, options: &HeapOptions, policy: HardeningPolicy) -> HeapRef {
        let isolated = page.cast::<Heap>();
        page.as_ptr().expose_provenance();
        let state = Heap {
            head: PageHead::new(isolated, None, records_after(FIRST_THREAD_HEAP_AT)),
            id: AtomicUsize::new(id),
            quota: Quota::new(options.limit_bytes),
            newest_page: Cell::new(page.cast()),
            filling: Cell::new(page.cast()),
            retired: AtomicPtr::new(null_mut()),
            links: Links::new(),
            thread_heaps: Cell::new(None),
            pool: Pool::new(),
            pushed: AtomicUsize::new(0),
            name: options.name,
            user_data: options.user_data.map(AtomicUsize::new),
            node: AtomicU32::new(NO_NODE),
            profile_interval: AtomicUsize::new(AS_THE_PROCESS),
            profile_bins: AtomicPtr::new(null_mut()),
            has_samples: AtomicBool::new(false),
            partition: AtomicU8::new(Partition::NONE.number()),
        };
        // SAFETY: the page is large enough, and the caller's promise.
        unsafe { isolated.write(state) };
        let heap = HeapRef(isolated);
        // SAFETY: the caller's promise, and the records begin behind the thread heap.
        let first = unsafe { heap.place_thread_heap(page, FIRST_THREAD_HEAP_AT, policy) };
        heap.pool.push(first);
        heap
    }

    /// No thread takes it for a live heap from here on.
    pub(crate) fn end(self) {
        self.id.store(0, Ordering::Release);
    }

    /// A thread heap on a page of its own, for a further thread.
    ///
    /// # Safety
    /// The page belongs to no other thread, and stays mapped (I1).
    pub(crate) unsafe fn add_thread_heap(self, page: NonNull<u8>, policy: HardeningPolicy) -> ThreadHeapRef {
        // SAFETY: the caller's promise.
        unsafe { self.add_page(page, records_after(THREAD_HEAP_AT)) };
        // SAFETY: as above, and the records begin behind the thread heap.
        unsafe { self.place_thread_heap(page, THREAD_HEAP_AT, policy) }
    }

    /// A page for further records.
    ///
    /// # Safety
    /// As for [`HeapRef::add_thread_heap`].
    pub(crate) unsafe fn add_records(self, page: NonNull<u8>) {
        // SAFETY: the caller's promise.
        unsafe { self.add_page(page, RECORDS_ONLY_AT) };
    }

    /// # Safety
    /// As for [`HeapRef::add_thread_heap`].
    unsafe fn add_page(self, page: NonNull<u8>, records_at: usize) {
        page.as_ptr().expose_provenance();
        let head = page.cast::<PageHead>();
        // SAFETY: the caller's promise.
        unsafe { head.write(PageHead::new(self.0, Some(self.newest_page.get()), records_at)) };
        self.newest_page.set(head);
        self.filling.set(head);
    }

    /// # Safety
    /// As for [`HeapRef::add_thread_heap`], and nothing else lies at `at`.
    unsafe fn place_thread_heap(self, page: NonNull<u8>, at: usize, policy: HardeningPolicy) -> ThreadHeapRef {
        // SAFETY: there is room for a heap at `at`.
        let memory = unsafe { page.add(at) };
        // SAFETY: the quota is part of the heap.
        let quota = unsafe { self.0.cast::<u8>().add(offset_of!(Heap, quota)) };
        // SAFETY: pages stay mapped (I1). Not made of a reference: the whole page may be reached
        // from it.
        let quota = unsafe { QuotaRef::new(quota.cast()) };
        // SAFETY: it is a heap's worth of metadata, no other thread's.
        let thread_heap = unsafe { ThreadHeapRef::init(memory, self.thread_heaps.get(), Some(quota), policy) };
        self.thread_heaps.set(Some(thread_heap));
        thread_heap
    }

    /// The pages, each read before it is yielded: it may be given up.
    pub(crate) fn pages(self) -> impl Iterator<Item = NonNull<u8>> {
        let mut next = Some(self.newest_page.get());
        from_fn(move || {
            let page = next?;
            // SAFETY: pages begin with their heads (I1).
            next = unsafe { page.as_ref() }.next.get();
            Some(page.cast())
        })
    }

    /// The heaps of its threads.
    pub(crate) fn thread_heaps(self) -> impl Iterator<Item = ThreadHeapRef> {
        successors(self.thread_heaps.get(), |heap| heap.next_heap())
    }
}

/// Records.
impl HeapRef {
    /// A record that was retired, or one that never was in use; `None` when the pages are full.
    pub(crate) fn take_record(self) -> Option<SpanRef> {
        let retired = self.retired.load(Ordering::Relaxed);
        if !retired.is_null() {
            // SAFETY: retired records are records.
            let span = unsafe { SpanRef::from_raw(retired) };
            self.retired.store(span.dirty_next().load(Ordering::Relaxed), Ordering::Relaxed);
            return Some(span);
        }
        let page = self.page_with_room()?;
        // SAFETY: pages begin with their heads (I1).
        let head = unsafe { page.as_ref() };
        // SAFETY: there is room for one more.
        let record = unsafe { page.cast::<u8>().add(head.record_at(head.records.get())) }.cast::<Span>();
        record.as_ptr().expose_provenance();
        head.records.set(head.records.get() + 1);
        // SAFETY: it belongs to no thread yet.
        Some(unsafe { SpanRef::blank(record) })
    }

    /// The page that is being filled; the next older one, where a reset left room, when it is full.
    fn page_with_room(self) -> Option<NonNull<PageHead>> {
        let page = self.filling.get();
        // SAFETY: pages begin with their heads (I1).
        let head = unsafe { page.as_ref() };
        if head.has_room() {
            return Some(page);
        }
        let older = head.next.get()?;
        // SAFETY: as above.
        let has_room = unsafe { older.as_ref() }.has_room();
        has_room.then(|| {
            self.filling.set(older);
            older
        })
    }

    pub(crate) fn retire_record(self, span: SpanRef) {
        span.dirty_next().store(self.retired.load(Ordering::Relaxed), Ordering::Relaxed);
        self.retired.store(span.as_ptr(), Ordering::Relaxed);
    }

    /// Every span and large block.
    pub(crate) fn spans(self) -> Spans {
        Spans { page: Some(self.newest_page.get()), index: 0 }
    }

    /// All records are free.
    pub(crate) fn forget_records(self) {
        self.retired.store(null_mut(), Ordering::Relaxed);
        self.filling.set(self.newest_page.get());
        for page in self.pages() {
            // SAFETY: pages begin with their heads (I1).
            unsafe { page.cast::<PageHead>().as_ref() }.records.set(0);
        }
    }
}

/// The records of a heap that are in use, page by page.
pub(crate) struct Spans {
    page: Option<NonNull<PageHead>>,
    index: usize,
}

impl Iterator for Spans {
    type Item = SpanRef;

    // Called from several places: not to be copied there.
    #[inline(never)]
    fn next(&mut self) -> Option<SpanRef> {
        loop {
            let page = self.page?;
            // SAFETY: pages begin with their heads (I1).
            let head = unsafe { page.as_ref() };
            if self.index >= head.records.get() {
                *self = Spans { page: head.next.get(), index: 0 };
                continue;
            }
            // SAFETY: the records lie on the page.
            let record = unsafe { page.cast::<u8>().add(head.record_at(self.index)) };
            self.index += 1;
            // SAFETY: it was made a record when it was first taken.
            let span = unsafe { SpanRef::from_raw(record.cast().as_ptr()) };
            if span.owner() != Owner::Nobody {
                return Some(span);
            }
        }
    }
}

impl Heap {
    /// The number that no heap before it had, and none after it will; 0 once it was destroyed.
    #[inline(always)]
    pub(crate) fn id(&self) -> usize {
        self.id.load(Ordering::Acquire)
    }

    /// Whether this is a heap: what lies on its page now may be something else.
    pub(crate) fn is_live(&self) -> bool {
        self.id() != 0 && self.head.isolated.get() == Some(NonNull::from(self))
    }

    pub(crate) fn quota(&self) -> &Quota {
        &self.quota
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> HeapName {
        self.name
    }

    /// What it is called, as C text that stays where it is while the heap lives.
    #[must_use]
    pub fn name_text(&self) -> &CStr {
        self.name.as_c_str()
    }

    /// One word of the user data.
    #[must_use]
    pub fn user_data(&self, index: usize) -> usize {
        self.user_data[index].load(Ordering::Acquire)
    }

    /// Replaces one word of the user data.
    pub fn set_user_data(&self, index: usize, word: usize) {
        self.user_data[index].store(word, Ordering::Release);
    }

    /// The partition whose blocks it has, if it is one's: such a heap is the allocator's own, and
    /// never ends.
    pub(crate) fn partition(&self) -> Partition {
        Partition::of(self.partition.load(Ordering::Relaxed))
    }

    pub(crate) fn is_partition(&self) -> bool {
        self.partition() != Partition::NONE
    }

    /// Before it has a span.
    pub(crate) fn set_partition(&self, partition: Partition) {
        self.partition.store(partition.number(), Ordering::Relaxed);
    }

    /// The node that its memory is to come from, if it is to be one node's.
    pub(crate) fn node(&self) -> Option<u32> {
        Some(self.node.load(Ordering::Relaxed)).filter(|node| *node != NO_NODE)
    }

    pub(crate) fn set_node(&self, node: Option<u32>) {
        self.node.store(node.unwrap_or(NO_NODE), Ordering::Relaxed);
    }

    /// One sample represents about so many bytes; as in the process, if it is none.
    pub(crate) fn profile_interval(&self) -> Option<usize> {
        let interval = self.profile_interval.load(Ordering::Relaxed);
        (interval != AS_THE_PROCESS).then_some(interval)
    }

    pub(crate) fn set_profile_interval(&self, interval: Option<usize>) {
        self.profile_interval.store(interval.unwrap_or(AS_THE_PROCESS), Ordering::Relaxed);
    }

    /// The bins of its heap of sampled blocks; null if there is none yet.
    pub(crate) fn profile_bins(&self) -> &AtomicPtr<Bins> {
        &self.profile_bins
    }

    /// Whether some block of it was ever sampled.
    pub(crate) fn has_samples(&self) -> bool {
        self.has_samples.load(Ordering::Relaxed)
    }

    pub(crate) fn note_sample(&self) {
        self.has_samples.store(true, Ordering::Relaxed);
    }

    /// How often it is some thread's current heap.
    pub(crate) fn pushed(&self) -> &AtomicUsize {
        &self.pushed
    }
}

/// For debuggers.
impl Heap {
    pub(crate) const FIELDS: &'static [Field] = fields!("heap", Heap: id quota links thread_heaps);
    pub(crate) const NUMBERS: &'static [Field] = &[
        ("heap.name", offset_of!(Heap, name) + HeapName::TEXT_AT),
        ("page.isolated", offset_of!(PageHead, isolated)),
        ("page.bytes", META_PAGE_BYTES),
        ("links.next", Links::<Heap>::NEXT_AT),
        ("list.head", List::<Heap>::HEAD_AT),
    ];
}
