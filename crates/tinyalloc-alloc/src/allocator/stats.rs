//! What the heap holds, in numbers.

use core::iter::successors;

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::heap::heap_record::HeapRef;
use crate::region::Region;
use crate::region::pages::META_PAGE_BYTES;
use crate::space::Space;
use crate::space::huge_table::HugePeak;
use crate::space::nodes::NodeStats;
use crate::span::class::{CLASS_COUNT, SLICE_BYTES, SizeClass};
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;
use crate::span::state::SpanState;
use crate::thread_heap::ThreadHeapRef;

/// Slots of one size class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassStats {
    /// Bytes of one slot.
    pub slot_bytes: usize,
    /// Spans cut into such slots.
    pub spans: usize,
    /// Slots in use.
    pub live_slots: usize,
    /// Slots that can be had without touching another page.
    pub free_slots: usize,
    /// Slots that its spans have room for.
    pub slots: usize,
}

/// A snapshot. Bytes unless named otherwise. Exact for the calling thread and for all that is
/// quiet; slots in the bins of other running threads count as live. All zero for a signal handler
/// that interrupted the allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// In live blocks, requests rounded to their slots.
    pub allocated: usize,
    /// In spans and blocks, or free and not decommitted.
    pub committed: usize,
    /// Address space taken.
    pub reserved: usize,
    /// In pages of spans that hold or held live slots, and in blocks.
    pub active: usize,
    /// At most so many are in memory: active, free and not yet returned, metadata.
    pub resident: usize,
    /// In spans and blocks.
    pub mapped: usize,
    /// Address space kept without memory.
    pub retained: usize,
    /// For records, bits and maps.
    pub metadata: usize,
    /// Slots that can be had without touching another page.
    pub free_slots: usize,
    /// Slots in use.
    pub live_slots: usize,
    /// Spans, large blocks among them.
    pub spans: usize,
    /// Live large blocks.
    pub large_blocks: usize,
    /// Live huge blocks.
    pub huge_blocks: usize,
    /// Bytes in huge blocks.
    pub huge: usize,
    /// Heaps, those of ended threads included.
    pub heaps: usize,
    /// Isolated heaps that live.
    pub isolated_heaps: usize,
    /// Slots that came home from other threads' frees since the start.
    pub remote_frees: usize,
    /// Decommits since the start.
    pub purges: usize,
    /// Bytes decommitted since the start.
    pub purged: usize,
    /// Bytes that are free and not decommitted.
    pub resident_free: usize,
    /// Small slots by size class.
    pub classes: [ClassStats; CLASS_COUNT],
}

impl<M: Mapper> Allocator<M> {
    /// Counts everything, walking every span once; allocates nothing.
    pub fn stats<C: ThreadContext>(&self, context: C) -> Stats {
        // The profile's lock keeps the bins of sampled blocks still, the pool's those of pooled
        // heaps.
        let profile = self.profile().look(context.id());
        let Some((_pool, space)) = self.pool().look(context.id()).zip(self.space().look(context.id())) else {
            return Stats::default();
        };
        let samples = profile.is_some();
        let mut stats = Stats::of_space(&space);
        let mut filled_bytes = 0;
        for region in space.regions().iter() {
            for span in spans(region) {
                if !span.has_heap() {
                    stats.add_block(span);
                    continue;
                }
                let active = stats.active;
                stats.add_span(span, self.mapper().page_bytes(), self.free_in_current(context, span, samples));
                // A huge page is resident as a whole, whatever part of it was touched.
                if region.may_prefer_huge_pages(&space.regions().place_of(span).1) {
                    let untouched = (span.slices() as usize * SLICE_BYTES).saturating_sub(stats.active - active);
                    filled_bytes += untouched.saturating_sub(span.hole_bytes());
                }
            }
        }
        let heaps = successors(space.heaps(), |heap| heap.next_heap());
        for heap in heaps.filter(|heap| self.may_read_bins(context, *heap, samples)) {
            SizeClass::all().for_each(|class| stats.add_guests(class, heap.guests(class, self.secret()) as usize));
        }
        stats.isolated_heaps = space.isolated().filter(|heap| !heap.is_partition()).count();
        stats.remote_frees = successors(space.heaps(), |heap| heap.next_heap()).map(|heap| heap.remote_frees()).sum();
        stats.remote_frees += space.isolated().flat_map(HeapRef::thread_heaps).map(|heap| heap.remote_frees()).sum::<usize>();
        stats.resident = stats.active + stats.resident_free + stats.metadata + filled_bytes;
        stats.retained = stats.reserved.saturating_sub(stats.committed);
        stats
    }

    /// What regions hold for a node of memory: `None` if no thread of this process was seen there,
    /// and for a signal handler that interrupted the allocator.
    pub fn node_stats<C: ThreadContext>(&self, context: C, node: u32) -> Option<NodeStats> {
        self.space().look(context.id())?.node_stats(node)
    }

    /// How many huge blocks there were at most; none for a signal handler that interrupted the
    /// allocator.
    pub fn huge_peak<C: ThreadContext>(&self, context: C) -> HugePeak {
        self.space().lock(context.id()).map_or(HugePeak::default(), |space| space.huge().peak())
    }

    /// As [`Allocator::stats`], of one isolated heap: what it holds, and what was committed for it;
    /// nothing is reserved or kept free for one heap alone. `None` if it is no live heap.
    ///
    /// No other thread may be freeing large blocks of it meanwhile, or destroying it.
    pub fn heap_stats<C: ThreadContext>(&self, context: C, heap: HeapRef) -> Option<Stats> {
        let profile = self.profile().look(context.id());
        let _pool = self.pool().look(context.id())?;
        let space = self.space().look(context.id())?;
        space.is_isolated(heap).then(|| self.count_heap(context, heap, profile.is_some()))
    }

    /// As [`Allocator::stats`], without what isolated heaps hold.
    pub fn global_heap_stats<C: ThreadContext>(&self, context: C) -> Stats {
        let mut stats = self.stats(context);
        let profile = self.profile().look(context.id());
        let Some((_pool, space)) = self.pool().look(context.id()).zip(self.space().look(context.id())) else {
            return Stats::default();
        };
        // What is in partitions is the global heap's.
        let others = space.isolated().filter(|heap| !heap.is_partition());
        others.for_each(|heap| stats.leave_out(&self.count_heap(context, heap, profile.is_some())));
        stats
    }

    /// Counts a heap; the locks of pool and space are held, with `samples` the profile's, too.
    fn count_heap<C: ThreadContext>(&self, context: C, heap: HeapRef, samples: bool) -> Stats {
        let mut stats = Stats::default();
        for (of_class, class) in stats.classes.iter_mut().zip(SizeClass::all()) {
            of_class.slot_bytes = class.bytes();
        }
        for span in heap.spans() {
            match span.owner() {
                Owner::Large => stats.add_large(span),
                _ => {
                    stats.mapped += span.slices() as usize * SLICE_BYTES;
                    stats.spans += 1;
                    stats.add_span(span, self.mapper().page_bytes(), self.free_in_current(context, span, samples));
                }
            }
        }
        stats.heaps = heap.thread_heaps().count();
        stats.remote_frees = heap.thread_heaps().map(|thread_heap| thread_heap.remote_frees()).sum();
        stats.metadata = heap.pages().count() * META_PAGE_BYTES;
        stats.committed = stats.mapped + stats.metadata;
        stats.resident = stats.active + stats.metadata;
        stats
    }

    /// Whether no other thread may be changing the bins of a heap; the lock of the pool is held,
    /// with `samples` the profile's, too.
    fn may_read_bins<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, samples: bool) -> bool {
        !heap.is_live()
            || context.mode() == Mode::Attached && heap.is_of(context.id())
            || samples && self.sampled_heap(HeapRef::of(heap)) == Some(heap)
    }

    /// Free slots in the bin that `span` is current in; 0 where another thread may be using it.
    #[inline(never)]
    fn free_in_current<C: ThreadContext>(&self, context: C, span: SpanRef, samples: bool) -> usize {
        let Owner::Heap(bins) = span.owner() else {
            return 0;
        };
        if span.state() != SpanState::Current {
            return 0;
        }
        // SAFETY: an owner that is a heap is one (H2).
        let heap = unsafe { ThreadHeapRef::from_bins(bins) };
        if !self.may_read_bins(context, heap, samples) {
            return 0;
        }
        // SAFETY: the caller's own, or one that a lock keeps still.
        heap.in_bin(unsafe { span.owned() }, self.secret()) as usize
    }
}

/// The spans of a region with slots, or a block that is live or kept.
fn spans(region: &Region) -> impl Iterator<Item = SpanRef> {
    region.spans().filter(|span| matches!(span.owner(), Owner::Heap(_) | Owner::Large | Owner::Kept))
}

impl Default for Stats {
    fn default() -> Stats {
        Stats {
            allocated: 0,
            committed: 0,
            reserved: 0,
            active: 0,
            resident: 0,
            mapped: 0,
            retained: 0,
            metadata: 0,
            free_slots: 0,
            live_slots: 0,
            spans: 0,
            large_blocks: 0,
            huge_blocks: 0,
            huge: 0,
            heaps: 0,
            isolated_heaps: 0,
            remote_frees: 0,
            purges: 0,
            purged: 0,
            resident_free: 0,
            classes: [ClassStats::default(); CLASS_COUNT],
        }
    }
}

impl Stats {
    fn of_space(space: &Space) -> Stats {
        let metadata = space.regions().iter().map(Region::metadata_bytes).sum::<usize>() + space.pages_bytes();
        let resident_free = space.resident_free_bytes();
        let huge = space.huge().bytes();
        let mut stats = Stats {
            allocated: huge,
            committed: space.used_bytes() + resident_free + huge + metadata,
            reserved: space.reserved_bytes() + huge,
            active: huge,
            mapped: space.used_bytes() + huge,
            metadata,
            spans: space.spans(),
            huge_blocks: space.huge().blocks(),
            huge,
            heaps: space.heaps_made(),
            purges: space.purges(),
            purged: space.purged_bytes(),
            resident_free,
            ..Stats::default()
        };
        for (of_class, class) in stats.classes.iter_mut().zip(SizeClass::all()) {
            of_class.slot_bytes = class.bytes();
        }
        stats
    }

    fn leave_out(&mut self, heap: &Stats) {
        let pairs = [
            (&mut self.allocated, heap.allocated),
            (&mut self.active, heap.active),
            (&mut self.resident, heap.resident),
            (&mut self.mapped, heap.mapped),
            (&mut self.committed, heap.committed),
            (&mut self.metadata, heap.metadata),
            (&mut self.free_slots, heap.free_slots),
            (&mut self.live_slots, heap.live_slots),
            (&mut self.spans, heap.spans),
            (&mut self.large_blocks, heap.large_blocks),
            (&mut self.huge_blocks, heap.huge_blocks),
            (&mut self.huge, heap.huge),
            (&mut self.remote_frees, heap.remote_frees),
        ];
        for (all, of_heap) in pairs {
            *all = all.saturating_sub(of_heap);
        }
        for (all, of_heap) in self.classes.iter_mut().zip(&heap.classes) {
            all.spans -= of_heap.spans.min(all.spans);
            all.live_slots -= of_heap.live_slots.min(all.live_slots);
            all.free_slots -= of_heap.free_slots.min(all.free_slots);
            all.slots -= of_heap.slots.min(all.slots);
        }
        // The heap was counted a moment later than the process, and other threads used it
        // meanwhile.
        self.active = self.active.max(self.allocated);
        self.mapped = self.mapped.max(self.active);
        self.resident = self.resident.max(self.active);
        self.committed = self.committed.max(self.resident);
    }

    /// A live block of a region, or one that a thread keeps. The thread may be changing that.
    fn add_block(&mut self, span: SpanRef) {
        let span_bytes = span.slices() as usize * SLICE_BYTES;
        match span.owner() {
            Owner::Large => {
                let bytes = span.slot_bytes().min(span_bytes);
                self.allocated += bytes;
                self.active += bytes;
                self.large_blocks += 1;
            }
            _ => self.active += span_bytes,
        }
    }

    fn add_large(&mut self, span: SpanRef) {
        let bytes = span.slot_bytes();
        self.allocated += bytes;
        self.active += bytes;
        if Space::is_huge(span) {
            self.huge_blocks += 1;
            self.huge += bytes;
            self.mapped += bytes;
        } else {
            self.spans += 1;
            self.large_blocks += 1;
            self.mapped += span.slices() as usize * SLICE_BYTES;
        }
    }

    /// Guests in a bin, which their spans have counted as live slots.
    fn add_guests(&mut self, class: SizeClass, guests: usize) {
        let of_class = &mut self.classes[class.index()];
        let guests = guests.min(of_class.live_slots);
        of_class.live_slots -= guests;
        of_class.free_slots += guests;
        self.live_slots -= guests;
        self.free_slots += guests;
        self.allocated -= guests * class.bytes();
    }

    #[inline(never)]
    fn add_span(&mut self, span: SpanRef, page_bytes: usize, free_in_current: usize) {
        let class = span.class();
        let span_bytes = span.slices() as usize * SLICE_BYTES;
        // The owner thread may be changing the span: whatever is read of it, no slot lies beyond
        // the span, and no more live than are there.
        let present = (span.slots_present() as usize).min(span_bytes / class.bytes());
        let live = match span.state() {
            SpanState::Current => present.saturating_sub(free_in_current),
            SpanState::Full | SpanState::Lending | SpanState::Partial | SpanState::Spare | SpanState::Large => {
                present.min(span.live() as usize)
            }
        };
        self.active += span.active_bytes(page_bytes).max(live * class.bytes());
        self.committed = self.committed.saturating_sub(span.hole_bytes());
        let of_class = &mut self.classes[class.index()];
        of_class.spans += 1;
        of_class.live_slots += live;
        of_class.free_slots += present - live;
        of_class.slots += span.slots() as usize;
        self.live_slots += live;
        self.free_slots += present - live;
        self.allocated += live * class.bytes();
    }
}
