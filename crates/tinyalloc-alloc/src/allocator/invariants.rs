//! A walk over everything that checks every invariant: for tests, while no other thread is inside
//! the allocator.

use core::cell::Cell;
use core::iter::successors;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use tinyalloc_list::Linked;
use tinyalloc_sys::Mapper;

use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::config::policy::KEPT_WASTE_PART;
use crate::heap::heap_record::HeapRef;
use crate::region::Region;
use crate::region::slice::SliceIndex;
use crate::space::Space;
use crate::span::bins::Bins;
use crate::span::class::{CLASS_COUNT, SLICE_BYTES, SLOT_ALIGN, SizeClass};
use crate::span::owner::Owner;
use crate::span::slot::{Secret, Slot};
use crate::span::span_ref::SpanRef;
use crate::span::state::SpanState;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::spare::SpareLimit;

/// Slots of the largest span of the smallest class.
const SPAN_SLOTS_MAX: usize = 4 * SLICE_BYTES / SLOT_ALIGN;
const MARKS_PER_WORD: usize = u64::BITS as usize;
const NOT_QUIET: &str = "the allocator is quiet";

type Verdict<T = ()> = Result<T, &'static str>;

/// What a walk found. Unlike [`crate::Stats`], exact for every thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InvariantReport {
    /// Bytes in live blocks, requests rounded to their slots.
    pub live_bytes: usize,
    /// Live small slots.
    pub live_slots: usize,
    /// Slots that were freed remotely and not collected yet.
    pub remote_slots: usize,
    /// Free slots in a bin in which their span is not current.
    pub guests: usize,
    /// Spans of small slots.
    pub small_spans: usize,
    /// Large blocks in regions.
    pub large_blocks: usize,
    /// Bytes of them.
    pub large_bytes: usize,
    /// Regions.
    pub regions: usize,
    /// Free slices that may hold old contents.
    pub resident_slices: usize,
}

impl<M: Mapper> Allocator<M> {
    /// Checks every invariant of every region, span and heap.
    ///
    /// # Errors
    /// The sentence that does not hold.
    #[doc(hidden)]
    pub fn check_invariants<C: ThreadContext>(&self, context: C) -> Result<(), &'static str> {
        self.survey(context).map(|_| ())
    }

    /// As [`Allocator::check_invariants`], and what it counted on the way.
    ///
    /// # Errors
    /// The sentence that does not hold.
    #[doc(hidden)]
    pub fn survey<C: ThreadContext>(&self, context: C) -> Result<InvariantReport, &'static str> {
        let pool = self.pool().lock_patiently(context.id()).ok_or(NOT_QUIET)?;
        let space = self.space().lock_patiently(context.id()).ok_or(NOT_QUIET)?;
        let walk = InvariantWalk { guard_slices: self.policy().guard_slices(), space: &space, secret: self.secret() };
        let survey = walk.regions()?;
        walk.heaps()?;
        for heap in pool.heaps() {
            holds(!heap.is_live(), "a pooled heap is pooled")?;
        }
        Ok(survey)
    }
}

struct InvariantWalk<'space> {
    guard_slices: u32,
    space: &'space Space,
    secret: Secret,
}

/// The slices of one region, counted.
#[derive(Default)]
struct Slices {
    used: usize,
    resident: usize,
}

/// Regions and slices.
impl InvariantWalk<'_> {
    fn regions(&self) -> Verdict<InvariantReport> {
        let mut survey = InvariantReport { regions: self.space.regions().len(), ..InvariantReport::default() };
        let mut spans = 0;
        for (index, region) in self.space.regions().iter().enumerate() {
            spans += self.region(region, index, &mut survey)?;
        }
        let (counts, huge) = (self.space, self.space.huge());
        holds(counts.spans() == spans, "every span is counted")?;
        holds((huge.blocks() == 0) == (huge.bytes() == 0), "huge blocks have bytes")?;
        survey.live_bytes += survey.large_bytes + huge.bytes();
        Ok(survey)
    }

    fn region(&self, region: &Region, index: usize, survey: &mut InvariantReport) -> Verdict<usize> {
        let mut counted = Slices::default();
        let (mut number, mut spans) = (0, 0);
        while let Some(slice) = region.slice(number) {
            let span = region.span_of_slice(slice);
            if is_vacant(span) {
                let state = region.state_of(slice);
                holds(!state.is_used(), "a used slice belongs to a span")?;
                holds(state.is_resident() || !state.is_aged(), "what is aged is resident")?;
                holds(!state.is_trapped() || !state.is_resident(), "what is trapped is not resident")?;
                counted.resident += usize::from(state.is_resident());
                number += 1;
                continue;
            }
            holds(span.region() as usize == index, "a span knows its region")?;
            self.extent(region, span, slice)?;
            self.span(span, survey)?;
            counted.used += span.slices() as usize;
            number += span.slices() as usize;
            spans += 1;
        }
        holds(region.written_holds(), "what was written to the page map names a span, or what was freed")?;
        holds(region.bounds_hold(), "no run is longer than the bounds say")?;
        holds(counted.used == region.used_slices(), "used slices are counted")?;
        holds(counted.resident == region.resident_slices(), "resident slices are counted")?;
        survey.resident_slices += counted.resident;
        Ok(spans)
    }

    fn extent(&self, region: &Region, span: SpanRef, first: SliceIndex) -> Verdict {
        let end = first.number() + span.slices() as usize;
        holds(span.slices() > 0 && end <= region.committed_slices(), "a span lies in committed slices")?;
        holds(span.start() == region.start_of(first), "the page map names the span that starts there")?;
        holds(span.address() == span.start().as_ptr().addr(), "a span has one start")?;
        for slice in (first.number()..end).filter_map(|number| region.slice(number)) {
            let state = region.state_of(slice);
            holds(!state.is_trapped(), "what is in use is not trapped")?;
            let named = region.span_of_slice(slice);
            let is_named = if slice == first || !matches!(span.owner(), Owner::Large | Owner::Kept) {
                named == span
            } else {
                is_vacant(named)
            };
            holds(is_named, "the page map names small spans at every slice, large ones at the first")?;
            holds(state.is_used(), "a span's slices are used")?;
            holds(!state.is_resident() && !state.is_aged(), "a used slice is neither resident nor aged")?;
        }
        Ok(())
    }
}

/// Spans and slots.
impl InvariantWalk<'_> {
    fn span(&self, span: SpanRef, survey: &mut InvariantReport) -> Verdict {
        match span.owner() {
            Owner::Nobody => Err("a named span has an owner"),
            Owner::Emergency => holds(Some(span) == self.space.emergency(), "one span is for emergencies"),
            Owner::Large => self.large(span, survey),
            Owner::Kept => holds(span.state() == SpanState::Large, "a kept block was a large one"),
            Owner::Heap(bins) => self.small(span, bins, survey),
        }
    }

    fn large(&self, span: SpanRef, survey: &mut InvariantReport) -> Verdict {
        let bytes = span.slot_bytes();
        holds(span.state() == SpanState::Large, "a large block is in no other state")?;
        holds(span.is_slot(span.address()) && !span.is_slot(span.address() + SLOT_ALIGN), "a large block has one slot")?;
        let (slices, need) = (span.slices() as usize, bytes.div_ceil(SLICE_BYTES));
        // One that was kept may have been larger.
        let waste_max = self.guard_slices as usize + need / KEPT_WASTE_PART;
        holds(bytes > 0 && slices.wrapping_sub(need) <= waste_max, "a large block fills its slices")?;
        holds(!span.links().is_linked(), "a large block is in no list")?;
        survey.large_blocks += 1;
        survey.large_bytes += bytes;
        Ok(())
    }

    fn small(&self, span: SpanRef, bins: NonNull<Bins>, survey: &mut InvariantReport) -> Verdict {
        let class = span.class();
        let carved = span.slots_carved() as usize;
        holds(self.space_heaps().any(|heap| heap.as_bins() == bins), "an owner is a heap")?;
        holds(span.slot_bytes() == class.bytes(), "slots are as large as their class")?;
        holds(carved <= span.slices() as usize * SLICE_BYTES / class.bytes(), "carved slots lie in the span")?;
        let next = span.address() + carved * class.bytes();
        // Without holes the last one is enough.
        for index in if span.has_holes() { 0 } else { carved.saturating_sub(1) }..carved {
            let is_slot = span.is_slot(span.address() + index * class.bytes());
            holds(is_slot != span.is_in_hole(index), "a carved slot is one, but for those in holes")?;
        }
        holds(!span.has_holes() || self.guard_slices == 0, "what is hardened has no holes")?;
        holds(!span.is_slot(next), "a slot is one only when it is carved")?;

        let mut marks = Marks::new(span, self.secret);
        let (mut free, mut guests) = (0, 0);
        for heap in self.space_heaps() {
            // SAFETY: heaps are never unmapped (H2).
            let bin = unsafe { heap.as_bins().as_ref() }.head(class).get();
            let met = marks.mark_own(bin)?;
            holds(met == 0 || span.state() == SpanState::Current || heap.may_lend(class), "only large slots are guests")?;
            let is_current = span.state() == SpanState::Current && heap.as_bins() == bins;
            *if is_current { &mut free } else { &mut guests } += met;
        }
        free += marks.mark_list(self.first_free(span))?;
        let remote = marks.mark_remote()?;
        let present = span.slots_present() as usize;
        // To a span, remotely freed slots and guests are live ones.
        let live_to_span = present.checked_sub(free).ok_or("free slots are carved")?;
        self.standing(span, live_to_span)?;
        let live = live_to_span.checked_sub(remote + guests).ok_or("remotely freed slots and guests are carved")?;
        survey.live_slots += live;
        survey.live_bytes += live * class.bytes();
        survey.remote_slots += remote;
        survey.guests += guests;
        survey.small_spans += 1;
        Ok(())
    }

    /// `live` counts slots that no thread collected as live.
    fn standing(&self, span: SpanRef, live: usize) -> Verdict {
        match span.state() {
            SpanState::Large => Err("a span of slots is not large"),
            SpanState::Current => holds(!span.links().is_linked(), "a current span is in no list"),
            SpanState::Spare => holds(span.links().is_linked() && live == 0, "a spare span is listed, and empty"),
            SpanState::Partial => {
                holds(span.links().is_linked(), "a partial span is listed")?;
                holds(live > 0 || span.slots_carved() == 0, "a partial span has a live slot, or nothing of it is in memory")?;
                holds(span.countdown() as usize == live, "the countdown of a partial span is its live slots")
            }
            SpanState::Lending => {
                holds(!span.links().is_linked(), "a span that lends is in no list")?;
                holds(span.countdown() > 0 && !span.can_carve(), "a span that lends is carved to its end")?;
                holds(live == span.slots() as usize, "a span that lends has no slot in a list of its own")
            }
            SpanState::Full => {
                holds(!span.links().is_linked(), "a full span is in no list")?;
                holds(!span.can_carve(), "a full span is carved to its end")?;
                holds(span.countdown() > 0 && span.live() as usize == live, "the countdown of a full span counts its free slots")
            }
        }
    }

    /// The first free slot in the span's own list, which is reached by the way into a bin and out
    /// again: that leaves it as it was.
    fn first_free(&self, span: SpanRef) -> Slot {
        let bin = Cell::new(Slot::END);
        let (state, countdown) = (span.state(), span.countdown());
        if matches!(state, SpanState::Current | SpanState::Lending) {
            return Slot::END;
        }
        // SAFETY: no other thread is inside the allocator.
        let span = unsafe { span.owned() };
        span.enter_bin(&bin);
        let first = bin.get();
        span.leave_bin(&bin);
        match state {
            SpanState::Full => {
                span.become_full();
                span.spend(span.countdown() - countdown);
            }
            SpanState::Spare => span.become_spare(),
            SpanState::Current | SpanState::Lending | SpanState::Partial | SpanState::Large => span.become_partial(countdown),
        }
        first
    }
}

/// Heaps.
impl InvariantWalk<'_> {
    fn heaps(&self) -> Verdict {
        let global = successors(self.space.heaps(), |heap| heap.next_heap()).count();
        holds(global == self.space.heaps_made(), "every heap is counted")?;
        holds(self.space.isolated().count() == self.space.isolated_live(), "every isolated heap is counted")?;
        for isolated in self.space.isolated() {
            self.isolated(isolated)?;
        }
        for heap in self.space_heaps() {
            holds(!heap.has_spare(SpareLimit::Usual), "a heap keeps a few empty spans")?;
            self.bins(heap)?;
        }
        Ok(())
    }

    fn bins(&self, heap: ThreadHeapRef) -> Verdict {
        let (mut spans, mut current) = ([0; CLASS_COUNT], [0; CLASS_COUNT]);
        for span in self.small_spans_of(heap).filter(|span| span.state() != SpanState::Spare) {
            spans[span.class().index()] += 1;
            current[span.class().index()] += usize::from(span.state() == SpanState::Current);
        }
        // SAFETY: heaps are never unmapped (H2).
        let bins = unsafe { heap.as_bins().as_ref() };
        for class in SizeClass::all() {
            let current = current[class.index()];
            holds(current <= 1, "a bin has one current span")?;
            let may_have_slots = current == 1 || heap.may_lend(class);
            holds(may_have_slots || bins.head(class).get().is_end(), "a bin's slots are those of its current span")?;
            holds(heap.spans(class) == spans[class.index()], "a heap counts its spans")?;
        }
        Ok(())
    }

    fn small_spans_of(&self, heap: ThreadHeapRef) -> impl Iterator<Item = SpanRef> {
        let spans = self.space.regions().iter().flat_map(spans_of);
        spans.filter(move |span| span.owner() == Owner::Heap(heap.as_bins()))
    }

    fn space_heaps(&self) -> impl Iterator<Item = ThreadHeapRef> {
        let global = successors(self.space.heaps(), |heap| heap.next_heap());
        global.chain(self.space.isolated().flat_map(HeapRef::thread_heaps))
    }

    fn isolated(&self, isolated: HeapRef) -> Verdict {
        let mut bytes = 0;
        for span in isolated.spans() {
            holds(HeapRef::of_span(span) == Some(isolated), "a record knows its isolated heap")?;
            if let Owner::Heap(bins) = span.owner() {
                holds(
                    isolated.thread_heaps().any(|heap| heap.as_bins() == bins),
                    "a span of an isolated heap belongs to one of its thread heaps",
                )?;
            }
            bytes += span.touched_bytes();
        }
        holds(isolated.quota().charged_bytes() == bytes, "an isolated heap is charged for what was carved")
    }
}

/// Every span of a region.
fn spans_of(region: &Region) -> impl Iterator<Item = SpanRef> {
    region.spans().filter(|span| !is_vacant(*span))
}

/// Whether a record is one of those that stand for no span.
fn is_vacant(span: SpanRef) -> bool {
    span.slices() == 0 && span.owner() == Owner::Nobody
}

/// Which slots of a span were met in a list. No `Bitmap` of tinyalloc-bitmap: it is made of cells,
/// which the models replace.
struct Marks {
    span: SpanRef,
    secret: Secret,
    met: [u64; SPAN_SLOTS_MAX.div_ceil(MARKS_PER_WORD)],
}

impl Marks {
    fn new(span: SpanRef, secret: Secret) -> Marks {
        Marks { span, secret, met: [0; SPAN_SLOTS_MAX.div_ceil(MARKS_PER_WORD)] }
    }

    fn mark_remote(&mut self) -> Verdict<usize> {
        let Some(first) = NonNull::new(self.span.remote().load(Ordering::Acquire)) else {
            return Ok(0);
        };
        // SAFETY: a remote list holds slots.
        self.mark_list(unsafe { Slot::from_words(first.as_ptr()) })
    }

    fn mark_list(&mut self, first: Slot) -> Verdict<usize> {
        let mut slot = first;
        let mut slots = 0;
        while !slot.is_end() {
            self.mark(slot.unmarked().address())?;
            slot = slot.next(self.secret).ok_or("a free slot is signed")?;
            slots += 1;
        }
        Ok(slots)
    }

    /// As [`Marks::mark_list`], of those slots that are the span's.
    fn mark_own(&mut self, first: Slot) -> Verdict<usize> {
        let (mut slot, mut slots) = (first, 0);
        while !slot.is_end() {
            if self.span.contains(slot.unmarked().address()) {
                self.mark(slot.unmarked().address())?;
                slots += 1;
            }
            slot = slot.next(self.secret).ok_or("a free slot is signed")?;
        }
        Ok(slots)
    }

    fn mark(&mut self, address: usize) -> Verdict {
        holds(self.span.is_slot(address), "a free slot is a carved slot of its span")?;
        let index = (address - self.span.address()) / self.span.slot_bytes();
        let word = self.met.get_mut(index / MARKS_PER_WORD).ok_or("a span has too many slots for this walk")?;
        let mark = 1 << (index % MARKS_PER_WORD);
        holds(*word & mark == 0, "a slot is free once")?;
        *word |= mark;
        Ok(())
    }
}

fn holds(condition: bool, sentence: &'static str) -> Verdict {
    if condition { Ok(()) } else { Err(sentence) }
}
