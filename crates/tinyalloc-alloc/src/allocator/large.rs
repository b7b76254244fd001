//! Large and huge requests: runs of slices, and mappings of their own.

use core::ptr::NonNull;

use tinyalloc_sys::{Mapper, round_down};

use super::contents::is_filled;
use super::request::Request;
use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::config::names::MappingName;
use crate::config::policy::{GROWN_BYTES_MIN, GROWN_HUGE_PAGES_BYTES_MIN, GROWN_PART, HUGE_BYTES_MIN};
use crate::config::tunables::HugePagePolicy;
use crate::heap::heap_record::HeapRef;
use crate::region::purpose::Purpose;
use crate::space::Space;
use crate::space::ended_run::EndedRun;
use crate::space::unlisted::Unlisted;
use crate::span::class::SLICE_BYTES;
use crate::span::span_ref::SpanRef;
use crate::support::lock::{Guard, Patience};

/// The largest request: the largest object that C can describe.
pub const REQUEST_BYTES_MAX: usize = isize::MAX as usize;

/// Where the usual memory may be more than the machine has, and is out of reach because another
/// thread forks, no larger block is made of memory apart before that fork has lasted for long.
const APART_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A block, and whether every byte of it reads as zero.
#[derive(Clone, Copy)]
pub(crate) struct LargeBlock {
    start: NonNull<u8>,
    zeroed: bool,
}

impl LargeBlock {
    pub(crate) fn new(start: NonNull<u8>, zeroed: bool) -> LargeBlock {
        LargeBlock { start, zeroed }
    }

    pub(crate) fn start(self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn is_zeroed(self) -> bool {
        self.zeroed
    }
}

impl<M: Mapper> Allocator<M> {
    pub(crate) fn large_in_region<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        bytes: usize,
        align: usize,
    ) -> Option<LargeBlock> {
        self.large_run(context, heap, bytes, align).or_else(|| {
            self.abandon_spare(context);
            self.large_run(context, heap, bytes, align)
        })
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn large_run<C: ThreadContext>(&self, context: C, heap: Option<HeapRef>, bytes: usize, align: usize) -> Option<LargeBlock> {
        let mut space = self.space().lock(context.id())?;
        self.start(context, &mut space)?;
        let guard = self.policy().guard_slices() as usize;
        let (slices, align) = (bytes.div_ceil(SLICE_BYTES) + guard, align.div_ceil(SLICE_BYTES));
        if let Some(keeper) = Self::keeper(context) {
            keeper.kept_blocks().note_taken(slices);
            Self::return_kept_for(&mut space, keeper, slices);
        }
        let near = space.near(self.mapper(), heap);
        let span = space.take_span(self.mapper(), slices, align, Purpose::Block, heap, near)?;
        span.become_large(bytes);
        space.name_first_slice(*span);
        self.publish(&space);
        drop(space);
        if guard > 0 {
            self.guard_end(*span);
        }
        Some(LargeBlock { start: span.start(), zeroed: span.is_zeroed() })
    }

    /// Charges a heap's quota, after giving up what the heap keeps if it must be.
    pub(crate) fn charge<C: ThreadContext>(&self, context: C, heap: HeapRef, bytes: usize) -> bool {
        if heap.quota().charge(bytes) {
            return true;
        }
        self.purge_sampled(context, Some(heap));
        self.purge_thread_heaps(context, heap);
        heap.quota().charge(bytes)
    }

    /// What threads keep ready counts towards a limit: it goes back to the space, if there is one.
    pub(crate) fn makes_room<C: ThreadContext>(&self, context: C) -> bool {
        let is_limited = self.space().lock(context.id()).is_some_and(|mut space| space.tunables().limit_bytes != usize::MAX);
        if is_limited {
            self.abandon_spare(context);
        }
        is_limited
    }

    #[inline(never)]
    pub(crate) fn huge<C: ThreadContext>(
        &self,
        context: C,
        heap: Option<HeapRef>,
        bytes: usize,
        align: usize,
    ) -> Option<LargeBlock> {
        // What is checked must be read_only: it says how much there is to unmap.
        self.checks_all(context);
        let (block, space) = self.map_huge(context, bytes, align)?;
        let Some(mut space) = space else {
            self.unmap_huge(block);
            return None;
        };
        let admitted = self.start(context, &mut space).is_some() && space.is_within_limit(bytes);
        let added = admitted.then(|| space.add_huge(self.mapper(), block, heap)).flatten();
        self.publish(&space);
        if added.is_none() {
            self.unmap_huge_beside(context, space, block);
            return None;
        }
        let placement = space.placement(heap);
        drop(space);
        if let Some(placement) = placement {
            // SAFETY: it was mapped just now. Refused, pages come from the node that touches them.
            let _ = unsafe { self.mapper().place(block.start(), self.mapper().page_ceiling(bytes), placement) };
        }
        self.guard_huge(block);
        Some(LargeBlock { start: block.start(), zeroed: true })
    }

    /// A mapping for a huge block, and the lock of the space; if that alone is refused, the mapping
    /// can be returned at once.
    fn map_huge<C: ThreadContext>(&self, context: C, bytes: usize, align: usize) -> Option<(Unlisted, Option<Guard<'_, Space>>)> {
        let map = |this: &Self| {
            let mapped_bytes = bytes + this.guard_bytes();
            let start = this.mapper().map(mapped_bytes, align.max(SLICE_BYTES)).ok()?;
            MappingName::Blocks.give(this.mapper(), start, mapped_bytes);
            Some(Unlisted::new(start, bytes))
        };
        if !M::LOCKED_BY_FORKS {
            return Some((map(self)?, self.space().lock(context.id())));
        }
        let space = self.space().lock_with(context.id(), Self::patience(bytes))?;
        let (block, space) = self.beside(context, space, map);
        Some((block?, space))
    }

    /// How long a fork is waited for that is in the way of a huge block.
    const fn patience(bytes: usize) -> Patience {
        if M::LOCKED_BY_FORKS && bytes > APART_BYTES_MAX { Patience::Long } else { Patience::None }
    }

    /// Traps a freed block; where that is refused, it is as if it had not been tried.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn trap_freed<C: ThreadContext>(
        &self,
        context: C,
        space: Guard<'_, Space>,
        ended: &EndedRun,
        trap: impl FnOnce(&Self) -> bool,
    ) {
        let (trapped, space) = self.beside(context, space, trap);
        let Some(mut space) = space else {
            return;
        };
        space.reclaim(ended, trapped);
        if !trapped {
            space.refuse_traps();
        }
        let due = self.due(&mut space);
        drop(space);
        self.purge(context, due);
    }
}

/// Whether the limit of a heap is not in the way of so much more.
pub(crate) fn admits_grown(heap: Option<HeapRef>, bytes: usize) -> bool {
    heap.is_none_or(|heap| heap.quota().charged_bytes().saturating_add(bytes) <= heap.quota().limit_bytes())
}

/// In place.
impl<M: Mapper> Allocator<M> {
    /// Changes the size of a large block, moving it only if that needs no copy; `None` if that
    /// cannot be done. To the profile, the block is a new one.
    pub(crate) fn resize_large<C: ThreadContext>(&self, context: C, span: SpanRef, bytes: usize) -> Option<NonNull<u8>> {
        let (is_sampled, before, heap) = (span.is_sampled(), span.address(), HeapRef::of_span(span));
        span.set_sampled(false);
        let resized = self.resized_large(context, span, bytes);
        match resized {
            None => span.set_sampled(is_sampled),
            Some(start) => {
                if is_sampled {
                    let _ = self.end_sample(context, before);
                }
                self.draw_large(context, heap, start, Request::new(bytes));
            }
        }
        resized
    }

    fn resized_large<C: ThreadContext>(&self, context: C, span: SpanRef, bytes: usize) -> Option<NonNull<u8>> {
        if bytes > REQUEST_BYTES_MAX - SLICE_BYTES {
            return None;
        }
        let bytes = self.mapper().page_ceiling(bytes);
        if bytes == span.slot_bytes() {
            return Some(span.start());
        }
        if Space::is_huge(span) {
            // A partition keeps its addresses: what is no huge block goes back among them.
            let keeps_addresses = HeapRef::of_span(span).is_some_and(|heap| heap.is_partition());
            let least = if keeps_addresses { HUGE_BYTES_MIN } else { GROWN_BYTES_MIN };
            return if bytes < least { None } else { self.resize_huge(context, span, bytes) };
        }
        // From a mapping of its own it goes on growing without a copy, and without huge pages that
        // it may not fill.
        if bytes >= HUGE_BYTES_MIN && bytes > span.slot_bytes() {
            return None;
        }
        self.resize_in_region(context, span, bytes)
    }

    /// Changes the size of a block by `resize`, and what its heap is charged with it.
    fn within_quota<C: ThreadContext>(
        &self,
        context: C,
        span: SpanRef,
        bytes: usize,
        resize: impl FnOnce(&Self) -> Option<NonNull<u8>>,
    ) -> Option<NonNull<u8>> {
        let Some(heap) = HeapRef::of_span(span) else {
            return resize(self);
        };
        let before = span.slot_bytes();
        if bytes > before && !self.charge(context, heap, bytes - before) {
            return None;
        }
        let resized = resize(self);
        if resized.is_some() && bytes < before {
            heap.quota().uncharge(before - bytes);
        } else if resized.is_none() && bytes > before {
            heap.quota().uncharge(bytes - before);
        }
        resized
    }

    /// Changes the size of a block of a region in place.
    pub(crate) fn resize_in_region<C: ThreadContext>(&self, context: C, span: SpanRef, bytes: usize) -> Option<NonNull<u8>> {
        if Space::is_huge(span) || bytes > REQUEST_BYTES_MAX - SLICE_BYTES || self.policy().checks_frees() {
            return None;
        }
        let bytes = self.mapper().page_ceiling(bytes);
        self.within_quota(context, span, bytes, |this| {
            let mut space = this.space().lock(context.id())?;
            let mut resized = space.resize_large(this.mapper(), span, bytes);
            if !resized {
                if let Some(keeper) = Self::keeper(context) {
                    // One of them may be in the way.
                    Self::return_kept(&mut space, keeper);
                    resized = space.resize_large(this.mapper(), span, bytes);
                }
            }
            this.publish(&space);
            resized.then_some(span.start())
        })
    }

    fn resize_huge<C: ThreadContext>(&self, context: C, span: SpanRef, bytes: usize) -> Option<NonNull<u8>> {
        let (before, grown) = (span.slot_bytes(), self.grown(bytes));
        if grown == before {
            return Some(span.start());
        }
        let remapped = |bytes| self.within_quota(context, span, bytes, |this| this.remap_huge(context, span, bytes));
        let is_padded = bytes > before && admits_grown(HeapRef::of_span(span), grown - before);
        let larger = if is_padded { remapped(grown) } else { None };
        let start = larger
            .or_else(|| remapped(bytes))
            .or_else(|| if bytes > before && self.makes_room(context) { remapped(bytes) } else { None })?;
        if !M::LOCKED_BY_FORKS && bytes >= GROWN_HUGE_PAGES_BYTES_MIN && bytes > before && bytes / 2 <= before {
            self.fill_grown(context, span, start, before);
        }
        Some(start)
    }

    /// Asks for huge pages for a mapping that has grown, if it looks as if all that it was before,
    /// `filled` bytes, were in use.
    fn fill_grown<C: ThreadContext>(&self, context: C, span: SpanRef, start: NonNull<u8>, filled: usize) {
        let huge_pages = self.space().lock(context.id()).map(|mut space| space.tunables().huge_pages);
        let is_wanted = huge_pages.is_some_and(|policy| policy != HugePagePolicy::Never) && !self.policy().checks_frees();
        // Its end may be spare.
        let filled = filled - filled / GROWN_PART;
        if is_wanted && is_filled(start, filled) {
            // SAFETY: the mapping is the block's, and the block the caller's.
            let _ = unsafe { self.mapper().prefer_huge_pages(start, span.slot_bytes(), true) };
        }
    }

    /// How long the mapping of a block is that grows to so many bytes.
    pub(crate) fn grown(&self, bytes: usize) -> usize {
        // A file's memory is not to be had for nothing, and a guard lies right behind its block.
        let is_padded = !M::LOCKED_BY_FORKS && !self.policy().checks_frees();
        let step = if is_padded { (bytes / GROWN_PART + 1).next_power_of_two() / 2 } else { 0 };
        let step = step.max(self.mapper().page_bytes());
        round_down(bytes + (step - 1), step)
    }

    fn remap_huge<C: ThreadContext>(&self, context: C, span: SpanRef, bytes: usize) -> Option<NonNull<u8>> {
        let mut space = self.space().lock_with(context.id(), Self::patience(bytes))?;
        if !space.is_within_limit(bytes.saturating_sub(span.slot_bytes())) {
            return None;
        }
        let heap = HeapRef::of_span(span);
        let old = space.remove_huge(span);
        let moved = self.remap_guarded(old, bytes);
        let block = moved.map_or(old, |start| Unlisted::new(start, bytes));
        self.guard_huge(block);
        // The record retired a moment ago is there to be taken again.
        space.add_huge(self.mapper(), block, heap)?;
        moved.ok()
    }
}
