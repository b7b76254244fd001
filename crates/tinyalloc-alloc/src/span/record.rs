//! A span: a run of slices cut into slots of one class, or given whole to one large request. Its record lies in metadata, far from
//! the slots; one cache line for the owner's hit path, one for everybody else.

use core::cell::Cell;
use core::ops::Deref;
use core::ptr::{NonNull, from_ref, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

use tinyalloc_list::{Linked, Links, List};

use super::bins::Bins;
use super::class::SizeClass;
use super::slot::{Secret, Slot, SlotWords};
use crate::report::misuse::Misuse;

/// Where a span stands in its heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum SpanState {
    /// Its free slots are the list of its heap's bin; `credit` means nothing.
    Current,
    /// In the heap's list of spans with free slots; `credit` counts its live slots.
    Partial,
    /// In no list; `credit` counts the frees until it is worth a place among the partial ones.
    Full,
    /// No live slot, kept by its heap for whichever class wants a span next.
    Spare,
    /// One block of its own.
    Large,
}

impl SpanState {
    const ALL: [SpanState; 5] = [SpanState::Current, SpanState::Partial, SpanState::Full, SpanState::Spare, SpanState::Large];
}

/// What a local free tells the heap.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freed {
    /// Nothing to do.
    Quiet,
    /// The credit ran out: the span changes its state.
    CreditSpent,
    /// The slot was free already, or looks so.
    Sealed,
    /// No live slot can start there.
    NotASlot,
}

/// While a span is current nobody counts its frees; a credit that no span can spend.
const CREDIT_UNCOUNTED: u32 = u32::MAX / 2;

/// The record of one span.
///
/// Invariants. S1: a record is never unmapped while the allocator lives. S2: the fields in cells are touched only by who owns the
/// heap that `owner` names, or holds the lock of the space while nobody does; so are `bound`, `slots_carved` and `state` written, which
/// others read, too. S3: `bound` is `slots_carved * scale`; every slot below `slots_carved` lies in committed memory.
#[repr(C, align(128))]
pub(crate) struct Span {
    owner: AtomicPtr<Bins>,
    start: Cell<usize>,
    reciprocal: Cell<u64>,
    bound: AtomicU64,
    head: Cell<*const Cell<Slot>>,
    list: Cell<Slot>,
    credit: Cell<u32>,
    slots_carved: AtomicU32,
    slots: Cell<u32>,
    class: Cell<u8>,
    state: AtomicU8,
    zeroed: Cell<bool>,
    // The second line: other threads write `remote`.
    remote: AtomicPtr<SlotWords>,
    dirty_next: AtomicPtr<Span>,
    links: Links<Span>,
    first: Cell<NonNull<u8>>,
    bytes: Cell<usize>,
    slices: Cell<u32>,
    region: Cell<u32>,
    emergency_taken: AtomicU32,
    isolated: Cell<bool>,
}

const _: () = assert!(size_of::<Span>() == 128);

// SAFETY: S2 for the cells; the rest is atomic.
unsafe impl Sync for Span {}

// SAFETY: `links` is always the same field, and records stay valid (S1).
unsafe impl Linked for Span {
    fn links(&self) -> &Links<Span> {
        &self.links
    }
}

pub(crate) type SpanList = List<Span>;

/// A span's record, by address (S1 makes it as good as a reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct SpanRef(NonNull<Span>);

impl Deref for SpanRef {
    type Target = Span;

    #[inline(always)]
    fn deref(&self) -> &Span {
        // SAFETY: S1.
        unsafe { self.0.as_ref() }
    }
}

impl From<SpanRef> for NonNull<Span> {
    fn from(span: SpanRef) -> NonNull<Span> {
        span.0
    }
}

/// The span whose record a list yielded.
pub(crate) fn as_span(record: NonNull<Span>) -> SpanRef {
    SpanRef(record)
}

/// Who a span belongs to, when it is no heap: addresses that no heap has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// There is no live span here.
    Nobody,
    /// One large block; the space's lock guards it.
    Large,
    /// The slots that serve a signal handler which interrupted the allocator.
    Emergency,
    /// A heap.
    Heap(NonNull<Bins>),
}

const NOBODY: usize = 1;
const LARGE: usize = 2;
const EMERGENCY: usize = 3;

impl Owner {
    const fn pointer(self) -> *mut Bins {
        match self {
            Owner::Nobody => NOBODY as *mut Bins,
            Owner::Large => LARGE as *mut Bins,
            Owner::Emergency => EMERGENCY as *mut Bins,
            Owner::Heap(heap) => heap.as_ptr(),
        }
    }
}

/// The record behind every slice that never held a span. In `.data`, as what follows, beside what every process touches: the dynamic
/// linker writes the addresses in it.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static NO_SPAN: Span = Span::none();
/// The record behind every slice whose span was freed; a large block may have taken all but its first since.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static FREED_SPAN: Span = Span::none();

impl Span {
    const fn none() -> Span {
        Span {
            owner: AtomicPtr::new(Owner::Nobody.pointer()),
            start: Cell::new(0),
            reciprocal: Cell::new(0),
            bound: AtomicU64::new(0),
            head: Cell::new(from_ref(&NO_LIST.0)),
            list: Cell::new(Slot::END),
            credit: Cell::new(0),
            slots_carved: AtomicU32::new(0),
            slots: Cell::new(0),
            class: Cell::new(0),
            state: AtomicU8::new(SpanState::Full as u8),
            zeroed: Cell::new(false),
            remote: AtomicPtr::new(null_mut()),
            dirty_next: AtomicPtr::new(null_mut()),
            links: Links::new(),
            first: Cell::new(NonNull::dangling()),
            bytes: Cell::new(0),
            slices: Cell::new(0),
            region: Cell::new(0),
            emergency_taken: AtomicU32::new(0),
            isolated: Cell::new(false),
        }
    }
}

/// What a record without a list points its head at.
struct NoList(Cell<Slot>);
// SAFETY: never written; a span that is nobody's has no local frees.
unsafe impl Sync for NoList {}
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static NO_LIST: NoList = NoList(Cell::new(Slot::END));

/// In which order slots are carved: a random one, so that nobody knows which block follows which. All of them come up, each once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    slots: usize,
    first: usize,
    step: usize,
}

impl Order {
    /// In a row, from a random one on if it is the span's first; or, `shuffled`, in leaps. (A random start on every page cost a tenth of
    /// the time of bursts.)
    #[expect(clippy::cast_possible_truncation, reason = "any part of a random number is random")]
    pub(crate) fn new(slots: usize, random: u64, is_first: bool, shuffled: bool) -> Order {
        let is_random = is_first || shuffled;
        let first = if is_random { (((random >> 32) * slots as u64) >> 32) as usize } else { slots - 1 };
        let step = if shuffled { Order::far_step(slots, random as usize) } else { 1 };
        Order { slots, first, step }
    }

    /// A step of about a third to two thirds of the slots, with no factor in common with them: it comes to each of them once.
    fn far_step(slots: usize, random: usize) -> usize {
        let third = slots / 3;
        (third + random % (third + 1)..).find(|step| greatest_common_factor(*step, slots) == 1).unwrap_or(1)
    }

    /// Every slot once, the one that is handed out last first. (A remainder for every slot cost a fifth of the time of bursts.)
    fn backwards(self) -> impl Iterator<Item = usize> {
        let mut next = self.first;
        (0..self.slots).map(move |_| {
            let slot = next;
            next = if slot < self.step { slot + self.slots - self.step } else { slot - self.step };
            slot
        })
    }
}

fn greatest_common_factor(one: usize, other: usize) -> usize {
    if other == 0 { one } else { greatest_common_factor(other, one % other) }
}

/// The slices that a span is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    start: NonNull<u8>,
    slices: u32,
    region: u32,
    fresh_slices: u32,
}

impl Extent {
    /// `fresh_slices` of the slices are not resident, and read as zero.
    pub(crate) const fn new(start: NonNull<u8>, slices: u32, region: u32, fresh_slices: u32) -> Extent {
        Extent { start, slices, region, fresh_slices }
    }

    pub(crate) const fn fresh_slices(&self) -> u32 {
        self.fresh_slices
    }
}

impl SpanRef {
    pub(crate) const NONE: SpanRef = SpanRef(NonNull::from_ref(&NO_SPAN));
    pub(crate) const FREED: SpanRef = SpanRef(NonNull::from_ref(&FREED_SPAN));

    /// # Safety
    /// `record` is zeroed or retired memory for a record that stays mapped (S1), and nobody else's.
    pub(crate) unsafe fn init(record: NonNull<Span>, extent: Extent, isolated: bool) -> SpanRef {
        // SAFETY: the caller's promise.
        unsafe { record.write(Span::none()) };
        let span = SpanRef(record);
        span.first.set(extent.start);
        span.start.set(extent.start.as_ptr().expose_provenance());
        span.slices.set(extent.slices);
        span.region.set(extent.region);
        span.zeroed.set(extent.fresh_slices == extent.slices);
        span.isolated.set(isolated);
        span
    }

    /// Makes a record of memory that was none yet, or of another one.
    ///
    /// # Safety
    /// `record` is memory for a record that stays mapped (S1), and nobody else's.
    pub(crate) unsafe fn blank(record: NonNull<Span>) {
        // SAFETY: the caller's promise.
        unsafe { record.write(Span::none()) };
    }

    /// # Safety
    /// `pointer` is a record's (S1).
    #[inline(always)]
    pub(crate) unsafe fn from_raw(pointer: *mut Span) -> SpanRef {
        // SAFETY: records are never at null.
        SpanRef(unsafe { NonNull::new_unchecked(pointer) })
    }

    pub(crate) fn as_ptr(self) -> *mut Span {
        self.0.as_ptr()
    }

    pub(crate) fn is_none(self) -> bool {
        self == SpanRef::NONE
    }
}

/// Set-up and identity.
impl Span {
    /// Makes this a span of small slots that belongs to `heap`, with nothing carved yet.
    pub(crate) fn become_small(&self, heap: NonNull<Bins>, class: SizeClass, slots: u32) {
        self.class.set(class.byte());
        self.reciprocal.set(class.reciprocal());
        self.slots.set(slots);
        self.bytes.set(class.bytes());
        self.set_owner(Owner::Heap(heap));
    }

    /// Makes this spare span one of another class, with nothing carved.
    pub(crate) fn recut(&self, class: SizeClass, slots: u32) {
        self.slots_carved.store(0, Ordering::Relaxed);
        self.bound.store(0, Ordering::Relaxed);
        self.list.set(Slot::END);
        self.zeroed.set(false);
        self.class.set(class.byte());
        self.reciprocal.set(class.reciprocal());
        self.slots.set(slots);
        self.bytes.set(class.bytes());
    }

    /// Forgets every slot, and everybody who knows of one: a spare span, as good as new.
    pub(crate) fn start_over(&self) {
        self.remote.store(null_mut(), Ordering::Relaxed);
        self.head.set(from_ref(&self.list));
        self.recut(self.class(), self.slots.get());
        self.become_spare();
    }

    /// Whether the record lies on a page of an isolated heap.
    pub(crate) fn is_isolated(&self) -> bool {
        self.isolated.get()
    }

    /// Makes this one large block of `bytes`, the whole of its one slot.
    pub(crate) fn become_large(&self, bytes: usize) {
        self.set_state(SpanState::Large);
        self.reciprocal.set(1);
        self.bound.store(1, Ordering::Relaxed);
        self.bytes.set(bytes);
        self.set_owner(Owner::Large);
    }

    /// Makes this the span of `slots` emergency slots of `class`.
    pub(crate) fn become_emergency(&self, class: SizeClass, slots: u32) {
        self.class.set(class.byte());
        self.reciprocal.set(class.reciprocal());
        self.bound.store(class.scale() * u64::from(slots), Ordering::Relaxed);
        self.slots.set(slots);
        self.bytes.set(class.bytes());
        self.set_owner(Owner::Emergency);
    }

    /// Forgets the owner: the record is about to be retired.
    pub(crate) fn disown(&self) {
        self.set_owner(Owner::Nobody);
    }

    pub(crate) fn set_owner(&self, owner: Owner) {
        self.owner.store(owner.pointer(), Ordering::Release);
    }

    /// The owner as a heap's bins; what is no heap equals no thread's.
    #[inline(always)]
    pub(crate) fn owner_bins(&self) -> *const Bins {
        self.owner.load(Ordering::Relaxed)
    }

    /// Whether its slots are a heap's.
    pub(crate) fn has_heap(&self) -> bool {
        matches!(self.owner(), Owner::Heap(_))
    }

    pub(crate) fn owner(&self) -> Owner {
        let pointer = self.owner.load(Ordering::Acquire);
        match (pointer.addr(), NonNull::new(pointer)) {
            (LARGE, _) => Owner::Large,
            (EMERGENCY, _) => Owner::Emergency,
            (NOBODY, _) | (_, None) => Owner::Nobody,
            (_, Some(heap)) => Owner::Heap(heap),
        }
    }

    pub(crate) fn class(&self) -> SizeClass {
        SizeClass::from_index(self.class.get())
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.first.get()
    }

    pub(crate) fn address(&self) -> usize {
        self.start.get()
    }

    pub(crate) fn slices(&self) -> u32 {
        self.slices.get()
    }

    pub(crate) fn set_slices(&self, slices: u32) {
        self.slices.set(slices);
    }

    /// Where the record holds the address of the first slot.
    pub(crate) fn address_fields(&self) -> [usize; 2] {
        [self.start.as_ptr().addr(), self.first.as_ptr().addr()]
    }

    pub(crate) fn region(&self) -> u32 {
        self.region.get()
    }

    pub(crate) fn state(&self) -> SpanState {
        SpanState::ALL[usize::from(self.state.load(Ordering::Relaxed)) % SpanState::ALL.len()]
    }

    fn set_state(&self, state: SpanState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    pub(crate) fn is_zeroed(&self) -> bool {
        self.zeroed.get()
    }

    /// Usable bytes of one slot, or of the large block.
    pub(crate) fn slot_bytes(&self) -> usize {
        self.bytes.get()
    }

    pub(crate) fn set_bytes(&self, bytes: usize) {
        self.bytes.set(bytes);
    }

    /// How many slots it has room for.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.get()
    }

    pub(crate) fn slots_carved(&self) -> u32 {
        self.slots_carved.load(Ordering::Relaxed)
    }

    /// Bytes from the span's start that may have been written.
    pub(crate) fn touched_bytes(&self) -> usize {
        match self.state() {
            SpanState::Large => self.bytes.get(),
            _ => self.slots_carved() as usize * self.bytes.get(),
        }
    }
}

/// Slots.
impl Span {
    /// Whether a carved slot starts at `address`.
    #[inline(always)]
    pub(crate) fn is_slot(&self, address: usize) -> bool {
        self.place(address) < self.bound.load(Ordering::Relaxed)
    }

    /// As [`Span::is_slot`], for the owner: compilers fold a plain load into the comparison, and an atomic one they do not.
    #[inline(always)]
    fn is_own_slot(&self, address: usize) -> bool {
        // SAFETY: nobody else writes it (S2).
        self.place(address) < unsafe { self.bound.as_ptr().read() }
    }

    /// Below the bound, if a carved slot starts there.
    #[inline(always)]
    fn place(&self, address: usize) -> u64 {
        let offset = address.wrapping_sub(self.start.get()) as u64;
        offset.wrapping_mul(self.reciprocal.get())
    }

    /// Whether the slot is on a list of free slots, the owner's or the remote one; walks both. For the owner, who alone takes slots off.
    pub(crate) fn lists(&self, start: NonNull<u8>, secret: Secret) -> bool {
        // SAFETY: as in `free_local`.
        let own = unsafe { &*self.head.get() }.get();
        let remote = NonNull::new(self.remote.load(Ordering::Acquire)).map_or(Slot::END, |words| {
            // SAFETY: the list holds slots only.
            unsafe { Slot::from_words(words.as_ptr()) }
        });
        own.leads_to(start, secret) || remote.leads_to(start, secret)
    }

    /// What is wrong with freeing `address`, which is no live slot.
    pub(crate) fn verdict(&self, address: usize) -> Misuse {
        let slot_bytes = self.bytes.get();
        let offset = address.wrapping_sub(self.start.get());
        if offset >= self.touched_bytes() {
            return Misuse::NotAllocated { address };
        }
        if self.is_slot(address) {
            return Misuse::DoubleFree { address, slot_bytes };
        }
        Misuse::Interior { address, slot_start: address - offset % slot_bytes, slot_bytes }
    }

    /// Takes a large block away from its owner; true for one caller only.
    pub(crate) fn claim_large(&self) -> bool {
        let (large, nobody) = (Owner::Large.pointer(), Owner::Nobody.pointer());
        self.owner.compare_exchange(large, nobody, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The owner's free: checks the pointer, puts the slot on the list.
    #[inline(always)]
    pub(crate) fn free_local(&self, start: NonNull<u8>, secret: Secret) -> Freed {
        if !self.is_own_slot(start.as_ptr().addr()) {
            return Freed::NotASlot;
        }
        // SAFETY: a carved slot starts there.
        let slot = unsafe { Slot::new(start) };
        if slot.is_sealed(secret) {
            return Freed::Sealed;
        }
        // SAFETY: `head` points at this record's list or at the bin of a heap; neither is ever unmapped (S1, H1).
        let head = unsafe { &*self.head.get() };
        slot.seal(head.get(), secret);
        head.set(slot);
        let credit = self.credit.get() - 1;
        self.credit.set(credit);
        if credit == 0 { Freed::CreditSpent } else { Freed::Quiet }
    }

    /// The slots that start on the next OS page or pages: at least one, at most all. Not carving further keeps pages untouched until
    /// they are needed.
    pub(crate) fn slots_to_carve(&self, page_bytes: usize) -> usize {
        let carved = self.slots_carved() as usize;
        let slot_bytes = self.bytes.get();
        let page_end = (carved * slot_bytes + 1).next_multiple_of(page_bytes);
        (page_end.div_ceil(slot_bytes)).clamp(carved + 1, self.slots.get() as usize) - carved
    }

    /// The slots that were never carved.
    pub(crate) fn slots_left(&self) -> usize {
        (self.slots.get() - self.slots_carved()) as usize
    }

    /// Carves as many slots more as `order` has, of which there are that many. Returns the first free slot.
    pub(crate) fn carve(&self, order: Order, secret: Secret) -> Slot {
        let carved = self.slots_carved() as usize;
        let slot_bytes = self.bytes.get();
        let last = carved + order.slots;
        let mut list = Slot::END;
        for slot in order.backwards() {
            // SAFETY: the order has slots below its number of them, so the slot lies within the span.
            let start = unsafe { self.first.get().add((carved + slot) * slot_bytes) };
            // SAFETY: as above, and the slot becomes carved below.
            let slot = unsafe { Slot::new(start) };
            slot.seal(list, secret);
            list = slot;
        }
        let last = u32::try_from(last).unwrap_or(self.slots.get());
        self.slots_carved.store(last, Ordering::Relaxed);
        self.bound.store(self.class().scale() * u64::from(last), Ordering::Relaxed);
        list
    }

    pub(crate) fn can_carve(&self) -> bool {
        self.slots_carved() < self.slots.get()
    }

    /// Claims an emergency slot; safe at any time, from a signal handler too.
    pub(crate) fn emergency_claim(&self) -> Option<NonNull<u8>> {
        let mut taken = self.emergency_taken.load(Ordering::Relaxed);
        loop {
            let index = (!taken).trailing_zeros();
            if index >= self.slots.get() {
                return None;
            }
            match self.emergency_taken.compare_exchange_weak(taken, taken | 1 << index, Ordering::Acquire, Ordering::Relaxed) {
                // SAFETY: `index` is below `slots`.
                Ok(_) => return Some(unsafe { self.first.get().add(index as usize * self.bytes.get()) }),
                Err(now) => taken = now,
            }
        }
    }

    /// Whether the emergency slot at an address is in use.
    pub(crate) fn emergency_is_taken(&self, address: usize) -> bool {
        let index = (address - self.start.get()) / self.bytes.get();
        self.emergency_taken.load(Ordering::Relaxed) & (1 << index) != 0
    }

    /// Gives an emergency slot back; false when it was free.
    pub(crate) fn emergency_release(&self, address: usize) -> bool {
        let index = (address - self.start.get()) / self.bytes.get();
        let bit = 1 << index;
        self.emergency_taken.fetch_and(!bit, Ordering::Release) & bit != 0
    }
}

/// States; only the owner calls these (S2).
impl Span {
    /// Becomes the span that `bin` hands out slots of; its own list moves there.
    pub(crate) fn enter_bin(&self, bin: &Cell<Slot>) {
        bin.set(self.list.replace(Slot::END));
        self.head.set(from_ref(bin));
        self.credit.set(CREDIT_UNCOUNTED);
        self.set_state(SpanState::Current);
    }

    /// Leaves `bin` with whatever list is there, and keeps it as its own.
    pub(crate) fn leave_bin(&self, bin: &Cell<Slot>) {
        self.list.set(bin.replace(Slot::END));
        self.head.set(from_ref(&self.list));
    }

    /// Becomes a span that waits for a class.
    pub(crate) fn become_spare(&self) {
        self.set_state(SpanState::Spare);
        self.credit.set(CREDIT_UNCOUNTED);
    }

    /// Every slot is live: wait until an eighth is free before taking part again.
    ///
    /// Without this, random replacement turns a span partial and full at every other call (measured: twice the time).
    pub(crate) fn become_full(&self) {
        self.set_state(SpanState::Full);
        self.credit.set(self.full_credit());
    }

    fn full_credit(&self) -> u32 {
        (self.slots.get() / 8).max(1)
    }

    /// Takes part again with `live` live slots.
    pub(crate) fn become_partial(&self, live: u32) {
        self.set_state(SpanState::Partial);
        self.credit.set(live);
    }

    /// Live slots of a span that is full or partial; carved ones of a current one, whose free slots the caller counts.
    pub(crate) fn live(&self) -> u32 {
        match self.state() {
            // Statistics of another thread's span may meet it half-way through a change.
            SpanState::Full => self.slots.get().saturating_sub(self.full_credit().saturating_sub(self.credit.get())),
            SpanState::Partial => self.credit.get(),
            SpanState::Current => self.slots_carved(),
            SpanState::Spare => 0,
            SpanState::Large => 1,
        }
    }

    /// Takes over `slots` slots that other threads freed.
    pub(crate) fn absorb(&self, freed: &FreedList, secret: Secret) {
        // SAFETY: as in `free_local`.
        let head = unsafe { &*self.head.get() };
        freed.last.seal(head.get(), secret);
        head.set(freed.first);
    }

    pub(crate) fn spend(&self, slots: u32) {
        self.credit.set(self.credit.get() - slots);
    }

    /// A current span has been freed into more often than anyone counts.
    pub(crate) fn renew_credit(&self) {
        self.credit.set(CREDIT_UNCOUNTED);
    }

    pub(crate) fn credit(&self) -> u32 {
        self.credit.get()
    }
}

/// Slots that were freed remotely, taken off the span's remote list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreedList {
    first: Slot,
    last: Slot,
    slots: u32,
}

impl FreedList {
    pub(crate) const fn of(slot: Slot) -> FreedList {
        FreedList { first: slot, last: slot, slots: 1 }
    }

    /// Adds the slot that the last one leads to.
    pub(crate) const fn extend(&mut self, next: Slot) {
        self.last = next;
        self.slots += 1;
    }

    pub(crate) const fn last(&self) -> Slot {
        self.last
    }

    pub(crate) const fn slots(&self) -> u32 {
        self.slots
    }
}

/// Remote frees: see `remote.rs` for the protocol.
impl Span {
    pub(crate) fn remote(&self) -> &AtomicPtr<SlotWords> {
        &self.remote
    }

    pub(crate) fn dirty_next(&self) -> &AtomicPtr<Span> {
        &self.dirty_next
    }
}

#[cfg(test)]
mod tests {
    use core::mem::replace;

    use super::Order;

    #[test]
    fn every_order_comes_to_every_slot_once() {
        for slots in 1..300 {
            for random in [0, 1, 0x1234_5678_9abc_def0, u64::MAX] {
                for shuffled in [false, true] {
                    let order = Order::new(slots, random, true, shuffled);
                    let mut met = [false; 300];
                    order.backwards().for_each(|slot| assert!(!replace(&mut met[slot], true)));
                    assert!(met[..slots].iter().all(|met| *met), "{slots} slots");
                }
            }
        }
    }
}
