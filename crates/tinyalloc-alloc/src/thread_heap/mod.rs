//! A thread's bins and spans, and where heaps wait for threads.
//!
//! A heap: the spans of one owner, one bin per size class.

pub(crate) mod quota;

pub(crate) mod sampling;
pub(crate) mod state;

pub(crate) mod spare;

pub(crate) mod kept_blocks;

pub(crate) mod marks;

pub(crate) mod guests;
pub(crate) mod relist;

pub(crate) mod current;

pub(crate) mod collect;
pub(crate) mod reclaim;

pub(crate) mod dig;
pub(crate) mod refill;

pub(crate) mod pool;

use core::cell::Cell;
use core::mem::offset_of;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};

use crate::config::policy::SLOTS_PER_LOOK_AT_END;
use crate::hardening::hardening_policy::HardeningPolicy;
use crate::hardening::quarantine::Quarantine;
use crate::region::near::Near;
use crate::region::node::Node;
use crate::span::bins::Bins;
use crate::span::class::{CLASS_COUNT, SizeClass};
use crate::span::owned::OwnedSpan;
use crate::span::owner::Owner;
use crate::span::remote::DirtyStack;
use crate::span::slot::Slot;
use crate::span::span_list::SpanList;
use crate::support::fields::{Field, fields};
use crate::support::random::Random;
use guests::Lent;
use kept_blocks::KeptBlocks;
use quota::QuotaRef;
use sampling::NOT_DRAWN;
use state::{HeapState, Inside, NO_THREAD, PoolAge};

/// Of a heap from before nodes were known.
const NO_NODE: u32 = u32::MAX;

/// Invariant H1: the cells are touched only by the thread that the heap is live for, or under the
/// lock of the pool while it is pooled. H2: heaps are never unmapped while the allocator lives.
#[repr(C, align(64))]
pub(crate) struct ThreadHeap {
    bins: Bins,
    current: [Cell<OwnedSpan>; CLASS_COUNT],
    partial: [SpanList; CLASS_COUNT],
    spans: [Cell<u16>; CLASS_COUNT],
    lent: [Cell<Lent>; CLASS_COUNT],
    spare: SpanList,
    spare_slices: Cell<u32>,
    next_pooled: Cell<Option<ThreadHeapRef>>,
    next_heap: Cell<Option<ThreadHeapRef>>,
    state: AtomicU8,
    pool_age: Cell<PoolAge>,
    inside: AtomicU8,
    dirty: DirtyStack,
    remote_frees: AtomicUsize,
    thread: AtomicUsize,
    quota: Option<QuotaRef>,
    policy: HardeningPolicy,
    to_sample: Cell<i32>,
    slots_refilled: Cell<u32>,
    interval: Cell<u32>,
    met_mark: Cell<bool>,
    epoch_seen: Cell<u32>,
    epoch_begun: Cell<u32>,
    refilled_before: Cell<u32>,
    node: AtomicU32,
    random: Random,
    quarantine: Cell<Option<NonNull<Quarantine>>>,
    kept_blocks: KeptBlocks,
}

// SAFETY: H1 for the cells; the rest is atomic.
unsafe impl Sync for ThreadHeap {}

/// A heap by address (H2 makes it as good as a reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct ThreadHeapRef(NonNull<ThreadHeap>);

impl Deref for ThreadHeapRef {
    type Target = ThreadHeap;

    fn deref(&self) -> &ThreadHeap {
        // SAFETY: H2.
        unsafe { self.0.as_ref() }
    }
}

impl ThreadHeapRef {
    /// # Safety
    /// `memory` is a heap's worth of memory, aligned to it, that stays mapped (H2), and no thread
    /// else's.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) unsafe fn init(
        memory: NonNull<u8>,
        next_heap: Option<ThreadHeapRef>,
        quota: Option<QuotaRef>,
        policy: HardeningPolicy,
    ) -> ThreadHeapRef {
        let heap = memory.cast::<ThreadHeap>();
        // SAFETY: the caller's promise.
        unsafe { heap.write(ThreadHeap::new(next_heap, quota, policy, memory.as_ptr().addr() as u64)) };
        ThreadHeapRef(heap)
    }

    /// # Safety
    /// `bins` is the first field of a heap (H2).
    pub(crate) unsafe fn from_bins(bins: NonNull<Bins>) -> ThreadHeapRef {
        ThreadHeapRef(bins.cast())
    }

    #[inline(always)]
    pub(crate) fn as_bins(self) -> NonNull<Bins> {
        self.0.cast()
    }

    fn owner(self) -> Owner {
        Owner::Heap(self.as_bins())
    }

    /// Spans of `class` in this heap.
    pub(crate) fn spans(self, class: SizeClass) -> usize {
        self.spans[class.index()].get().into()
    }

    /// Forgets every span and every slot, and which threads freed some: the caller sees to the
    /// spans.
    pub(crate) fn start_over(self) {
        for class in SizeClass::all() {
            self.bins.head(class).set(Slot::END);
            self.current(class).set(OwnedSpan::NONE);
            self.partial(class).clear();
            self.spans[class.index()].set(0);
        }
        self.spare.clear();
        self.spare_slices.set(0);
        self.dirty.take_all().for_each(drop);
    }
}

impl ThreadHeap {
    fn new(next_heap: Option<ThreadHeapRef>, quota: Option<QuotaRef>, policy: HardeningPolicy, seed: u64) -> ThreadHeap {
        ThreadHeap {
            bins: Bins::new(),
            current: [const { Cell::new(OwnedSpan::NONE) }; CLASS_COUNT],
            partial: [const { SpanList::new() }; CLASS_COUNT],
            spans: [const { Cell::new(0) }; CLASS_COUNT],
            lent: [const { Cell::new(Lent::NONE) }; CLASS_COUNT],
            spare: SpanList::new(),
            spare_slices: Cell::new(0),
            next_pooled: Cell::new(None),
            next_heap: Cell::new(next_heap),
            state: AtomicU8::new(HeapState::Live as u8),
            pool_age: Cell::new(PoolAge::Fresh),
            inside: AtomicU8::new(Inside::NONE),
            dirty: DirtyStack::new(),
            remote_frees: AtomicUsize::new(0),
            thread: AtomicUsize::new(NO_THREAD),
            quota,
            policy,
            to_sample: Cell::new(NOT_DRAWN),
            slots_refilled: Cell::new(0),
            interval: Cell::new(0),
            met_mark: Cell::new(false),
            epoch_seen: Cell::new(0),
            epoch_begun: Cell::new(0),
            refilled_before: Cell::new(0),
            node: AtomicU32::new(NO_NODE),
            random: Random::new(seed),
            quarantine: Cell::new(None),
            kept_blocks: KeptBlocks::new(),
        }
    }

    fn current(&self, class: SizeClass) -> &Cell<OwnedSpan> {
        &self.current[class.index()]
    }

    fn partial(&self, class: SizeClass) -> &SpanList {
        &self.partial[class.index()]
    }

    fn count_span(&self, class: SizeClass) {
        let spans = &self.spans[class.index()];
        spans.set(spans.get().saturating_add(1));
    }

    fn uncount_span(&self, class: SizeClass) {
        let spans = &self.spans[class.index()];
        spans.set(spans.get().saturating_sub(1));
    }

    pub(crate) fn quota(&self) -> Option<QuotaRef> {
        self.quota
    }

    pub(crate) fn random(&self) -> &Random {
        &self.random
    }

    pub(crate) fn quarantine(&self) -> Option<NonNull<Quarantine>> {
        self.quarantine.get()
    }

    pub(crate) fn set_quarantine(&self, quarantine: NonNull<Quarantine>) {
        self.quarantine.set(Some(quarantine));
    }

    /// Freed large blocks of the global heap; none in an isolated one.
    pub(crate) fn kept_blocks(&self) -> &KeptBlocks {
        &self.kept_blocks
    }

    /// The epoch that this heap has followed last.
    pub(crate) fn epoch_seen(&self) -> &Cell<u32> {
        &self.epoch_seen
    }

    /// A thread begins with it.
    pub(crate) fn begin_at(&self, epoch: u32) {
        self.epoch_seen.set(epoch);
        self.epoch_begun.set(epoch);
        self.refilled_before.set(self.slots_refilled.get());
    }

    /// How many epochs began since its thread did.
    pub(crate) fn epochs_served(&self, epoch: u32) -> u32 {
        epoch.wrapping_sub(self.epoch_begun.get())
    }

    /// Whether so many slots came to its bins since its thread began, or about, that what it leaves
    /// is worth a look at the clock.
    pub(crate) fn has_served_many(&self) -> bool {
        self.slots_refilled.get().wrapping_sub(self.refilled_before.get()) >= SLOTS_PER_LOOK_AT_END
    }

    /// The node that its newest memory is of, as far as nodes are known.
    pub(crate) fn node(&self) -> u32 {
        self.node.load(Ordering::Relaxed)
    }

    /// Its next memory lies there.
    pub(crate) fn settle(&self, near: Near) {
        if let Some(node) = near.node() {
            self.node.store(node.number(), Ordering::Relaxed);
        }
    }

    /// All that it has so far is of one node.
    pub(crate) fn settle_at_home(&self, home: Node) {
        if self.node() == NO_NODE {
            self.settle(Near::ANYWHERE.on_node(home));
        }
    }

    pub(crate) fn policy(&self) -> HardeningPolicy {
        self.policy
    }

    pub(crate) fn next_heap(&self) -> Option<ThreadHeapRef> {
        self.next_heap.get()
    }

    /// Slots that came home so far.
    pub(crate) fn remote_frees(&self) -> usize {
        self.remote_frees.load(Ordering::Relaxed)
    }

    pub(crate) fn next_pooled(&self) -> &Cell<Option<ThreadHeapRef>> {
        &self.next_pooled
    }
}

/// The owner of a span names the bins, and so the heap.
const _: () = assert!(offset_of!(ThreadHeap, bins) == 0);

impl ThreadHeap {
    /// For debuggers.
    pub(crate) const FIELDS: &'static [Field] = fields!("thread_heap", ThreadHeap: next_heap state thread quota);
}
