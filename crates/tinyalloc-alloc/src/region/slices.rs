//! A region: a room to grow into, or one large reservation where there is none, cut into slices. Runs of slices become spans.
//!
//! Layout, from low to high addresses, each part committed from its start as it is needed; in a room, nothing else is taken:
//! near part (the first slice bits, the first records), page map (slice to span record) | slice bits | records | guard | slices.
//! The near part is committed with the page map: a small process touches two places of a region, and asks the system three times.

use core::cell::Cell;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, Ordering};

use tinyalloc_bitmap::{BitmapOps, Words};
use tinyalloc_sys::{MapError, Mapper};

use super::growing::{Backing, Growing};
use super::huge_pages::{HugePages, UNIT_SLICES};
use crate::config::policy::{
    DATA_STEP_BYTES, EXCESS_TIMES_KEPT, IDLE_PART_KEPT, METADATA_STEP_BYTES, REGION_ADDRESS_SPACE_PART, REGION_BYTES_MIN,
    ROOMS_TRIED, TRAPPED_LOOK, UNTRAPPED_AHEAD_SLICES,
};
use crate::config::tunables::HugePagePolicy;
use crate::span::class::{SLICE_BYTES, SLICE_SHIFT};
use crate::span::record::{Extent, Owner, Span, SpanRef};

/// Runs are aligned to at most this; larger alignments get a mapping of their own.
pub(crate) const RUN_ALIGN_MAX: usize = 64 * SLICE_BYTES;
/// Metadata records beyond one per slice: heaps.
const HEAP_BYTES_PER_SLICE: usize = 16;
const HEAP_BYTES_MIN: usize = 128 * 1024;
const SLICES_PER_WORD: usize = u64::BITS as usize;
const _: () = assert!(RUN_ALIGN_MAX.is_multiple_of(SLICES_PER_WORD * SLICE_BYTES) && UNIT_SLICES.is_multiple_of(SLICES_PER_WORD));
/// The near part: bits for the first 128 MiB of slices, and records for a small process.
const NEAR_BYTES: usize = 64 * 1024;
const NEAR_WORDS: usize = 128;
const NEAR_RECORDS_AT: usize = NEAR_WORDS * size_of::<SliceBits>();

/// The state of 64 slices. A free slice that is resident may hold old contents; one that is not reads as zero, or faults if it is
/// trapped.
#[repr(C)]
struct SliceBits {
    used: Cell<u64>,
    resident: Cell<u64>,
    aged: Cell<u64>,
    trapped: Cell<u64>,
}

type PageMap = AtomicPtr<Span>;

/// Which free memory is to be decommitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    /// As much as is too much, where that is cheap.
    Excess,
    /// What was not wanted for an epoch.
    Aged,
    /// All of it.
    All,
}

/// What became of free memory that was to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It may hold old contents.
    Dirty,
    /// It reads as zero.
    Zeroed,
    /// It faults until it is untrapped.
    Trapped,
}

/// Why a region cannot serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// It is full; another one may have room.
    OfRoom,
    /// The system refuses to commit memory.
    OfMemory,
}

/// The parts of a region.
pub(crate) const PARTS: usize = 4;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Slots, which fill up: huge pages are welcome.
    Slots,
    /// A block of its own, of which the program may touch little: huge pages would be resident all the same.
    Block,
}

/// A run that is wanted: how long, on a multiple of what, for what, and how many slices may be untrapped for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    slices: usize,
    align: usize,
    purpose: Purpose,
    untrapped: usize,
}

impl Wanted {
    pub(crate) const fn new(slices: usize, align: usize, purpose: Purpose, untrapped: usize) -> Wanted {
        Wanted { slices, align, purpose, untrapped }
    }

    pub(crate) const fn slices(&self) -> usize {
        self.slices
    }

    pub(crate) const fn align(&self) -> usize {
        self.align
    }

    pub(crate) const fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(crate) const fn for_the_other_purpose(self) -> Wanted {
        let purpose = match self.purpose {
            Purpose::Slots => Purpose::Block,
            Purpose::Block => Purpose::Slots,
        };
        Wanted { purpose, ..self }
    }
}

/// The bits of a word from one on.
const fn bits_from(bit: usize) -> u64 {
    if bit < SLICES_PER_WORD { u64::MAX << bit } else { 0 }
}

/// What lies in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    /// Everything.
    AllAlone,
    /// Slots, and blocks as far as no huge pages are asked for.
    WithBlocksElsewhere,
    /// The other blocks, where none ever are.
    BlocksAlone,
}

impl Sharing {
    /// Regions come in pairs where they cost nothing before they are used, and where huge pages are asked for by default.
    fn of(backing: Backing, policy: HugePagePolicy, purpose: Purpose) -> Sharing {
        match (backing, policy, purpose) {
            (Backing::Room, HugePagePolicy::Madvise, Purpose::Slots) => Sharing::WithBlocksElsewhere,
            (Backing::Room, HugePagePolicy::Madvise, Purpose::Block) => Sharing::BlocksAlone,
            _ => Sharing::AllAlone,
        }
    }
}

/// One column of the slice bits.
struct Column<'region> {
    region: &'region Region,
    column: fn(&SliceBits) -> &Cell<u64>,
    bits: usize,
}

impl Words for Column<'_> {
    fn bits(&self) -> usize {
        self.bits
    }

    fn word(&self, index: usize) -> u64 {
        (self.column)(self.region.slice_bits(index)).get()
    }

    fn set_word(&self, index: usize, word: u64) {
        (self.column)(self.region.slice_bits(index)).set(word);
    }
}

/// Invariants. R1: the lock of the space is held for every call. R2: bits and page map are committed for every committed slice.
/// R3: the page map of every committed slice names a record, [`SpanRef::NONE`] where there is no span.
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
}

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
        let words = slices.div_ceil(SLICES_PER_WORD).saturating_sub(NEAR_WORDS);
        let records_at = (bits_at + words * size_of::<SliceBits>()).next_multiple_of(page_bytes);
        let heaps = (slices * HEAP_BYTES_PER_SLICE).max(HEAP_BYTES_MIN);
        let records_end = records_at + slices * size_of::<Span>() + heaps;
        let slices_at = (address + records_end + page_bytes).next_multiple_of(RUN_ALIGN_MAX) - address;
        Layout { bits_at, records_at, slices_at }
    }
}

/// Life.
impl Region {
    /// A region of at most `bytes`, with room for a run of `slices` at least.
    ///
    /// # Errors
    /// [`MapError`] when not even the least is to be had.
    pub(crate) fn new<M: Mapper>(
        mapper: &M,
        bytes: usize,
        slices: usize,
        policy: HugePagePolicy,
        purpose: Purpose,
    ) -> Result<Region, MapError> {
        let least = (slices * SLICE_BYTES * 9 / 8 + 2 * RUN_ALIGN_MAX).next_power_of_two().max(REGION_BYTES_MIN);
        let bytes = (bytes / SLICE_BYTES * SLICE_BYTES).max(least);
        match Region::in_a_room(mapper, bytes, least, policy, purpose) {
            Err(MapError::Unavailable) => Region::reserve(mapper, bytes, least, policy, purpose),
            region => region,
        }
    }

    /// In a room of which nobody has taken the beginning.
    fn in_a_room<M: Mapper>(
        mapper: &M,
        most: usize,
        least: usize,
        policy: HugePagePolicy,
        purpose: Purpose,
    ) -> Result<Region, MapError> {
        for _ in 0..ROOMS_TRIED {
            let mut bytes = most;
            let start = loop {
                match mapper.room(bytes, RUN_ALIGN_MAX) {
                    Some(start) => break start,
                    None if bytes > least => bytes = (bytes / 2).max(least),
                    None => return Err(MapError::Unavailable),
                }
            };
            let region = Region::lay_out(mapper, start, bytes, Backing::Room, policy, purpose);
            match region.commit_slices(mapper, 1) {
                Ok(()) => return Ok(region),
                Err(Shortage::OfRoom) => region.abandon(mapper),
                Err(Shortage::OfMemory) => {
                    region.abandon(mapper);
                    return Err(MapError::OutOfMemory);
                }
            }
        }
        Err(MapError::Unavailable)
    }

    /// Gives back what a region took of a room that it cannot have.
    fn abandon<M: Mapper>(&self, mapper: &M) {
        for part in self.parts() {
            part.release(mapper);
        }
    }

    /// In a reservation, of half the size while that is refused.
    fn reserve<M: Mapper>(
        mapper: &M,
        bytes: usize,
        least: usize,
        policy: HugePagePolicy,
        purpose: Purpose,
    ) -> Result<Region, MapError> {
        let part = mapper.address_space_bytes() / REGION_ADDRESS_SPACE_PART / SLICE_BYTES * SLICE_BYTES;
        let mut bytes = bytes.min(part).max(least);
        loop {
            match mapper.reserve(bytes, mapper.page_bytes()) {
                Ok(start) => return Ok(Region::lay_out(mapper, start, bytes, Backing::Reserved, policy, purpose)),
                Err(error) if bytes <= least => return Err(error),
                Err(_) => bytes = (bytes / 2).max(least),
            }
        }
    }

    fn lay_out<M: Mapper>(
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
        let part = |at: usize, bytes: usize, first_step: usize| {
            let start = start.map_addr(|address| address.saturating_add(at));
            // SAFETY: the parts are reserved, or lie in the room, and do not overlap.
            unsafe { Growing::new(start, bytes, first_step, backing) }
        };
        let slices = part(layout.slices_at, slices_bytes, DATA_STEP_BYTES);
        Region {
            near_and_map: part(0, layout.bits_at, METADATA_STEP_BYTES),
            far_bits: part(layout.bits_at, layout.records_at - layout.bits_at, METADATA_STEP_BYTES),
            // The page before the slices stays a guard.
            far_records: part(
                layout.records_at,
                (layout.slices_at - layout.records_at - page_bytes) & !(page_bytes - 1),
                METADATA_STEP_BYTES,
            ),
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
        }
    }

    pub(crate) fn slices_start(&self) -> NonNull<u8> {
        self.slices.start()
    }

    pub(crate) fn slices_committed_bytes(&self) -> usize {
        self.slices.committed() & !(SLICE_BYTES - 1)
    }

    pub(crate) fn page_map(&self) -> NonNull<AtomicPtr<Span>> {
        // SAFETY: the near part lies before the page map.
        unsafe { self.near_and_map.start().add(NEAR_BYTES) }.cast()
    }

    /// Bytes of the room or the reservation.
    pub(crate) fn whole_bytes(&self) -> usize {
        self.whole_bytes
    }

    /// Bytes of address space that are taken.
    pub(crate) fn reserved_bytes(&self) -> usize {
        match self.backing {
            Backing::Reserved => self.whole_bytes,
            Backing::Room => self.parts().map(Growing::mapped).iter().sum(),
        }
    }

    /// The mappings that it consists of, empty ones among them.
    pub(crate) fn mappings(&self) -> [(NonNull<u8>, usize); PARTS] {
        let start = self.near_and_map.start();
        match self.backing {
            Backing::Reserved => [(start, self.whole_bytes), (start, 0), (start, 0), (start, 0)],
            Backing::Room => self.parts().map(|part| (part.start(), part.mapped())),
        }
    }

    fn parts(&self) -> [&Growing; PARTS] {
        [&self.near_and_map, &self.far_bits, &self.far_records, &self.slices]
    }

    /// Whether nothing of it is in use, no slice and no record, nor kept for whoever wants it next.
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

    pub(crate) fn metadata_bytes(&self) -> usize {
        self.near_and_map.committed() + self.far_bits.committed() + self.far_records.committed()
    }

    /// Memory for a metadata record that is never given back.
    ///
    /// # Errors
    /// [`Shortage`].
    pub(crate) fn record<M: Mapper>(&self, mapper: &M, bytes: usize, align: usize) -> Result<NonNull<u8>, Shortage> {
        let near = self.near_records_end.get().next_multiple_of(align);
        if near + bytes <= NEAR_BYTES {
            self.near_and_map.commit_to(mapper, NEAR_BYTES).map_err(|refusal| self.shortage(refusal))?;
            self.near_records_end.set(near + bytes);
            // SAFETY: committed just now (G1).
            return Ok(unsafe { self.near_and_map.start().add(near) });
        }
        let far = self.far_records_end.get().next_multiple_of(align);
        if far + bytes > self.far_records.bytes() {
            return Err(Shortage::OfRoom);
        }
        self.far_records.commit_to(mapper, far + bytes).map_err(|refusal| self.shortage(refusal))?;
        self.far_records_end.set(far + bytes);
        // SAFETY: committed just now (G1).
        Ok(unsafe { self.far_records.start().add(far) })
    }
}

/// The page map.
impl Region {
    /// The record behind an address, or `None` when it is not in a committed slice.
    pub(crate) fn span_at(&self, address: usize) -> Option<SpanRef> {
        let offset = address.wrapping_sub(self.slices.start().as_ptr().addr());
        (offset < self.slices_committed_bytes()).then(|| self.span_of_slice(offset >> SLICE_SHIFT))
    }

    /// The large block that an address lies in, found by walking down; for messages.
    pub(crate) fn block_around(&self, address: usize) -> Option<SpanRef> {
        let slice = (address - self.slices.start().as_ptr().addr()) >> SLICE_SHIFT;
        let first = (0..=slice).rev().take_while(|slice| self.used().get(*slice)).find(|slice| {
            let span = self.span_of_slice(*slice);
            span.owner() != Owner::Nobody
        })?;
        let span = self.span_of_slice(first);
        (first + span.slices() as usize > slice).then_some(span)
    }

    pub(crate) fn span_of_slice(&self, slice: usize) -> SpanRef {
        // SAFETY: the page map holds records only (R3).
        unsafe { SpanRef::from_raw(self.map_entry(slice).load(Ordering::Relaxed)) }
    }

    /// Names `span` behind `slices`.
    pub(crate) fn set_span(&self, slices: Range<usize>, span: SpanRef) {
        for slice in slices {
            self.map_entry(slice).store(span.as_ptr(), Ordering::Relaxed);
        }
    }

    pub(crate) fn slice_of(&self, start: NonNull<u8>) -> usize {
        (start.as_ptr().addr() - self.slices.start().as_ptr().addr()) >> SLICE_SHIFT
    }

    pub(crate) fn start_of(&self, slice: usize) -> NonNull<u8> {
        // SAFETY: slices lie within the region.
        unsafe { self.slices.start().add(slice << SLICE_SHIFT) }
    }

    fn map_entry(&self, slice: usize) -> &PageMap {
        // SAFETY: callers name committed slices, whose entries are committed (R2).
        let entry = unsafe { self.page_map().add(slice) };
        // SAFETY: as above; entries are atomics, and zero is a valid one.
        unsafe { entry.as_ref() }
    }
}

/// Runs of slices.
impl Region {
    /// Takes a run of free slices: resident ones first, then low ones, then fresh ones.
    ///
    /// # Errors
    /// [`Shortage`].
    pub(crate) fn take_run<M: Mapper>(&self, mapper: &M, wanted: Wanted, index: u32) -> Result<Extent, Shortage> {
        let Wanted { slices, align, purpose, untrapped } = wanted;
        let end = self.end_for(purpose);
        let fits = |first: &usize| *first + slices <= end;
        let free = || self.find_free(slices, align, end);
        let first = match self.find_resident(slices, align).filter(fits).or_else(free) {
            Some(first) => first,
            None => self.extend(mapper, slices, align, end)?,
        };
        let first = match self.untrap(mapper, first..first + slices, untrapped) {
            Ok(()) => first,
            Err(_) => self.find_accessible(mapper, slices, align)?,
        };
        self.renew_huge_pages(mapper, first);
        let run = first..first + slices;
        let fresh = u32::try_from(slices - self.resident().count_set(run.clone())).map_err(|_| Shortage::OfRoom)?;
        self.claim(run.clone());
        self.fill_shared_units(&run);
        let slices = u32::try_from(slices).map_err(|_| Shortage::OfRoom)?;
        Ok(Extent::new(self.start_of(first), slices, index, fresh))
    }

    /// The slices from which on there is nothing for this purpose: where there is another region for blocks, they stay out of what may get
    /// huge pages, and slots stay here.
    fn end_for(&self, purpose: Purpose) -> usize {
        match (self.shares, purpose) {
            (Sharing::AllAlone, _) | (Sharing::WithBlocksElsewhere, Purpose::Slots) | (Sharing::BlocksAlone, Purpose::Block) => {
                self.slices.bytes() >> SLICE_SHIFT
            }
            (Sharing::WithBlocksElsewhere, Purpose::Block) => self.huge_pages.earliest(),
            (Sharing::BlocksAlone, Purpose::Slots) => 0,
        }
    }

    /// Takes exactly this run, to grow the block before it; how many slices of it are not resident. `None` when it is not free.
    pub(crate) fn take_exactly<M: Mapper>(&self, mapper: &M, run: Range<usize>) -> Option<usize> {
        if run.end > self.end_for(Purpose::Block) {
            return None;
        }
        let known_end = run.end.min(self.committed_slices());
        if run.start < known_end && !self.used().all_clear(run.start..known_end) {
            return None;
        }
        self.commit_slices(mapper, run.end).ok()?;
        self.untrap(mapper, run.clone(), UNTRAPPED_AHEAD_SLICES).ok()?;
        let fresh = run.len() - self.resident().count_set(run.clone());
        self.claim(run.clone());
        self.fill_shared_units(&run);
        Some(fresh)
    }

    /// A run is about to be taken at `first`: if there is nothing but emptiness above it, huge pages are welcome there again.
    fn renew_huge_pages<M: Mapper>(&self, mapper: &M, first: usize) {
        let Some(units) = self.huge_pages.units_to_begin_at(first) else {
            return;
        };
        if self.used().all_clear(units.clone()) && self.resident().all_clear(units.clone()) {
            self.huge_pages.begin_again(mapper, self.slices.start(), units.start);
        }
    }

    /// With the first touch of a run, all of the huge pages that it begins and ends in become resident.
    fn fill_shared_units(&self, run: &Range<usize>) {
        for unit in self.huge_pages.shared_units(run) {
            let before = self.resident_slices.get();
            for word in unit.start / SLICES_PER_WORD..unit.end / SLICES_PER_WORD {
                let bits = self.slice_bits(word);
                let filled = !bits.used.get() & !bits.resident.get() & !bits.trapped.get();
                bits.resident.set(bits.resident.get() | filled);
                self.resident_slices.set(self.resident_slices.get() + filled.count_ones() as usize);
            }
            if self.resident_slices.get() > before {
                self.lowest_resident.set(self.lowest_resident.get().min(unit.start));
            }
        }
    }

    /// Gives a run back, of whose bytes the first `touched` slices may have been written.
    pub(crate) fn give_run(&self, run: Range<usize>, touched: usize) {
        let touched = if self.huge_pages.may_have_filled(&run) { run.len() } else { touched };
        self.free_run(run, touched);
    }

    /// Gives a run back that was trapped.
    pub(crate) fn give_trapped_run(&self, run: Range<usize>) {
        self.mark_trapped(&run, true);
        self.free_run(run, 0);
    }

    /// How many ranges of free slices are trapped: about twice as many mappings are split off.
    pub(crate) fn trapped_ranges(&self) -> usize {
        self.trapped_ranges.get()
    }

    #[inline(never)]
    fn mark_trapped(&self, run: &Range<usize>, trapped: bool) {
        let around = run.start.saturating_sub(1)..(run.end + 1).min(self.committed_slices());
        let before = self.trapped_within(&around);
        if trapped {
            self.trapped().set_range(run.clone());
        } else {
            self.trapped().clear_range(run.clone());
        }
        self.trapped_ranges.set(self.trapped_ranges.get() + self.trapped_within(&around) - before);
    }

    /// How many ranges are trapped there: each bit that follows a clear one is the first of one.
    #[inline(never)]
    fn trapped_within(&self, slices: &Range<usize>) -> usize {
        let (mut ranges, mut is_trapped_before) = (0, false);
        for word in slices.start / SLICES_PER_WORD..slices.end.div_ceil(SLICES_PER_WORD) {
            let first = word * SLICES_PER_WORD;
            let below = bits_from(slices.start.saturating_sub(first));
            let above = bits_from(slices.end.saturating_sub(first));
            let bits = self.slice_bits(word).trapped.get() & below & !above;
            ranges += (bits & !(bits << 1 | u64::from(is_trapped_before))).count_ones() as usize;
            is_trapped_before = bits >> (SLICES_PER_WORD - 1) != 0;
        }
        ranges
    }

    /// Makes a free run accessible, and what is trapped right behind it, as far as there are less than `slices` in all.
    fn untrap<M: Mapper>(&self, mapper: &M, run: Range<usize>, slices: usize) -> Result<(), Shortage> {
        if self.trapped().all_clear(run.clone()) {
            return Ok(());
        }
        let most = (run.start + slices).min(self.committed_slices()).max(run.end);
        let behind = (run.end..most).take_while(|slice| self.trapped().get(*slice)).count();
        let run = run.start..run.end + behind;
        // SAFETY: the slices are committed.
        unsafe { mapper.untrap(self.start_of(run.start), run.len() * SLICE_BYTES) }.map_err(|_| Shortage::OfMemory)?;
        self.mark_trapped(&run, false);
        Ok(())
    }

    /// A run without a trap, where the system does not take them away any more: a sandbox may have closed since they were set.
    #[cold]
    fn find_accessible<M: Mapper>(&self, mapper: &M, slices: usize, align: usize) -> Result<usize, Shortage> {
        let mut from = self.lowest_free.get();
        while let Some(first) = self.used().find_clear_run(from, slices, align) {
            match self.trapped().find_last_set(first + slices).filter(|trapped| *trapped >= first) {
                Some(trapped) => from = trapped + 1,
                None => return Ok(first),
            }
        }
        let first = self.committed_slices().next_multiple_of(align);
        self.commit_slices(mapper, first + slices)?;
        Ok(first)
    }

    /// Frees a run, of which the first `touched` slices are resident.
    fn free_run(&self, run: Range<usize>, touched: usize) {
        self.used().clear_range(run.clone());
        let dirty = run.start..(run.start + touched).min(run.end);
        self.resident().set_range(dirty.clone());
        self.resident_slices.set(self.resident_slices.get() + dirty.len());
        self.used_slices.set(self.used_slices.get() - run.len());
        self.lowest_free.set(self.lowest_free.get().min(run.start));
        self.lowest_resident.set(self.lowest_resident.get().min(run.start));
    }

    fn claim(&self, run: Range<usize>) {
        let resident = self.resident().count_set(run.clone());
        self.resident_slices.set(self.resident_slices.get() - resident);
        self.used_slices.set(self.used_slices.get() + run.len());
        if self.lowest_free.get() == run.start {
            self.lowest_free.set(run.end);
        }
        if self.lowest_resident.get() == run.start {
            self.lowest_resident.set(run.end);
        }
        self.resident().clear_range(run.clone());
        self.aged().clear_range(run.clone());
        self.used().set_range(run);
    }

    fn find_resident(&self, slices: usize, align: usize) -> Option<usize> {
        if self.resident_slices.get() < slices {
            return None;
        }
        let lowest = self.resident().find_first_set(self.lowest_resident.get())?;
        self.lowest_resident.set(lowest);
        self.resident().find_set_run(lowest, slices, align)
    }

    /// The lowest free run; of those further up, one without a trap is taken instead if there is one not far away. It saves a system call, and
    /// what was freed and trapped keeps its trap for longer.
    fn find_free(&self, slices: usize, align: usize, end: usize) -> Option<usize> {
        let find = |from: usize| self.used().find_clear_run(from, slices, align).filter(|first| *first + slices <= end);
        let lowest = find(self.lowest_free.get())?;
        let mut first = lowest;
        for _ in 0..TRAPPED_LOOK {
            if self.trapped().all_clear(first..first + slices) {
                return Some(first);
            }
            let beyond = self.trapped().find_first_set(first).and_then(|trapped| self.trapped().find_clear_run(trapped, 1, 1));
            match beyond.and_then(find) {
                Some(next) => first = next,
                None => break,
            }
        }
        Some(lowest)
    }

    /// Commits a run at the top, beginning with the free slices that are there.
    fn extend<M: Mapper>(&self, mapper: &M, slices: usize, align: usize, end: usize) -> Result<usize, Shortage> {
        let committed = self.committed_slices();
        let first = (committed - self.used().trailing_clear_run()).next_multiple_of(align);
        if first + slices > end {
            return Err(Shortage::OfRoom);
        }
        self.commit_slices(mapper, first + slices)?;
        Ok(first)
    }

    fn commit_slices<M: Mapper>(&self, mapper: &M, slices: usize) -> Result<(), Shortage> {
        let before = self.committed_slices();
        if slices <= before {
            return Ok(());
        }
        let bytes = slices.checked_mul(SLICE_BYTES).ok_or(Shortage::OfRoom)?;
        if bytes > self.slices.bytes() {
            return Err(Shortage::OfRoom);
        }
        self.prepare_metadata(mapper, slices).map_err(|refusal| self.shortage(refusal))?;
        self.slices.commit_to(mapper, bytes).map_err(|refusal| self.shortage(refusal))?;
        let after = self.committed_slices();
        // A generous step may go beyond what the metadata was prepared for.
        if self.prepare_metadata(mapper, after).is_err() {
            self.slices.forget_beyond(bytes);
        }
        self.set_span(before..self.committed_slices(), SpanRef::NONE);
        self.huge_pages.grow(mapper, self.slices.start(), self.committed_slices());
        // Written before it is read, a page costs one fault instead of two.
        let last = self.slice_bits(slices.div_ceil(SLICES_PER_WORD) - 1);
        last.trapped.set(last.trapped.get());
        Ok(())
    }

    /// Why there is no memory: of a room, somebody else may have what lies behind.
    fn shortage(&self, refusal: MapError) -> Shortage {
        match (self.backing, refusal) {
            (Backing::Room, MapError::Unavailable) => Shortage::OfRoom,
            _ => Shortage::OfMemory,
        }
    }

    fn prepare_metadata<M: Mapper>(&self, mapper: &M, slices: usize) -> Result<(), MapError> {
        let words = slices.div_ceil(SLICES_PER_WORD);
        self.far_bits.commit_to(mapper, words.saturating_sub(NEAR_WORDS) * size_of::<SliceBits>())?;
        self.near_and_map.commit_to(mapper, NEAR_BYTES + slices * size_of::<PageMap>())
    }

    pub(crate) fn committed_slices(&self) -> usize {
        self.slices.committed() >> SLICE_SHIFT
    }

    fn column(&self, column: fn(&SliceBits) -> &Cell<u64>) -> Column<'_> {
        Column { region: self, column, bits: self.committed_slices() }
    }

    fn used(&self) -> Column<'_> {
        self.column(|bits| &bits.used)
    }

    fn resident(&self) -> Column<'_> {
        self.column(|bits| &bits.resident)
    }

    fn aged(&self) -> Column<'_> {
        self.column(|bits| &bits.aged)
    }

    fn trapped(&self) -> Column<'_> {
        self.column(|bits| &bits.trapped)
    }

    fn slice_bits(&self, word: usize) -> &SliceBits {
        let (part, word) = match word.checked_sub(NEAR_WORDS) {
            None => (&self.near_and_map, word),
            Some(far) => (&self.far_bits, far),
        };
        // SAFETY: words of committed slices are committed (R2); zero is a valid state.
        let bits = unsafe { part.start().cast::<SliceBits>().add(word) };
        // SAFETY: as above.
        unsafe { bits.as_ref() }
    }
}

/// Purging: which free slices to decommit.
impl Region {
    /// The next free resident run that is old enough, in whole OS pages, claimed so that nobody takes it meanwhile. Huge pages are broken
    /// up only for what nobody may want again.
    pub(crate) fn claim_idle<M: Mapper>(&self, mapper: &M, idle: Idle, slices_max: usize) -> Option<Range<usize>> {
        let run = self.idle_units(idle, slices_max).or_else(|| {
            let mut zone = self.huge_pages.zone();
            if !zone.is_empty() && self.may_break_up(idle) && !self.idle_column(idle).all_clear(zone.clone()) {
                self.huge_pages.give_up(mapper, self.slices.start());
                zone = self.huge_pages.zone();
            }
            let committed = self.committed_slices();
            let above = self.idle_run(mapper, idle, zone.end.min(committed)..committed, slices_max);
            above.or_else(|| self.idle_run(mapper, idle, 0..zone.start.min(committed), slices_max))
        })?;
        self.claim(run.clone());
        Some(run)
    }

    /// Empty units of the zone, the highest that follow each other: of at least one unit, whatever the most.
    fn idle_units(&self, idle: Idle, slices_max: usize) -> Option<Range<usize>> {
        let zone = self.huge_pages.zone();
        let mut units = zone.clone().step_by(UNIT_SLICES).rev().skip_while(|unit| !self.is_idle_unit(*unit, idle));
        let highest = units.next()?;
        let lowest_wanted = (highest + UNIT_SLICES).saturating_sub(slices_max.max(UNIT_SLICES));
        let more = units.take_while(|unit| *unit >= lowest_wanted && self.is_idle_unit(*unit, idle)).last();
        Some(more.unwrap_or(highest)..highest + UNIT_SLICES)
    }

    fn is_idle_unit(&self, unit: usize, idle: Idle) -> bool {
        let mut any = 0;
        for word in unit / SLICES_PER_WORD..(unit + UNIT_SLICES) / SLICES_PER_WORD {
            let bits = self.slice_bits(word);
            if bits.used.get() != 0 {
                return false;
            }
            any |= if idle == Idle::Aged { bits.aged.get() } else { bits.resident.get() };
        }
        any != 0
    }

    fn idle_column(&self, idle: Idle) -> Column<'_> {
        if idle == Idle::Aged { self.aged() } else { self.resident() }
    }

    /// The highest run within these slices: the lowest is taken again first.
    fn idle_run<M: Mapper>(&self, mapper: &M, idle: Idle, within: Range<usize>, slices_max: usize) -> Option<Range<usize>> {
        let column = self.idle_column(idle);
        let mut before = within.end;
        loop {
            let end = column.find_last_set(before).filter(|last| *last >= within.start)? + 1;
            let first = column.find_last_clear(end).map_or(0, |clear| clear + 1).max(within.start);
            let run = self.whole_pages(mapper, first.max(end.saturating_sub(slices_max))..end);
            if !run.is_empty() {
                return Some(run);
            }
            before = first;
        }
    }

    /// Whether what is free and resident is worth breaking huge pages up.
    fn may_break_up(&self, idle: Idle) -> bool {
        let (used, resident) = (self.used_slices.get(), self.resident_slices.get());
        match idle {
            Idle::Excess => resident > used * EXCESS_TIMES_KEPT,
            Idle::Aged => resident * IDLE_PART_KEPT > used,
            Idle::All => true,
        }
    }

    /// The part of a run that consists of whole OS pages, which may be larger than slices: slices start on a multiple of any page.
    fn whole_pages<M: Mapper>(&self, mapper: &M, run: Range<usize>) -> Range<usize> {
        let page_slices = (mapper.page_bytes() >> SLICE_SHIFT).max(1);
        let (first, end) = (run.start.next_multiple_of(page_slices), run.end / page_slices * page_slices);
        first..end.max(first)
    }

    /// Whether huge pages are wanted for a part of a run, or were and may be again: none comes where single pages were trapped.
    pub(crate) fn may_prefer_huge_pages(&self, run: &Range<usize>) -> bool {
        self.huge_pages.may_have_filled(run)
    }

    /// Gives a claimed run back after an attempt to give its memory to the system.
    pub(crate) fn unclaim_idle(&self, run: Range<usize>, left: Left) {
        if left == Left::Trapped {
            return self.give_trapped_run(run);
        }
        let touched = if left == Left::Zeroed { 0 } else { run.len() };
        self.free_run(run.clone(), touched);
        if left == Left::Zeroed || self.trapped().all_clear(run.clone()) {
            return;
        }
        for slice in run.filter(|slice| self.trapped().get(*slice)) {
            self.resident().clear(slice);
            self.resident_slices.set(self.resident_slices.get() - 1);
        }
    }

    /// One epoch passes: what is resident and free now is old at the next one.
    pub(crate) fn age(&self) {
        for word in self.lowest_resident.get() / SLICES_PER_WORD..self.committed_slices().div_ceil(SLICES_PER_WORD) {
            let bits = self.slice_bits(word);
            bits.aged.set(bits.resident.get());
        }
    }
}
