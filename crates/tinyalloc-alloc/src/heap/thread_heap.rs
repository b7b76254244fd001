//! A heap: the spans of one owner, one bin per size class.

use core::cell::Cell;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use super::quota::QuotaRef;
use crate::config::policy::{HARDENED_SPARE_SLICES_MAX, PARTIAL_SPANS_LOOKED_AT, SPARE_SLICES_MAX};
use crate::hardening::quarantine::Quarantine;
use crate::span::bins::Bins;
use crate::span::class::{CLASS_COUNT, SLICE_BYTES, SizeClass};
use crate::span::record::{Order, Owner, SpanList, SpanRef, SpanState, as_span};
use crate::span::remote::{DirtyStack, take_remote};
use crate::span::slot::{Secret, Slot};
use crate::support::lock::ThreadId;
use crate::support::random::Random;

/// The thread of a heap that waits for one.
const NO_THREAD: usize = 0;

/// Who may touch a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Standing {
    /// A thread.
    Live,
    /// Who holds the pool's lock.
    Pooled,
    /// Nobody, ever again: its thread was inside the slow path when another one forked.
    Lost,
}

/// How many empty spans a heap keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// Enough to go on without the space's lock.
    Some,
    Nothing,
}

impl Keeping {
    const fn slices(self, hardened: bool) -> u32 {
        match self {
            Keeping::Some if hardened => HARDENED_SPARE_SLICES_MAX,
            Keeping::Some => SPARE_SLICES_MAX,
            Keeping::Nothing => 0,
        }
    }
}

/// How long a heap has been in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Less than an epoch.
    Fresh,
    /// An epoch: what nobody wanted is to be given up.
    Seen,
    /// Its bins were walked.
    Walked,
}

/// Invariant H1: the cells are touched only by the thread that the heap is live for, or under the lock of the pool while it is
/// pooled. H2: heaps are never unmapped while the allocator lives.
#[repr(C, align(64))]
pub(crate) struct Heap {
    bins: Bins,
    current: [Cell<SpanRef>; CLASS_COUNT],
    partial: [SpanList; CLASS_COUNT],
    spans: [Cell<u16>; CLASS_COUNT],
    spare: SpanList,
    spare_slices: Cell<u32>,
    next_pooled: Cell<Option<HeapRef>>,
    next_heap: Cell<Option<HeapRef>>,
    standing: AtomicU8,
    rest: Cell<Rest>,
    busy: AtomicBool,
    dirty: DirtyStack,
    remote_frees: AtomicUsize,
    thread: AtomicUsize,
    quota: Option<QuotaRef>,
    hardened: bool,
    to_sample: Cell<u32>,
    random: Random,
    quarantine: Cell<Option<NonNull<Quarantine>>>,
}

// SAFETY: H1 for the cells; the rest is atomic.
unsafe impl Sync for Heap {}

/// A heap by address (H2 makes it as good as a reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct HeapRef(NonNull<Heap>);

impl Deref for HeapRef {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        // SAFETY: H2.
        unsafe { self.0.as_ref() }
    }
}

impl HeapRef {
    /// # Safety
    /// `memory` is a heap's worth of memory, aligned to it, that stays mapped (H2), and nobody else's.
    pub(crate) unsafe fn init(
        memory: NonNull<u8>,
        next_heap: Option<HeapRef>,
        quota: Option<QuotaRef>,
        hardened: bool,
    ) -> HeapRef {
        let heap = memory.cast::<Heap>();
        // SAFETY: the caller's promise.
        unsafe { heap.write(Heap::new(next_heap, quota, hardened, memory.as_ptr().addr() as u64)) };
        HeapRef(heap)
    }

    /// # Safety
    /// `bins` is the first field of a heap (H2).
    pub(crate) unsafe fn from_bins(bins: NonNull<Bins>) -> HeapRef {
        HeapRef(bins.cast())
    }

    #[inline(always)]
    pub(crate) fn as_bins(self) -> NonNull<Bins> {
        self.0.cast()
    }

    fn owner(self) -> Owner {
        Owner::Heap(self.as_bins())
    }
}

/// Refills.
impl HeapRef {
    /// A slot from what the heap has: remote frees, partial spans, fresh slots of the current span.
    ///
    /// # Errors
    /// A free slot that somebody wrote to.
    pub(crate) fn refill(self, class: SizeClass, page_bytes: usize, secret: Secret) -> Result<Option<Slot>, Slot> {
        self.collect(secret)?;
        let bin = self.bins.head(class);
        if bin.get().is_end() {
            let current = self.current[class.index()].get();
            if let Some(span) = self.fullest_partial(class) {
                self.make_current(span, class);
                if bin.get().is_end() && !self.carve(span, page_bytes, secret) {
                    return Ok(None);
                }
            } else if !current.can_carve() || !self.carve(current, page_bytes, secret) {
                return Ok(None);
            }
        }
        self.take(class, secret).map(Some)
    }

    /// Makes `span` this heap's current one and takes a slot of it, unless it has to be carved and that is beyond the quota.
    ///
    /// # Errors
    /// A free slot that somebody wrote to.
    pub(crate) fn adopt(self, span: SpanRef, page_bytes: usize, secret: Secret) -> Result<Option<Slot>, Slot> {
        let class = span.class();
        span.set_owner(self.owner());
        let spans = &self.spans[class.index()];
        spans.set(spans.get().saturating_add(1));
        self.make_current(span, class);
        if self.bins.head(class).get().is_end() && !self.carve(span, page_bytes, secret) {
            return Ok(None);
        }
        self.take(class, secret).map(Some)
    }

    /// Fills the bin with fresh slots of the current span; false where not even one is within the quota.
    fn carve(self, span: SpanRef, page_bytes: usize, secret: Secret) -> bool {
        let mut slots = if self.hardened { span.slots_left() } else { span.slots_to_carve(page_bytes) };
        if let Some(quota) = self.quota
            && !quota.charge(slots * span.slot_bytes())
        {
            if !quota.charge(span.slot_bytes()) {
                return false;
            }
            slots = 1;
        }
        let order = Order::new(slots, self.random.next() ^ secret.word() as u64, span.slots_carved() == 0, self.hardened);
        self.bins.head(span.class()).set(span.carve(order, secret));
        true
    }

    /// Spans of `class` in this heap.
    pub(crate) fn spans(self, class: SizeClass) -> usize {
        self.spans[class.index()].get().into()
    }

    fn take(self, class: SizeClass, secret: Secret) -> Result<Slot, Slot> {
        let bin = self.bins.head(class);
        let slot = bin.get();
        bin.set(slot.next(secret).ok_or(slot)?);
        slot.unseal();
        Ok(slot)
    }

    fn make_current(self, span: SpanRef, class: SizeClass) {
        let bin = self.bins.head(class);
        let last = self.current[class.index()].replace(span);
        if !last.is_none() {
            last.leave_bin(bin);
            self.put_aside(last, class);
        }
        span.enter_bin(bin);
    }

    /// The current span of a class takes its free slots back, for who must find bins empty; walks the list.
    pub(crate) fn retire_current(self, class: SizeClass, secret: Secret) {
        let span = self.current[class.index()].get();
        if span.is_none() {
            return;
        }
        let live = span.slots_carved() - self.free_in_bin(class, secret);
        span.leave_bin(self.bins.head(class));
        self.current[class.index()].set(SpanRef::NONE);
        if live == span.slots_carved() { self.put_aside(span, class) } else { self.settle(span, live) }
    }

    /// A span whose carved slots are all live waits at the end of the line if it can be carved further: pages that were touched before
    /// are used up first.
    fn put_aside(self, span: SpanRef, class: SizeClass) {
        if !span.can_carve() {
            return span.become_full();
        }
        if span.slots_carved() == 0 {
            return self.empty_out(span);
        }
        span.become_partial(span.slots_carved());
        // SAFETY: a current span is in no list.
        unsafe { self.partial[class.index()].push_back(span.into()) };
    }

    /// The span that is closest to being full is the one whose use keeps the others closest to being empty.
    fn fullest_partial(self, class: SizeClass) -> Option<SpanRef> {
        let list = &self.partial[class.index()];
        let span = list
            .iter()
            .take(PARTIAL_SPANS_LOOKED_AT)
            .map(as_span)
            .max_by_key(|span| (span.live() < span.slots_carved(), span.live()))?;
        // SAFETY: it is in that list.
        unsafe { list.remove(span.into()) };
        Some(span)
    }
}

/// Spare spans.
impl HeapRef {
    /// Whether the heap keeps more empty spans than it may, or any at all.
    pub(crate) fn has_spare(self, keeping: Keeping) -> bool {
        self.spare_slices.get() > keeping.slices(self.hardened)
    }

    /// The empty span that waited longest, which the caller gives back.
    pub(crate) fn pop_spare(self, keeping: Keeping) -> Option<SpanRef> {
        let span = if self.has_spare(keeping) { self.spare.pop_back().map(as_span)? } else { return None };
        self.spare_slices.set(self.spare_slices.get() - span.slices());
        self.give_back(span);
        Some(span)
    }

    /// The empty span that waited longest is emptied by `clear`, after which it reads as zero, and stays with
    /// its class, at the end of the line of those that have free slots. False if there is none.
    pub(crate) fn purge_spare(self, keeping: Keeping, clear: impl FnOnce(SpanRef)) -> bool {
        let oldest = if self.has_spare(keeping) { self.spare.pop_back().map(as_span) } else { None };
        let Some(span) = oldest else {
            return false;
        };
        clear(span);
        self.spare_slices.set(self.spare_slices.get() - span.slices());
        self.give_back(span);
        span.recut(span.class(), span.slots());
        span.become_partial(0);
        let class = span.class().index();
        self.spans[class].set(self.spans[class].get().saturating_add(1));
        // SAFETY: it is in no list.
        unsafe { self.partial[class].push_back(span.into()) };
        true
    }

    /// The slots of this span are not carved any more.
    fn give_back(self, span: SpanRef) {
        if let Some(quota) = self.quota {
            quota.give_back(span.touched_bytes());
        }
    }

    /// An empty span for `class`: one that was cut for it before, or one of as many slices as it wants.
    pub(crate) fn take_spare(self, class: SizeClass) -> Option<SpanRef> {
        let span = self.spare_of(class).or_else(|| {
            if self.hardened {
                return None;
            }
            let slices = class.span_slices(self.spans(class));
            let span = self.spare.iter().map(as_span).find(|span| span.slices() as usize == slices)?;
            self.give_back(span);
            span.recut(class, u32::try_from(slices * SLICE_BYTES / class.bytes()).ok()?);
            Some(span)
        })?;
        // SAFETY: it is in that list.
        unsafe { self.spare.remove(span.into()) };
        self.spare_slices.set(self.spare_slices.get() - span.slices());
        Some(span)
    }

    fn spare_of(self, class: SizeClass) -> Option<SpanRef> {
        self.spare.iter().map(as_span).find(|span| span.class() == class)
    }
}

/// Frees.
impl HeapRef {
    /// Brings home what other threads freed.
    ///
    /// # Errors
    /// A free slot that somebody wrote to.
    pub(crate) fn collect(self, secret: Secret) -> Result<(), Slot> {
        if self.dirty.is_empty() {
            return Ok(());
        }
        let mut result = Ok(());
        for span in self.dirty.take_all() {
            match span.owner() {
                owner if owner == self.owner() => result = result.and(self.integrate(span, secret)),
                // SAFETY: an owner that is a heap is one (H2).
                Owner::Heap(bins) => unsafe { HeapRef::from_bins(bins) }.dirty.push(span),
                Owner::Nobody | Owner::Large | Owner::Emergency => debug_assert!(false, "a span without a heap is dirty"),
            }
        }
        result
    }

    fn integrate(self, span: SpanRef, secret: Secret) -> Result<(), Slot> {
        let Some(freed) = take_remote(span, secret)? else {
            return Ok(());
        };
        span.absorb(&freed, secret);
        // Nobody else writes it; a reader may come at any time.
        self.remote_frees.store(self.remote_frees.load(Ordering::Relaxed) + freed.slots() as usize, Ordering::Relaxed);
        match span.state() {
            // Of a pooled heap it may be empty now.
            SpanState::Current => self.rest.set(Rest::Seen),
            SpanState::Spare | SpanState::Large => {}
            SpanState::Full | SpanState::Partial if freed.slots() < span.credit() => span.spend(freed.slots()),
            SpanState::Full | SpanState::Partial => self.settle(span, span.live() - freed.slots()),
        }
        Ok(())
    }

    /// The span's credit is spent.
    pub(crate) fn on_credit_spent(self, span: SpanRef) {
        match span.state() {
            SpanState::Current | SpanState::Spare | SpanState::Large => span.renew_credit(),
            SpanState::Full | SpanState::Partial => self.settle(span, span.live()),
        }
    }

    /// A full span waits until an eighth of it is free; at a limit it takes part with its first free slot. True if it did.
    pub(crate) fn take_part(self, span: SpanRef, class: SizeClass) -> bool {
        // Its owner first: another thread may be changing the span.
        if span.owner() != self.owner() || span.state() != SpanState::Full || span.class() != class {
            return false;
        }
        let has_room = span.live() < span.slots_carved();
        if has_room {
            self.settle(span, span.live());
        }
        has_room
    }

    /// Moves a span to where its `live` slots put it.
    fn settle(self, span: SpanRef, live: u32) {
        let list = &self.partial[span.class().index()];
        let was_listed = span.state() == SpanState::Partial;
        if live > 0 {
            span.become_partial(live);
            if !was_listed {
                // SAFETY: it was in no list.
                unsafe { list.push_front(span.into()) };
            }
            return;
        }
        if was_listed {
            // SAFETY: it is in that list.
            unsafe { list.remove(span.into()) };
        }
        self.empty_out(span);
    }

    fn empty_out(self, span: SpanRef) {
        let spans = &self.spans[span.class().index()];
        spans.set(spans.get().saturating_sub(1));
        span.become_spare();
        self.keep_spare(span);
    }

    /// Whether it may keep this span besides what it keeps already.
    pub(crate) fn may_keep(self, span: SpanRef) -> bool {
        self.spare_slices.get() + span.slices() <= Keeping::Some.slices(self.hardened)
    }

    /// Keeps an empty span that is in no list.
    pub(crate) fn keep_spare(self, span: SpanRef) {
        span.set_owner(self.owner());
        // SAFETY: it is in no list any more.
        unsafe { self.spare.push_front(span.into()) };
        self.spare_slices.set(self.spare_slices.get() + span.slices());
    }

    pub(crate) fn push_dirty(self, span: SpanRef) {
        self.dirty.push(span);
    }

    /// One epoch in the pool. As [`HeapRef::retire_idle`] at the second, and when remote frees came in since; true then.
    pub(crate) fn rest(self, secret: Secret) -> bool {
        let walks = self.rest.get() == Rest::Seen;
        self.rest.set(if self.rest.get() == Rest::Fresh { Rest::Seen } else { Rest::Walked });
        if walks {
            self.retire_idle(secret);
        }
        walks
    }

    /// Gives up current spans that have no live slot; walks the free lists.
    pub(crate) fn retire_idle(self, secret: Secret) {
        for class in SizeClass::all() {
            let span = self.current[class.index()].get();
            if !span.is_none() && self.free_in_bin(class, secret) == span.slots_carved() {
                span.leave_bin(self.bins.head(class));
                self.current[class.index()].set(SpanRef::NONE);
                self.empty_out(span);
            }
        }
    }

    /// Forgets every span and every slot, and which threads freed some: the caller sees to the spans.
    pub(crate) fn start_over(self) {
        for class in SizeClass::all() {
            self.bins.head(class).set(Slot::END);
            self.current[class.index()].set(SpanRef::NONE);
            self.partial[class.index()].drain().for_each(drop);
            self.spans[class.index()].set(0);
        }
        self.spare.drain().for_each(drop);
        self.spare_slices.set(0);
        self.dirty.take_all().for_each(drop);
    }

    /// Free slots in a bin.
    pub(crate) fn free_in_bin(self, class: SizeClass, secret: Secret) -> u32 {
        let mut slots = 0;
        let mut slot = self.bins.head(class).get();
        while let Some(next) = slot.next(secret) {
            slots += 1;
            slot = next;
        }
        slots
    }

    /// Hands a span of `class` with free slots to `taker`: this heap is pooled.
    pub(crate) fn give_up(self, class: SizeClass, taker: HeapRef) -> Option<SpanRef> {
        let span = self.fullest_partial(class).or_else(|| {
            let bin = self.bins.head(class);
            let current = self.current[class.index()].get();
            if bin.get().is_end() && !current.can_carve() {
                return None;
            }
            current.leave_bin(bin);
            self.current[class.index()].set(SpanRef::NONE);
            Some(current)
        })?;
        let spans = &self.spans[class.index()];
        spans.set(spans.get().saturating_sub(1));
        // Still under the pool's lock: once it is released, whoever collects this heap's remote frees must find the span gone.
        span.set_owner(taker.owner());
        Some(span)
    }
}

impl Heap {
    fn new(next_heap: Option<HeapRef>, quota: Option<QuotaRef>, hardened: bool, seed: u64) -> Heap {
        Heap {
            bins: Bins::new(),
            current: [const { Cell::new(SpanRef::NONE) }; CLASS_COUNT],
            partial: [const { SpanList::new() }; CLASS_COUNT],
            spans: [const { Cell::new(0) }; CLASS_COUNT],
            spare: SpanList::new(),
            spare_slices: Cell::new(0),
            next_pooled: Cell::new(None),
            next_heap: Cell::new(next_heap),
            standing: AtomicU8::new(Standing::Live as u8),
            rest: Cell::new(Rest::Fresh),
            busy: AtomicBool::new(false),
            dirty: DirtyStack::new(),
            remote_frees: AtomicUsize::new(0),
            thread: AtomicUsize::new(NO_THREAD),
            quota,
            hardened,
            to_sample: Cell::new(0),
            random: Random::new(seed),
            quarantine: Cell::new(None),
        }
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

    /// Whether this allocation is the one of about so many that is picked out.
    pub(crate) fn is_sampled(&self, every: u32) -> bool {
        self.is_sampled_among(1, every)
    }

    /// As [`Heap::is_sampled`], for one that stands for so many.
    pub(crate) fn is_sampled_among(&self, allocations: u32, every: u32) -> bool {
        let left = self.to_sample.get();
        if every > 1 && left > allocations {
            self.to_sample.set(left - allocations);
            return false;
        }
        let span = (every as usize).saturating_mul(2);
        // Those that this one stands for are still to come: they will be counted once they are there.
        self.to_sample.set(u32::try_from(self.random.below(span)).unwrap_or(every).saturating_add(allocations));
        left > 0 || every == 1
    }

    pub(crate) fn is_hardened(&self) -> bool {
        self.hardened
    }

    /// Whether this is the heap of that thread, which may then touch it.
    pub(crate) fn is_of(&self, thread: ThreadId) -> bool {
        self.thread.load(Ordering::Relaxed) == thread.0
    }

    pub(crate) fn set_thread(&self, thread: Option<ThreadId>) {
        self.thread.store(thread.map_or(NO_THREAD, |thread| thread.0), Ordering::Relaxed);
    }

    pub(crate) fn next_heap(&self) -> Option<HeapRef> {
        self.next_heap.get()
    }

    /// Slots that came home so far.
    pub(crate) fn remote_frees(&self) -> usize {
        self.remote_frees.load(Ordering::Relaxed)
    }

    pub(crate) fn next_pooled(&self) -> &Cell<Option<HeapRef>> {
        &self.next_pooled
    }

    pub(crate) fn is_live(&self) -> bool {
        self.standing.load(Ordering::Relaxed) == Standing::Live as u8
    }

    pub(crate) fn set_standing(&self, standing: Standing) {
        self.rest.set(Rest::Fresh);
        self.standing.store(standing as u8, Ordering::Relaxed);
    }

    /// Marks that the heap's thread is inside the slow path.
    pub(crate) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Release);
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }
}
