//! Address space, and what of it is committed, resident, trapped.
//!
//! A region is a room to grow into, or one large reservation where there is none, cut into slices.
//! Runs of slices become spans.

pub(crate) mod huge_pages;

pub(crate) mod growing;

pub(crate) mod purpose;
pub(crate) mod slice;

pub(crate) mod node;
pub(crate) mod partition;

pub(crate) mod near;

pub(crate) mod run_bounds;
pub(crate) mod slice_bits;
pub(crate) mod stripes;

pub(crate) mod layout;

pub(crate) mod page_map;

pub(crate) mod commit;

pub(crate) mod records;
pub(crate) mod traps;

pub(crate) mod runs;

pub(crate) mod idle;

pub(crate) mod place;

pub(crate) mod pages;
pub(crate) mod regions;

use core::cell::Cell;
use core::ptr::NonNull;

use crate::span::class::{SLICE_BYTES, SLICE_SHIFT};
use growing::{Backing, Growing};
use huge_pages::HugePages;
use layout::NEAR_RECORDS_AT;
use purpose::Sharing;
use run_bounds::{NEAR_BOUNDS, RunBounds};
use stripes::Stripes;

/// Invariants. R1: the lock of the space is held for every call. R2: bits, bounds and page map are
/// committed for every committed slice. R3: the page map of every committed slice names a record,
/// `SpanRef::NONE` where there is no span. R5: of the groups that a run of free or of resident
/// slices touches, one has a bound that is not less than the run's length, or than its type holds;
/// and no bound of a group is larger than that of its stretch. R6: from `written_from` to
/// `written_end`, the page map names `SpanRef::FREED` at every slice that is free, or behind the
/// first of a large block.
pub(crate) struct Region {
    near_and_map: Growing,
    far_bits: Growing,
    far_records: Growing,
    slices: Growing,
    huge_pages: HugePages,
    near_records_end: Cell<usize>,
    far_records_end: Cell<usize>,
    whole_bytes: usize,
    backing: Backing,
    shares: Sharing,
    used_slices: Cell<usize>,
    resident_slices: Cell<usize>,
    lowest_free: Cell<usize>,
    lowest_resident: Cell<usize>,
    trapped_ranges: Cell<usize>,
    written_from: Cell<usize>,
    written_end: Cell<usize>,
    stripes: Cell<Option<NonNull<Stripes>>>,
    near_bounds: [RunBounds; NEAR_BOUNDS],
}

impl Region {
    pub(crate) fn slices_start(&self) -> NonNull<u8> {
        self.slices.start()
    }

    pub(crate) fn slices_committed_bytes(&self) -> usize {
        self.slices.committed() & !(SLICE_BYTES - 1)
    }

    /// Whether nothing of it is in use, no slice and no record, nor kept for the thread that wants
    /// it next.
    pub(crate) fn is_idle(&self) -> bool {
        self.used_slices.get() == 0
            && self.resident_slices.get() == 0
            && self.near_records_end.get() == NEAR_RECORDS_AT
            && self.far_records_end.get() == 0
    }

    pub(crate) fn used_slices(&self) -> usize {
        self.used_slices.get()
    }

    pub(crate) fn resident_slices(&self) -> usize {
        self.resident_slices.get()
    }

    pub(crate) fn committed_slices(&self) -> usize {
        self.slices.committed() >> SLICE_SHIFT
    }
}
