//! The space: every region and every huge block of one allocator, and the records that describe them. One lock guards it all.

use core::ops::Range;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::Ordering;

use tinyalloc_list::List;
use tinyalloc_sys::Mapper;

use super::decay::{Balance, Decay, Due};
use super::huge::HugeTable;
use super::trap_budget::TrapBudget;
use crate::config::policy::{IDLE_PER_USED, TRAPPED_RANGES_MAX, UNTRAPPED_AHEAD_SLICES};
use crate::config::tunables::{PurgeMode, Tunables};
use crate::heap::thread_heap::{Heap, HeapRef};
use crate::isolated::isolated_heap::{HeapOptions, Isolated, IsolatedRef};
use crate::region::pages::Pages;
use crate::region::regions::Regions;
use crate::region::slices::{Idle, Left, PARTS, Purpose, Region, Shortage, Wanted};
use crate::report::misuse::Misuse;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::record::{Extent, Owner, Span, SpanRef};

/// The region number of a huge block.
const NO_REGION: u32 = u32::MAX;
/// Slots for signal handlers that interrupt the allocator.
const EMERGENCY_SLOTS: u32 = 16;
const EMERGENCY_BYTES: usize = 4096;

/// Numbers for statistics.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    spans: usize,
    large_blocks: usize,
    large_bytes: usize,
    heaps: usize,
    purges: usize,
    purged_bytes: usize,
}

/// A free run whose memory is being given back.
#[derive(Clone, Debug)]
pub(crate) struct IdleRun {
    region: usize,
    run: Range<usize>,
    start: NonNull<u8>,
    early: bool,
    to_trap: bool,
}

impl IdleRun {
    /// Whether it is to be trapped, where that is cheap.
    pub(crate) fn is_to_be_trapped(&self) -> bool {
        self.to_trap
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.run.len() * SLICE_BYTES
    }
}

/// Slices that were a destroyed heap's, and what they held.
#[derive(Clone, Debug)]
pub(crate) struct EndedRun {
    region: usize,
    run: Range<usize>,
    start: NonNull<u8>,
    spans: usize,
    large_blocks: usize,
    large_bytes: usize,
}

impl EndedRun {
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.run.len() * SLICE_BYTES
    }

    /// Adds `next` if it lies right behind, or right before; false if it does not.
    pub(crate) fn join(&mut self, next: &EndedRun) -> bool {
        if next.region != self.region || (next.run.start != self.run.end && next.run.end != self.run.start) {
            return false;
        }
        if next.run.end == self.run.start {
            self.start = next.start;
        }
        self.run = self.run.start.min(next.run.start)..self.run.end.max(next.run.end);
        self.spans += next.spans;
        self.large_blocks += next.large_blocks;
        self.large_bytes += next.large_bytes;
        true
    }
}

/// A mapping that is in no table: a huge block or a region that is new, or about to be released or moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unlisted {
    start: NonNull<u8>,
    bytes: usize,
}

impl Unlisted {
    pub(crate) const fn new(start: NonNull<u8>, bytes: usize) -> Unlisted {
        Unlisted { start, bytes }
    }

    pub(crate) const fn start(self) -> NonNull<u8> {
        self.start
    }

    pub(crate) const fn bytes(self) -> usize {
        self.bytes
    }
}

#[repr(C)]
pub(crate) struct Space {
    retired: *mut Span,
    heaps: Option<HeapRef>,
    isolated: List<Isolated>,
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
}

// SAFETY: the pointers are to records that any thread may use under the lock (S1, R1).
unsafe impl Send for Space {}

/// Life and lookup.
impl Space {
    pub(crate) const fn new() -> Space {
        Space {
            regions: Regions::new(),
            huge: HugeTable::new(),
            retired: null_mut(),
            heaps: None,
            isolated: List::new(),
            isolated_made: 0,
            isolated_live: 0,
            pages: Pages::new(),
            emergency: None,
            counts: Counts { spans: 0, large_blocks: 0, large_bytes: 0, heaps: 0, purges: 0, purged_bytes: 0 },
            decay: Decay::new(),
            trap_budget: TrapBudget::new(),
            tunables: Tunables::DEFAULT,
        }
    }

    pub(crate) fn first_region(&self) -> Option<&Region> {
        self.regions.first()
    }

    pub(crate) fn regions(&self) -> &Regions {
        &self.regions
    }

    pub(crate) fn heaps(&self) -> Option<HeapRef> {
        self.heaps
    }

    /// The isolated heaps.
    pub(crate) fn isolated(&self) -> impl Iterator<Item = IsolatedRef> + '_ {
        self.isolated.iter().map(IsolatedRef::from_node)
    }

    pub(crate) fn isolated_live(&self) -> usize {
        self.isolated_live
    }

    pub(crate) fn pages(&mut self) -> &mut Pages {
        &mut self.pages
    }

    pub(crate) fn pages_bytes(&self) -> usize {
        self.pages.bytes()
    }

    /// Bytes of address space that regions and pages of metadata take.
    pub(crate) fn reserved_bytes(&self) -> usize {
        self.regions.iter().map(Region::reserved_bytes).sum::<usize>() + self.pages.reserved_bytes()
    }

    /// Whether the address is that of an isolated heap that was not destroyed.
    pub(crate) fn is_isolated(&self, heap: IsolatedRef) -> bool {
        self.pages.is_page(heap.address()) && heap.is_live()
    }

    /// A new isolated heap on a page of its own.
    pub(crate) fn new_isolated<M: Mapper>(&mut self, mapper: &M, options: &HeapOptions, hardened: bool) -> Option<IsolatedRef> {
        let page = self.pages.take(mapper)?;
        self.isolated_made += 1;
        self.isolated_live += 1;
        // SAFETY: the page is nobody else's.
        let heap = unsafe { IsolatedRef::init(page, self.isolated_made, options, hardened) };
        // SAFETY: it is in no list yet.
        unsafe { self.isolated.push_front(heap.as_node()) };
        Some(heap)
    }

    /// An isolated heap is about to be destroyed: nobody finds it any more.
    pub(crate) fn forget_isolated(&mut self, heap: IsolatedRef) {
        heap.end();
        self.isolated_live -= 1;
        // SAFETY: it was put there when it was made.
        unsafe { self.isolated.remove(heap.as_node()) };
    }

    /// Takes the slices of a destroyed heap back, of which nothing is resident any more if they were trapped.
    pub(crate) fn take_back(&mut self, ended: &EndedRun, trapped: bool) {
        let region = &self.regions[ended.region];
        region.set_span(ended.run.clone(), SpanRef::FREED);
        if trapped {
            region.give_trapped_run(ended.run.clone());
            self.counts.purges += 1;
            self.counts.purged_bytes += ended.bytes();
        } else {
            region.give_run(ended.run.clone(), ended.run.len());
        }
        self.counts.spans -= ended.spans;
        self.counts.large_blocks -= ended.large_blocks;
        self.counts.large_bytes -= ended.large_bytes;
    }

    /// The slices of a span of a destroyed heap.
    pub(crate) fn end_of(&self, span: SpanRef) -> EndedRun {
        let region = &self.regions[span.region() as usize];
        let first = region.slice_of(span.start());
        let is_large = span.owner() == Owner::Large;
        EndedRun {
            region: span.region() as usize,
            run: first..first + span.slices() as usize,
            start: span.start(),
            spans: 1,
            large_blocks: usize::from(is_large),
            large_bytes: if is_large { span.slot_bytes() } else { 0 },
        }
    }

    pub(crate) fn emergency(&self) -> Option<SpanRef> {
        self.emergency
    }

    pub(crate) fn tunables(&mut self) -> &mut Tunables {
        &mut self.tunables
    }

    /// Whether so many more bytes may be had.
    pub(crate) fn is_within_limit(&self, bytes: usize) -> bool {
        self.tunables.limit_bytes == usize::MAX
            || (self.used_bytes() + self.huge.bytes()).checked_add(bytes).is_some_and(|sum| sum <= self.tunables.limit_bytes)
    }

    pub(crate) fn spans(&self) -> usize {
        self.counts.spans
    }

    pub(crate) fn large_blocks(&self) -> usize {
        self.counts.large_blocks
    }

    pub(crate) fn large_bytes(&self) -> usize {
        self.counts.large_bytes
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

    pub(crate) fn huge(&self) -> &HugeTable {
        &self.huge
    }

    /// Reserves the first region and sets the emergency slots aside, before a guard if wanted: of what lies behind them, too.
    pub(crate) fn start<M: Mapper>(&mut self, mapper: &M, guarded: bool) -> Option<()> {
        if self.regions.is_empty() {
            self.add_region(mapper, 1, Purpose::Slots)?;
        }
        if self.emergency.is_none() {
            let class = SizeClass::of(EMERGENCY_BYTES)?;
            let bytes = class.bytes() * EMERGENCY_SLOTS as usize;
            let slices = bytes.div_ceil(SLICE_BYTES);
            let span = self.take_span(mapper, slices + usize::from(guarded), 1, Purpose::Slots, None)?;
            if guarded && mapper.page_bytes() <= SLICE_BYTES {
                // SAFETY: the span has a slice more than its slots need.
                let guard = unsafe { span.start().add(slices * SLICE_BYTES) };
                // SAFETY: nothing is there. Refused, there is no guard, and everything else holds.
                let _ = unsafe { mapper.trap(guard, SLICE_BYTES) };
            }
            span.become_emergency(class, EMERGENCY_SLOTS);
            self.emergency = Some(span);
            self.name_slices(span);
        }
        Some(())
    }

    /// The record of the live span or block at `address`, in any region or huge.
    pub(crate) fn find(&self, address: usize) -> Option<SpanRef> {
        self.regions
            .iter()
            .find_map(|region| region.span_at(address))
            .filter(|span| span.owner() != Owner::Nobody)
            .or_else(|| self.huge.find(address))
    }

    /// As [`Space::find`].
    ///
    /// # Errors
    /// What is wrong with an address where nothing is found.
    pub(crate) fn look_up(&self, address: usize) -> Result<SpanRef, Misuse> {
        self.find(address).ok_or_else(|| self.verdict(address))
    }

    /// What is wrong with freeing `address`, where no live slot is known to be.
    pub(crate) fn verdict(&self, address: usize) -> Misuse {
        let around = self.regions.iter().find_map(|region| Some((region.span_at(address)?, region.block_around(address))));
        match around {
            Some((_, Some(block))) => block.verdict(address),
            Some((record, None)) if record == SpanRef::FREED => Misuse::FreedBefore { address },
            _ => Misuse::NotAllocated { address },
        }
    }

    /// The span or large block that an address lies in.
    pub(crate) fn block_around(&self, address: usize) -> Option<SpanRef> {
        self.regions.iter().find_map(|region| region.span_at(address).and_then(|_| region.block_around(address)))
    }

    fn add_region<M: Mapper>(&mut self, mapper: &M, slices: usize, purpose: Purpose) -> Option<()> {
        if !self.regions.make_room(mapper) {
            return None;
        }
        let region = Region::new(mapper, self.tunables.region_bytes, slices, self.tunables.huge_pages, purpose).ok()?;
        self.regions.push(region);
        Some(())
    }
}

/// Spans and records.
impl Space {
    /// A span of `slices`, aligned to `align` slices, for an isolated heap or for the global one; the page map does not name it yet.
    pub(crate) fn take_span<M: Mapper>(
        &mut self,
        mapper: &M,
        slices: usize,
        align: usize,
        purpose: Purpose,
        heap: Option<IsolatedRef>,
    ) -> Option<SpanRef> {
        if !self.is_within_limit(slices.checked_mul(SLICE_BYTES)?) {
            return None;
        }
        let record = self.take_record(mapper, heap)?;
        let Some(extent) = self.take_extent(mapper, slices, align, purpose) else {
            self.retire_record(record, heap);
            return None;
        };
        self.counts.spans += 1;
        self.decay.on_take(extent.fresh_slices() as usize * SLICE_BYTES, self.balance());
        // SAFETY: the record is fresh or retired, and stays mapped.
        Some(unsafe { SpanRef::init(record, extent, heap.is_some()) })
    }

    fn take_extent<M: Mapper>(&mut self, mapper: &M, slices: usize, align: usize, purpose: Purpose) -> Option<Extent> {
        let wanted = Wanted::new(slices, align, purpose, self.untrapped_ahead());
        self.take_known_extent(mapper, wanted)
            .or_else(|shortage| match shortage {
                // A new region would be refused as well, and cost address space.
                Shortage::OfMemory => Err(shortage),
                Shortage::OfRoom => self.take_further_extent(mapper, wanted),
            })
            // What is kept for the other purpose is better than nothing.
            .or_else(|_| self.take_known_extent(mapper, wanted.for_the_other_purpose()))
            .ok()
    }

    /// A run in one of the regions that there are.
    fn take_known_extent<M: Mapper>(&self, mapper: &M, wanted: Wanted) -> Result<Extent, Shortage> {
        let mut shortage = Shortage::OfRoom;
        for (index, region) in self.regions.iter().enumerate() {
            match region.take_run(mapper, wanted, u32::try_from(index).map_err(|_| Shortage::OfRoom)?) {
                Err(Shortage::OfRoom) => {}
                Err(Shortage::OfMemory) => shortage = Shortage::OfMemory,
                taken => return taken,
            }
        }
        Err(shortage)
    }

    /// A run in a new region.
    fn take_further_extent<M: Mapper>(&mut self, mapper: &M, wanted: Wanted) -> Result<Extent, Shortage> {
        self.add_region(mapper, wanted.slices() + wanted.align(), wanted.purpose()).ok_or(Shortage::OfMemory)?;
        let index = self.regions.len() - 1;
        self.regions[index].take_run(mapper, wanted, u32::try_from(index).map_err(|_| Shortage::OfRoom)?)
    }

    /// Makes a span of small slots known: from here on its slots are found.
    pub(crate) fn name_slices(&self, span: SpanRef) {
        let region = &self.regions[span.region() as usize];
        let first = region.slice_of(span.start());
        region.set_span(first..first + span.slices() as usize, span);
    }

    /// Makes a large block known, by its first slice alone: no other address of it is ever valid.
    pub(crate) fn name_first_slice(&mut self, span: SpanRef) {
        let region = &self.regions[span.region() as usize];
        let first = region.slice_of(span.start());
        region.set_span(first..first + 1, span);
        self.counts.large_blocks += 1;
        self.counts.large_bytes += span.slot_bytes();
    }

    /// Takes a span with no live slot back.
    pub(crate) fn release_span(&mut self, span: SpanRef) {
        let region = &self.regions[span.region() as usize];
        let first = region.slice_of(span.start());
        let run = first..first + span.slices() as usize;
        region.set_span(run.clone(), SpanRef::FREED);
        // Of memory that was dirty when the span took it, all is dirty still, carved or not.
        let touched = if span.is_zeroed() { span.touched_bytes().div_ceil(SLICE_BYTES) } else { run.len() };
        region.give_run(run, touched);
        span.disown();
        self.counts.spans -= 1;
        self.retire_record(span.into(), IsolatedRef::of_span(span));
    }

    /// A large block is freed that is to be trapped first: its slices stay in use until [`Space::take_back`].
    pub(crate) fn end_large(&mut self, span: SpanRef) -> EndedRun {
        let ended = EndedRun { large_blocks: 1, large_bytes: span.slot_bytes(), ..self.end_of(span) };
        // The record may describe another span before the slices are taken back.
        self.regions[ended.region].set_span(ended.run.start..ended.run.start + 1, SpanRef::FREED);
        self.retire_record(span.into(), IsolatedRef::of_span(span));
        ended
    }

    /// Takes a large block back.
    pub(crate) fn release_large(&mut self, span: SpanRef) {
        self.counts.large_blocks -= 1;
        self.counts.large_bytes -= span.slot_bytes();
        self.release_span(span);
    }

    fn take_record<M: Mapper>(&mut self, mapper: &M, heap: Option<IsolatedRef>) -> Option<NonNull<Span>> {
        if let Some(heap) = heap {
            return self.take_isolated_record(mapper, heap);
        }
        if let Some(record) = NonNull::new(self.retired) {
            // SAFETY: retired records are records.
            let span = unsafe { SpanRef::from_raw(record.as_ptr()) };
            self.retired = span.dirty_next().load(Ordering::Relaxed);
            return Some(record);
        }
        self.metadata(mapper, size_of::<Span>(), align_of::<Span>()).map(NonNull::cast)
    }

    fn take_isolated_record<M: Mapper>(&mut self, mapper: &M, heap: IsolatedRef) -> Option<NonNull<Span>> {
        if let Some(record) = heap.take_record() {
            return Some(record);
        }
        heap.add_records(self.pages.take(mapper)?);
        heap.take_record()
    }

    fn retire_record(&mut self, record: NonNull<Span>, heap: Option<IsolatedRef>) {
        if let Some(heap) = heap {
            return heap.retire_record(record);
        }
        // SAFETY: it is a record.
        let span = unsafe { SpanRef::from_raw(record.as_ptr()) };
        span.dirty_next().store(self.retired, Ordering::Relaxed);
        self.retired = record.as_ptr();
    }

    fn metadata<M: Mapper>(&mut self, mapper: &M, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let mut refused = false;
        for region in self.regions.iter() {
            match region.record(mapper, bytes, align) {
                Ok(record) => return Some(record),
                Err(shortage) => refused |= shortage == Shortage::OfMemory,
            }
        }
        if refused {
            return None;
        }
        self.add_region(mapper, 1, Purpose::Slots)?;
        self.regions.last()?.record(mapper, bytes, align).ok()
    }

    /// A new heap, live for the caller.
    pub(crate) fn new_heap<M: Mapper>(&mut self, mapper: &M, hardened: bool) -> Option<HeapRef> {
        let memory = self.metadata(mapper, size_of::<Heap>(), align_of::<Heap>())?;
        // SAFETY: it is a heap's worth of fresh metadata.
        let heap = unsafe { HeapRef::init(memory, self.heaps, None, hardened) };
        self.heaps = Some(heap);
        self.counts.heaps += 1;
        Some(heap)
    }
}

/// Large blocks that change size, and huge ones.
impl Space {
    /// Grows or shrinks a large block where it stands; false when the slices behind it are taken.
    pub(crate) fn resize_large<M: Mapper>(&mut self, mapper: &M, span: SpanRef, bytes: usize) -> bool {
        let region = &self.regions[span.region() as usize];
        let first = region.slice_of(span.start());
        let slices_before = span.slices() as usize;
        let slices = bytes.div_ceil(SLICE_BYTES);
        if slices > slices_before && !self.is_within_limit((slices - slices_before) * SLICE_BYTES) {
            return false;
        }
        let Ok(slices_kept) = u32::try_from(slices) else {
            return false;
        };
        if slices < slices_before {
            region.give_run(first + slices..first + slices_before, slices_before - slices);
        } else {
            let Some(fresh) = region.take_exactly(mapper, first + slices_before..first + slices) else {
                return false;
            };
            let balance = self.balance();
            self.decay.on_take(fresh * SLICE_BYTES, balance);
        }
        self.counts.large_bytes = self.counts.large_bytes - span.slot_bytes() + bytes;
        span.set_slices(slices_kept);
        span.set_bytes(bytes);
        true
    }

    /// Enters a mapping of its own into the table.
    pub(crate) fn add_huge<M: Mapper>(&mut self, mapper: &M, block: Unlisted, heap: Option<IsolatedRef>) -> Option<()> {
        let record = self.take_record(mapper, heap)?;
        let extent = Extent::new(block.start, 0, NO_REGION, 0);
        // SAFETY: the record is fresh or retired, and stays mapped.
        let span = unsafe { SpanRef::init(record, extent, heap.is_some()) };
        span.become_large(block.bytes);
        self.huge.insert(span);
        Some(())
    }

    pub(crate) fn is_huge(span: SpanRef) -> bool {
        span.region() == NO_REGION
    }

    /// Takes a huge block out of the table, for its release or its move.
    pub(crate) fn remove_huge(&mut self, span: SpanRef) -> Unlisted {
        self.huge.remove(span);
        let block = Unlisted::new(span.start(), span.slot_bytes());
        span.disown();
        self.retire_record(span.into(), IsolatedRef::of_span(span));
        block
    }
}

/// Purging.
impl Space {
    pub(crate) fn resident_free_bytes(&self) -> usize {
        self.regions.iter().map(Region::resident_slices).sum::<usize>() * SLICE_BYTES
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.regions.iter().map(Region::used_slices).sum::<usize>() * SLICE_BYTES
    }

    /// What should be purged, now that memory was freed.
    pub(crate) fn due(&mut self, now_milliseconds: impl FnOnce() -> u64) -> Due {
        let balance = self.balance();
        self.decay.on_free(balance, &self.tunables, now_milliseconds)
    }

    /// What should be purged, though nothing was freed.
    pub(crate) fn due_by_time(&mut self, now_milliseconds: u64) -> Due {
        let balance = self.balance();
        self.decay.on_look(balance, &self.tunables, now_milliseconds)
    }

    fn balance(&self) -> Balance {
        Balance::new(self.used_bytes(), self.resident_free_bytes())
    }

    /// Claims a free run that should go back to the system, if any is left.
    pub(crate) fn claim_idle<M: Mapper>(&mut self, mapper: &M, idle: Idle, slices_max: usize) -> Option<IdleRun> {
        let claimed = self.regions.iter().enumerate().find_map(|(index, region)| {
            let run = region.claim_idle(mapper, idle, slices_max)?;
            let start = region.start_of(run.start);
            Some(IdleRun { region: index, run, start, early: idle == Idle::Excess, to_trap: false })
        })?;
        let may_trap = self.may_trap(mapper, claimed.region, &claimed.run);
        let to_trap = may_trap
            && match idle {
                // Once in an epoch, and nobody wanted it for that long.
                Idle::Aged => !self.trap_budget.is_refused(),
                Idle::Excess | Idle::All => self.trap_budget.pay_for_purge(claimed.bytes(), || mapper.now_milliseconds()),
            };
        Some(IdleRun { to_trap, ..claimed })
    }

    /// Whether a large block is to be trapped as soon as it is freed, though nobody asked for that.
    pub(crate) fn affords_trap<M: Mapper>(&mut self, mapper: &M, span: SpanRef) -> bool {
        let EndedRun { region, run, .. } = self.end_of(span);
        self.tunables.purge_mode == PurgeMode::Decay
            && self.may_trap(mapper, region, &run)
            && self.trap_budget.pay_for_free(run.len() * SLICE_BYTES, || mapper.now_milliseconds())
    }

    /// Where pages are larger than slices, a trap would be a neighbour's as well.
    fn may_trap<M: Mapper>(&self, mapper: &M, region: usize, run: &Range<usize>) -> bool {
        mapper.page_bytes() <= SLICE_BYTES && self.may_trap_by_rights() && !self.regions[region].may_prefer_huge_pages(run)
    }

    /// Whether there are not too many ranges yet that are trapped by access rights.
    pub(crate) fn may_trap_by_rights(&self) -> bool {
        self.regions.iter().map(Region::trapped_ranges).sum::<usize>() < TRAPPED_RANGES_MAX
    }

    /// The system refused to trap memory.
    pub(crate) fn refuse_traps(&mut self) {
        self.trap_budget.refuse();
    }

    /// Where every freed block is to trap, no trap goes before its block is used again.
    fn untrapped_ahead(&self) -> usize {
        let checks = &self.tunables.checks;
        if checks.hardened || checks.zero_on_free { 0 } else { UNTRAPPED_AHEAD_SLICES }
    }

    /// Whether far more is free and resident than in use.
    pub(crate) fn is_mostly_idle(&self) -> bool {
        self.resident_free_bytes() / IDLE_PER_USED > self.used_bytes()
    }

    /// What is too much cannot be had cheaply: do not look again before there is more.
    pub(crate) fn keep_excess(&mut self) {
        self.decay.on_excess_kept(self.balance());
    }

    pub(crate) fn unclaim_idle(&mut self, idle: IdleRun, left: Left) {
        if left != Left::Dirty {
            if idle.early {
                self.decay.on_early_purge(idle.bytes());
            }
            self.counts.purges += 1;
            self.counts.purged_bytes += idle.bytes();
        }
        self.regions[idle.region].unclaim_idle(idle.run, left);
    }

    /// Takes the last region out if it is idle, for the release of its mappings. The first stays: the hit path knows it.
    pub(crate) fn remove_idle_region(&mut self) -> Option<[Unlisted; PARTS]> {
        let is_idle = self.regions.last().is_some_and(Region::is_idle);
        let region = if is_idle { self.regions.pop_further()? } else { return None };
        Some(region.mappings().map(|(start, bytes)| Unlisted::new(start, bytes)))
    }

    /// One epoch passes.
    pub(crate) fn age(&mut self) {
        self.trap_budget.forget_refusal();
        for region in self.regions.iter() {
            region.age();
        }
    }
}
