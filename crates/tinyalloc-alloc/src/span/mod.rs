//! Size classes, slots of one size, and the record of the slices they lie in.
//!
//! A span is a run of slices cut into slots of one class, or given whole to one large request. Its record lies in metadata, far from
//! the slots; one cache line for the owner's hit path, one for everybody else.

pub(crate) mod class;

pub(crate) mod slot;

pub(crate) mod bins;

pub(crate) mod extent;
pub(crate) mod owner;

pub(crate) mod shape;
pub(crate) mod span_ref;

pub(crate) mod span_list;
pub(crate) mod state;

pub(crate) mod carve;
pub(crate) mod cut;

pub(crate) mod free_list;

pub(crate) mod emergency;
pub(crate) mod remote;

use core::cell::Cell;
use core::ptr::{NonNull, from_ref, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64};

use tinyalloc_list::{Linked, Links};

use bins::Bins;
use owner::Owner;
use slot::{Slot, SlotWords};
use state::SpanState;

/// The record of one span.
///
/// Invariants. S1: a record is never unmapped while the allocator lives. S2: the fields in cells are touched only by who owns the
/// heap that `owner` names, or holds the lock of the space while nobody does; so are `bound`, `slots_carved` and `state` written, which
/// others read, too. S3: `bound` is `slots_carved * scale`; every slot below `slots_carved` lies in committed memory.
/// S4: the `slices` from `first` on are committed ones of the region of the number `region`, unless it is a mapping of its own.
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

    pub(crate) fn remote(&self) -> &AtomicPtr<SlotWords> {
        &self.remote
    }

    pub(crate) fn dirty_next(&self) -> &AtomicPtr<Span> {
        &self.dirty_next
    }
}

/// What a record without a list points its head at.
struct NoList(Cell<Slot>);

// SAFETY: never written; a span that is nobody's has no local frees.
unsafe impl Sync for NoList {}

#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static NO_LIST: NoList = NoList(Cell::new(Slot::END));
