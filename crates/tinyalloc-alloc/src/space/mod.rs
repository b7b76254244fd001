//! All regions and huge blocks of an allocator, and the records that describe them, under one lock;
//! and when to purge.

pub(crate) mod decay;
pub(crate) mod trap_budget;
pub(crate) mod unlisted;

pub(crate) mod nodes;

pub(crate) mod growth;

pub(crate) mod records;

pub(crate) mod huge_table;
pub(crate) mod isolated_heaps;
pub(crate) mod lookup;
pub(crate) mod traps;

pub(crate) mod spans;
pub(crate) mod spans_in_use;

pub(crate) mod ended_run;
pub(crate) mod large;
pub(crate) mod reclaim;
pub(crate) mod start;

use core::ptr::null_mut;

use tinyalloc_list::List;

use crate::config::policy::{GROWN_BYTES_LEARNED_MAX, GROWN_BYTES_MIN, LENT_SLICES, LENT_SLICES_MAX};
use crate::config::tunables::Tunables;
use crate::heap::heap_record::Heap;
use crate::region::Region;
use crate::region::pages::Pages;
use crate::region::regions::Regions;
use crate::span::Span;
use crate::span::class::SLICE_BYTES;
use crate::span::span_ref::SpanRef;
use crate::support::fields::{Field, fields};
use crate::thread_heap::ThreadHeapRef;
use decay::{Balance, Decay};
use huge_table::HugeTable;
use nodes::Nodes;
use trap_budget::TrapBudget;

/// Numbers for statistics.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    spans: usize,
    heaps: usize,
    purges: usize,
    purged_bytes: usize,
}

#[repr(C)]
pub(crate) struct Space {
    retired: *mut Span,
    heaps: Option<ThreadHeapRef>,
    isolated: List<Heap>,
    isolated_made: usize,
    isolated_live: usize,
    emergency: Option<SpanRef>,
    counts: Counts,
    decay: Decay,
    trap_budget: TrapBudget,
    tunables: Tunables,
    pages: Pages,
    regions: Regions,
    huge: HugeTable,
    keeping: bool,
    nodes: Nodes,
    are_partitioned: bool,
    lent_slices: usize,
    grown_bytes_min: usize,
}

// SAFETY: the pointers are to records that any thread may use under the lock (S1, R1).
unsafe impl Send for Space {}

impl Space {
    pub(crate) const fn new() -> Space {
        Space {
            regions: Regions::new(),
            huge: HugeTable::new(),
            keeping: false,
            nodes: Nodes::new(),
            are_partitioned: false,
            lent_slices: 0,
            grown_bytes_min: GROWN_BYTES_MIN,
            retired: null_mut(),
            heaps: None,
            isolated: List::new(),
            isolated_made: 0,
            isolated_live: 0,
            pages: Pages::new(),
            emergency: None,
            counts: Counts { spans: 0, heaps: 0, purges: 0, purged_bytes: 0 },
            decay: Decay::new(),
            trap_budget: TrapBudget::new(),
            tunables: Tunables::DEFAULT,
        }
    }

    pub(crate) fn heaps(&self) -> Option<ThreadHeapRef> {
        self.heaps
    }

    pub(crate) fn pages(&mut self) -> &mut Pages {
        &mut self.pages
    }

    pub(crate) fn pages_bytes(&self) -> usize {
        self.pages.bytes()
    }

    pub(crate) fn emergency(&self) -> Option<SpanRef> {
        self.emergency
    }

    pub(crate) fn tunables(&mut self) -> &mut Tunables {
        &mut self.tunables
    }

    pub(crate) fn huge(&self) -> &HugeTable {
        &self.huge
    }

    /// Whether a thread may keep freed large blocks.
    pub(crate) fn is_keeping(&self) -> bool {
        self.keeping
    }

    pub(crate) fn set_keeping(&mut self, keeping: bool) {
        self.keeping = keeping;
    }

    /// Whether a thread may be lent room to keep more; it has it then.
    pub(crate) fn lend_room(&mut self) -> bool {
        let lends = self.lent_slices + LENT_SLICES <= LENT_SLICES_MAX;
        if lends {
            self.lent_slices += LENT_SLICES;
        }
        lends
    }

    /// Room that was lent is there for others again.
    pub(crate) fn take_room_back(&mut self, slices: usize) {
        self.lent_slices -= slices;
    }

    /// Whether a block that grows to so many bytes, and has to move, gets a mapping of its own.
    pub(crate) fn maps_grown(&self, bytes: usize) -> bool {
        bytes > self.grown_bytes_min
    }

    /// A mapping is unmapped: blocks that grow to its size find memory that is resident, next time.
    pub(crate) fn learn_from_mapping(&mut self, bytes: usize) {
        if bytes <= GROWN_BYTES_LEARNED_MAX {
            self.grown_bytes_min = self.grown_bytes_min.max(bytes);
        }
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn resident_free_bytes(&self) -> usize {
        self.regions.iter().map(Region::resident_slices).sum::<usize>() * SLICE_BYTES
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn used_bytes(&self) -> usize {
        self.regions.iter().map(Region::used_slices).sum::<usize>() * SLICE_BYTES
    }

    fn balance(&self) -> Balance {
        Balance::new(self.used_bytes(), self.resident_free_bytes())
    }

    /// Whether so many more bytes may be had.
    pub(crate) fn is_within_limit(&self, bytes: usize) -> bool {
        self.tunables.limit_bytes == usize::MAX
            || (self.used_bytes() + self.huge.bytes()).checked_add(bytes).is_some_and(|sum| sum <= self.tunables.limit_bytes)
    }

    pub(crate) fn spans(&self) -> usize {
        self.counts.spans
    }

    pub(crate) fn count_purge(&mut self, bytes: usize) {
        self.counts.purges += 1;
        self.counts.purged_bytes += bytes;
    }

    pub(crate) fn purges(&self) -> usize {
        self.counts.purges
    }

    pub(crate) fn purged_bytes(&self) -> usize {
        self.counts.purged_bytes
    }

    pub(crate) fn heaps_made(&self) -> usize {
        self.counts.heaps
    }
}

/// For debuggers.
impl Space {
    pub(crate) const FIELDS: &'static [Field] = fields!("space", Space: heaps isolated regions huge);
}
