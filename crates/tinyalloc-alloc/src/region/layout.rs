//! How the parts of a region lie.
//!
//! From low to high addresses, each part committed from its start as it is needed; in a room,
//! nothing else is taken: near part (the first slice bits, the first records), page map (slice to
//! span record) | slice bits | records | guard | slices. The near part is committed with the page
//! map: a small process touches two places of a region, and asks the system twice.
//!
//! In the near part, the begin of everything lies on one page, the *first page*: the bits go down
//! from its begin, behind them come the first records, and the page map begins at its end. What
//! has no place there lies before: more bits, and more records from the start of the region on.

use core::cell::Cell;
use core::ptr::NonNull;
use core::sync::atomic::AtomicPtr;

use tinyalloc_sys::Mapper;

use super::Region;
use super::growing::{Backing, Growing};
use super::huge_pages::{HugePages, UNIT_SLICES};
use super::purpose::{Purpose, Sharing};
use super::run_bounds::{NEAR_BOUNDS, RunBounds};
use super::slice_bits::{FIRST_PAGE_AT, NEAR_BITS_END, NEAR_WORDS, SLICES_PER_WORD, SliceBits, far_bits_bytes};
use crate::config::names::MappingName;
use crate::config::policy::{DATA_STEP_BYTES, METADATA_STEP_BYTES};
use crate::config::tunables::HugePagePolicy;
use crate::span::Span;
use crate::span::class::SLICE_BYTES;
use crate::support::fields::{Field, fields};

/// Runs are aligned to at most this; larger alignments get a mapping of their own.
pub(crate) const RUN_ALIGN_MAX: usize = 64 * SLICE_BYTES;

/// The parts of a region.
pub(crate) const PARTS: usize = 4;

/// Metadata records beyond one per slice: heaps.
const HEAP_BYTES_PER_SLICE: usize = 16;
const HEAP_BYTES_MIN: usize = 128 * 1024;
const _: () = assert!(RUN_ALIGN_MAX % (SLICES_PER_WORD * SLICE_BYTES) == 0 && UNIT_SLICES % SLICES_PER_WORD == 0);

/// The near part: bits for the first 128 MiB of slices, and records for a small process.
pub(super) const NEAR_BYTES: usize = FIRST_PAGE_AT + FIRST_PAGE_BYTES - FIRST_SLICES * size_of::<PageMap>();
/// The first records begin there, up to the page map. Further ones lie before the bits.
pub(super) const NEAR_RECORDS_AT: usize = NEAR_BITS_END;
pub(super) const MORE_RECORDS_END: usize = NEAR_BITS_END - NEAR_WORDS * size_of::<SliceBits>();

const FIRST_PAGE_BYTES: usize = 4096;
/// Of so many slices the first page has the page map: what the first step commits.
const FIRST_SLICES: usize = DATA_STEP_BYTES as usize / SLICE_BYTES;

/// Bytes of records on the first page.
pub(crate) const FIRST_RECORDS_BYTES: usize = NEAR_BYTES - NEAR_RECORDS_AT;
const _: () = assert!(NEAR_RECORDS_AT % align_of::<Span>() == 0 && NEAR_BYTES % align_of::<Span>() == 0);

pub(super) type PageMap = AtomicPtr<Span>;

/// How the parts share a reservation.
struct Layout {
    bits_at: usize,
    records_at: usize,
    slices_at: usize,
}

impl Layout {
    fn of(address: usize, bytes: usize, page_bytes: usize) -> Layout {
        let slices = bytes / SLICE_BYTES;
        let bits_at = (NEAR_BYTES + slices * size_of::<PageMap>()).next_multiple_of(page_bytes);
        let far_bits_bytes = far_bits_bytes(slices.div_ceil(SLICES_PER_WORD));
        let records_at = (bits_at + far_bits_bytes).next_multiple_of(page_bytes);
        let heaps = (slices * HEAP_BYTES_PER_SLICE).max(HEAP_BYTES_MIN);
        let records_end = records_at + slices * size_of::<Span>() + heaps;
        let slices_at = (address + records_end + page_bytes).next_multiple_of(RUN_ALIGN_MAX) - address;
        Layout { bits_at, records_at, slices_at }
    }
}

impl Region {
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn lay_out<M: Mapper>(
        mapper: &M,
        start: NonNull<u8>,
        bytes: usize,
        backing: Backing,
        policy: HugePagePolicy,
        purpose: Purpose,
    ) -> Region {
        let shares = Sharing::of(backing, policy, purpose);
        let policy = if shares == Sharing::BlocksAlone { HugePagePolicy::Never } else { policy };
        let address = start.as_ptr().expose_provenance();
        let page_bytes = mapper.page_bytes();
        let layout = Layout::of(address, bytes, page_bytes);
        let slices_bytes = (bytes - layout.slices_at) & !(SLICE_BYTES - 1);
        let part = |at: usize, bytes: usize, first_step: u32, name: MappingName| {
            let start = start.map_addr(|address| address.saturating_add(at));
            // SAFETY: the parts are reserved, or lie in the room, and do not overlap.
            unsafe { Growing::new(start, bytes, first_step, backing, name) }
        };
        let slices = part(layout.slices_at, slices_bytes, DATA_STEP_BYTES, MappingName::Spans);
        let metadata = |at: usize, bytes: usize| part(at, bytes, METADATA_STEP_BYTES, MappingName::Metadata);
        Region {
            near_and_map: metadata(0, layout.bits_at),
            far_bits: metadata(layout.bits_at, layout.records_at - layout.bits_at),
            // The page before the slices stays a guard.
            far_records: metadata(layout.records_at, (layout.slices_at - layout.records_at - page_bytes) & !(page_bytes - 1)),
            huge_pages: HugePages::new(slices.start(), policy),
            slices,
            near_records_end: Cell::new(NEAR_RECORDS_AT),
            far_records_end: Cell::new(0),
            whole_bytes: bytes,
            backing,
            shares,
            used_slices: Cell::new(0),
            resident_slices: Cell::new(0),
            lowest_free: Cell::new(0),
            lowest_resident: Cell::new(0),
            trapped_ranges: Cell::new(0),
            written_from: Cell::new(0),
            written_end: Cell::new(0),
            stripes: Cell::new(None),
            near_bounds: [const { RunBounds::none() }; NEAR_BOUNDS],
        }
    }

    pub(crate) fn page_map(&self) -> NonNull<PageMap> {
        // SAFETY: the near part lies before the page map.
        unsafe { self.near_and_map.start().add(NEAR_BYTES) }.cast()
    }

    pub(super) fn parts(&self) -> [&Growing; PARTS] {
        [&self.near_and_map, &self.far_bits, &self.far_records, &self.slices]
    }

    /// The mappings that it consists of, empty ones among them.
    pub(crate) fn mappings(&self) -> [(NonNull<u8>, usize); PARTS] {
        let start = self.near_and_map.start();
        match self.backing {
            Backing::Reserved => [(start, self.whole_bytes), (start, 0), (start, 0), (start, 0)],
            Backing::Room => self.parts().map(|part| (part.start(), part.mapped())),
        }
    }

    /// Bytes of address space that are taken.
    pub(crate) fn reserved_bytes(&self) -> usize {
        match self.backing {
            Backing::Reserved => self.whole_bytes,
            Backing::Room => self.parts().map(Growing::mapped).iter().sum(),
        }
    }

    pub(crate) fn metadata_bytes(&self) -> usize {
        self.near_and_map.committed() + self.far_bits.committed() + self.far_records.committed()
    }
}

/// For debuggers.
impl Region {
    pub(crate) const FIELDS: &'static [Field] = fields!("region", Region: near_and_map far_bits far_records slices used_slices
        resident_slices);
    pub(crate) const NUMBERS: &'static [Field] =
        &[("region.bytes", size_of::<Region>()), ("region.page_map", NEAR_BYTES), ("slice.bytes", SLICE_BYTES)];
}
