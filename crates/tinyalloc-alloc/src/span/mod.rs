//! Size classes, slots of one size, and the record of the slices they lie in.
//!
//! A span is a run of slices cut into slots of one class, or given whole to one large request. Its
//! record lies in metadata, far from the slots; one cache line for the owner's hit path, one for
//! everybody else.

pub(crate) mod class;

pub(crate) mod slot;

pub(crate) mod bins;

pub(crate) mod extent;
pub(crate) mod owner;

pub(crate) mod owned;
pub(crate) mod shape;
pub(crate) mod span_ref;

pub(crate) mod span_list;

pub(crate) mod holes;

pub(crate) mod state;

pub(crate) mod carve;
pub(crate) mod cut;

pub(crate) mod free_list;

pub(crate) mod emergency;
pub(crate) mod remote;

use core::cell::Cell;
use core::ptr::{NonNull, from_ref, null_mut};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};

use tinyalloc_list::{Linked, Links};

use crate::support::fields::{Field, fields};
use bins::Bins;
use owned::{Owned, Published};
use owner::Owner;
use slot::{Slot, SlotWords};
use state::SpanState;

/// The record of one span.
///
/// Invariants. S1: a record is never unmapped while the allocator lives. S2: an
/// [`OwnedSpan`](owned::OwnedSpan) is with the owner of the heap that `owner` names, or, while no
/// heap owns the span, with the holder of the space's lock; only through it are the fields of the
/// owner touched, and the published ones, `bound`, `slots_carved` and `state` written. S3: `bound`
/// is `scale` times `slots_carved`, or times the first slot that reaches into a hole; every slot
/// below `slots_carved` lies in committed memory. S4: the `slices` from `start` on are committed
/// ones of the region of the number `region`, unless the span is a mapping of its own.
#[repr(C, align(128))]
pub(crate) struct Span {
    owner: AtomicPtr<Bins>,
    start: Published<NonNull<u8>>,
    reciprocal: Published<u64>,
    bound: AtomicU64,
    head: Owned<*const Cell<Slot>>,
    list: Owned<Slot>,
    countdown: Owned<u32>,
    slots_carved: AtomicU32,
    slots: Published<u32>,
    class: Published<u8>,
    state: AtomicU8,
    zeroed: Published<bool>,
    // The second line: other threads write `remote`.
    remote: AtomicPtr<SlotWords>,
    dirty_next: AtomicPtr<Span>,
    links: Links<Span>,
    holes: AtomicU64,
    bytes: AtomicUsize,
    slices: Published<u32>,
    region: Published<u32>,
    rest: AtomicU32,
    isolated: Published<bool>,
    sampled: AtomicBool,
    looked_at: Owned<u16>,
}

const _: () = assert!(size_of::<Span>() == 128);

// SAFETY: S2; what is neither the owner's nor published is atomic, but for the links, which a list
// guards.
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
            start: Published::new(NonNull::dangling()),
            reciprocal: Published::new(0),
            bound: AtomicU64::new(0),
            head: Owned::new(from_ref(&NO_LIST.0)),
            list: Owned::new(Slot::END),
            countdown: Owned::new(0),
            slots_carved: AtomicU32::new(0),
            slots: Published::new(0),
            class: Published::new(0),
            state: AtomicU8::new(SpanState::Full as u8),
            zeroed: Published::new(false),
            remote: AtomicPtr::new(null_mut()),
            dirty_next: AtomicPtr::new(null_mut()),
            links: Links::new(),
            holes: AtomicU64::new(0),
            bytes: AtomicUsize::new(0),
            slices: Published::new(0),
            region: Published::new(0),
            rest: AtomicU32::new(0),
            isolated: Published::new(false),
            sampled: AtomicBool::new(false),
            looked_at: Owned::new(0),
        }
    }

    /// For debuggers.
    pub(crate) const FIELDS: &'static [Field] = fields!("span", Span: owner start list countdown slots_carved slots class state
        remote links holes bytes slices rest isolated);

    pub(crate) fn remote(&self) -> &AtomicPtr<SlotWords> {
        &self.remote
    }

    pub(crate) fn dirty_next(&self) -> &AtomicPtr<Span> {
        &self.dirty_next
    }
}

/// What a record without a list points its head at.
struct NoList(Cell<Slot>);

// SAFETY: never written; a span that belongs to no thread has no local frees.
unsafe impl Sync for NoList {}

#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static NO_LIST: NoList = NoList(Cell::new(Slot::END));
