//! Large and huge requests: runs of slices, and mappings of their own.

use core::ptr::NonNull;

use tinyalloc_sys::{MapError, Mapper};

use super::hit_paths::Allocator;
use super::local::Local;
use super::request::Request;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::region::layout::RUN_ALIGN_MAX;
use crate::region::purpose::Purpose;
use crate::report::misuse::Misuse;
use crate::space::Space;
use crate::space::ended_run::EndedRun;
use crate::space::unlisted::Unlisted;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::span_ref::SpanRef;
use crate::support::lock::{Guard, Patience};

/// Requests of at least this many bytes get a mapping of their own.
pub const HUGE_BYTES_MIN: usize = 32 * 1024 * 1024;
/// The largest request: the largest object that C can describe.
pub const REQUEST_BYTES_MAX: usize = isize::MAX as usize;

/// Where the usual memory may be more than the machine has, and is out of reach because another thread forks,
/// no larger block is made of memory apart before that fork has lasted for long.
const APART_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A block, and whether every byte of it reads as zero.
#[derive(Clone, Copy)]
struct Block {
    start: NonNull<u8>,
    zeroed: bool,
}

impl<M: Mapper> Allocator<M> {
    #[cold]
    #[inline(never)]
    pub(crate) fn allocate_large<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        self.large(local, self.current_heap(local), bytes, 1).map(|block| block.start)
    }

    /// As [`Allocator::allocate`], with every byte zero, also those that are usable beyond `bytes`.
    #[inline]
    pub fn allocate_zeroed<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        let Some(class) = SizeClass::at_hand(bytes) else {
            return self.allocate_large_zeroed(local, self.current_heap(local), bytes);
        };
        let Some(start) = self.take_slot(local, class) else {
            return self.allocate_zeroed_slow(local, bytes);
        };
        // SAFETY: the slot is of that class.
        unsafe { start.write_bytes(0, class.bytes()) };
        Some(start)
    }

    #[cold]
    fn allocate_zeroed_slow<L: Local>(&self, local: L, bytes: usize) -> Option<NonNull<u8>> {
        self.allocate_slow(local, bytes).inspect(|start| self.clear(local, *start, bytes))
    }

    /// Clears a new block of at least `bytes` bytes, whatever kind of block it became.
    pub(crate) fn clear<L: Local>(&self, local: L, start: NonNull<u8>, bytes: usize) {
        let usable = self.usable_bytes(local, start).unwrap_or(bytes);
        // SAFETY: the block holds that much.
        unsafe { start.write_bytes(0, usable) };
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn allocate_large_zeroed<L: Local>(
        &self,
        local: L,
        heap: Option<IsolatedRef>,
        bytes: usize,
    ) -> Option<NonNull<u8>> {
        let block = self.large(local, heap, bytes, 1)?;
        if block.zeroed {
            self.announce_zeroed(block.start, bytes);
        } else {
            self.clear(local, block.start, bytes);
        }
        Some(block.start)
    }

    /// At least `bytes` bytes, aligned to `align`, a power of two.
    pub fn allocate_aligned<L: Local>(&self, local: L, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        if bytes > 0
            && align <= SLICE_BYTES
            && let Some(class) = SizeClass::of_aligned(bytes, align)
            && let Some(start) = self.take_slot(local, class)
        {
            return Some(start);
        }
        self.allocate_aligned_slow(local, bytes, align)
    }

    #[cold]
    #[inline(never)]
    fn allocate_aligned_slow<L: Local>(&self, local: L, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        if bytes == 0
            && let Some(start) = self.allocate_nothing(local, align)
        {
            return Some(start);
        }
        if self.checks_all(local) {
            return self.allocate_checked(local, Request::new(bytes).aligned(align));
        }
        if align <= SLICE_BYTES
            && let Some(class) = SizeClass::of_aligned(bytes, align)
        {
            return self.allocate_small_slow(local, class);
        }
        self.allocate_large_aligned(local, self.current_heap(local), bytes, align)
    }

    /// As [`Allocator::allocate_aligned`], with a span or a mapping of its own.
    pub(crate) fn allocate_large_aligned<L: Local>(
        &self,
        local: L,
        heap: Option<IsolatedRef>,
        bytes: usize,
        align: usize,
    ) -> Option<NonNull<u8>> {
        self.large(local, heap, bytes, align).map(|block| block.start)
    }

    fn large<L: Local>(&self, local: L, heap: Option<IsolatedRef>, bytes: usize, align: usize) -> Option<Block> {
        if bytes > REQUEST_BYTES_MAX - SLICE_BYTES || align > REQUEST_BYTES_MAX / 2 {
            return None;
        }
        if self.is_inside(local) {
            if heap.is_some() {
                return None;
            }
            let start = self.emergency().allocate(self.mapper(), bytes, align)?;
            return Some(Block { start, zeroed: false });
        }
        let (wanted, refusals, _quiet) = (bytes, self.refusals(), self.quiet());
        let bytes = bytes.max(1).next_multiple_of(self.mapper().page_bytes());
        if let Some(heap) = heap
            && !self.charge(local, heap, bytes)
        {
            return None;
        }
        let is_for_region = bytes < HUGE_BYTES_MIN && align <= RUN_ALIGN_MAX;
        let in_region = if is_for_region { self.large_in_region(local, heap, bytes, align) } else { None };
        let block = in_region.or_else(|| self.huge(local, heap, bytes, align));
        if let Some(heap) = heap.filter(|_| block.is_none()) {
            heap.quota().give_back(bytes);
        }
        if block.is_none() && self.refusals() != refusals {
            let start = self.emergency().allocate_block(self.mapper(), bytes, align)?;
            return Some(Block { start, zeroed: true });
        }
        self.free_left(local);
        if let Some(block) = block {
            self.announce(local, block.start, wanted);
        }
        block
    }

    /// Charges a heap's quota, after giving up what the heap keeps if it must be.
    fn charge<L: Local>(&self, local: L, heap: IsolatedRef, bytes: usize) -> bool {
        if heap.quota().charge(bytes) {
            return true;
        }
        self.give_up_members(local, heap);
        heap.quota().charge(bytes)
    }

    fn large_in_region<L: Local>(&self, local: L, heap: Option<IsolatedRef>, bytes: usize, align: usize) -> Option<Block> {
        self.large_run(local, heap, bytes, align).or_else(|| {
            self.give_up_spare(local);
            self.large_run(local, heap, bytes, align)
        })
    }

    fn large_run<L: Local>(&self, local: L, heap: Option<IsolatedRef>, bytes: usize, align: usize) -> Option<Block> {
        let mut space = self.space().lock(local.id())?;
        self.start(local, &mut space)?;
        let guard = usize::from(self.checks().hardened);
        let (slices, align) = (bytes.div_ceil(SLICE_BYTES) + guard, align.div_ceil(SLICE_BYTES));
        let span = space.take_span(self.mapper(), slices, align, Purpose::Block, heap)?;
        span.become_large(bytes);
        space.name_first_slice(*span);
        self.publish(&space);
        drop(space);
        if guard > 0 {
            self.guard_end(*span);
        }
        Some(Block { start: span.start(), zeroed: span.is_zeroed() })
    }

    fn huge<L: Local>(&self, local: L, heap: Option<IsolatedRef>, bytes: usize, align: usize) -> Option<Block> {
        // What is checked must be settled: it says how much there is to unmap.
        self.checks_all(local);
        let (block, space) = self.map_huge(local, bytes, align)?;
        let Some(mut space) = space else {
            self.unmap_huge(block);
            return None;
        };
        let admitted = self.start(local, &mut space).is_some() && space.is_within_limit(bytes);
        let added = admitted.then(|| space.add_huge(self.mapper(), block, heap)).flatten();
        self.publish(&space);
        if added.is_none() {
            self.unmap_huge_beside(local, space, block);
            return None;
        }
        drop(space);
        self.guard_huge(block);
        Some(Block { start: block.start(), zeroed: true })
    }

    /// A mapping for a huge block, and the lock of the space; if that alone is refused, the mapping can be
    /// given back at once.
    fn map_huge<L: Local>(&self, local: L, bytes: usize, align: usize) -> Option<(Unlisted, Option<Guard<'_, Space>>)> {
        let map = |this: &Self| {
            let start = this.mapper().map(bytes + this.guard_bytes(), align.max(SLICE_BYTES)).ok()?;
            Some(Unlisted::new(start, bytes))
        };
        if !M::LOCKED_BY_FORKS {
            return Some((map(self)?, self.space().lock(local.id())));
        }
        let space = self.space().lock_with(local.id(), Self::patience(bytes))?;
        let (block, space) = self.beside(local, space, map);
        Some((block?, space))
    }

    /// How long a fork is waited for that is in the way of a huge block.
    const fn patience(bytes: usize) -> Patience {
        if M::LOCKED_BY_FORKS && bytes > APART_BYTES_MAX { Patience::Long } else { Patience::None }
    }

    /// Gives the lock back for a call of the mapper, and takes it again; no fork comes in between. Where one
    /// is about to begin, the lock is kept.
    pub(crate) fn beside<'lock, L: Local, R>(
        &self,
        local: L,
        space: Guard<'lock, Space>,
        call: impl FnOnce(&Self) -> R,
    ) -> (R, Option<Guard<'lock, Space>>) {
        match space.unfinished() {
            Some(unfinished) => self.amid(local, |this| {
                drop(space);
                (call(this), unfinished.finish(local.id()))
            }),
            None => (call(self), Some(space)),
        }
    }

    /// Bytes of a mapping behind its huge block.
    fn guard_bytes(&self) -> usize {
        if self.checks().hardened { self.mapper().page_bytes() } else { 0 }
    }

    /// Traps what lies behind a huge block.
    fn guard_huge(&self, block: Unlisted) {
        if self.guard_bytes() > 0 {
            // SAFETY: the mapping goes on behind the block.
            let end = unsafe { block.start().add(block.bytes()) };
            // SAFETY: nothing is there. Refused, there is no guard, and everything else holds.
            let _ = unsafe { self.mapper().trap(end, self.guard_bytes()) };
        }
    }

    /// Unmaps a huge block, and the guard behind it.
    pub(crate) fn unmap_huge(&self, block: Unlisted) {
        self.unmap(Unlisted::new(block.start(), block.bytes() + self.guard_bytes()));
    }

    /// As [`Allocator::unmap_huge`], where no fork may come in between; the lock is given back.
    fn unmap_huge_beside<L: Local>(&self, local: L, space: Guard<'_, Space>, block: Unlisted) {
        self.release_beside(local, space, |this| this.unmap_huge(block));
    }

    /// Gives the lock back and releases mappings, where no fork may come in between.
    pub(crate) fn release_beside<L: Local>(&self, local: L, space: Guard<'_, Space>, release: impl FnOnce(&Self)) {
        if M::LOCKED_BY_FORKS {
            drop(self.beside(local, space, release));
        } else {
            drop(space);
            release(self);
        }
    }

    /// Failure leaves the memory decommitted and the addresses unused: nothing else can be done about it.
    pub(crate) fn unmap(&self, block: Unlisted) {
        // SAFETY: the mapping is in no table any more.
        let _ = unsafe { self.mapper().release(block.start(), block.bytes()) };
    }
}

/// Frees and changes of size.
impl<M: Mapper> Allocator<M> {
    pub(crate) fn free_large<L: Local>(&self, local: L, span: SpanRef, start: NonNull<u8>) {
        let address = start.as_ptr().addr();
        if !span.is_slot(address) {
            return self.free_misused(start, local, span);
        }
        let Some(mut space) = self.space().lock(local.id()) else {
            return self.emergency().leave(self.mapper(), address);
        };
        // Whoever takes the block away from its owner frees it; of two threads at once, the other made a mistake.
        if !span.is_slot(address) || !span.claim_large() {
            drop(space);
            return local.report(Misuse::DoubleFree { address, slot_bytes: span.slot_bytes() });
        }
        self.withdraw(start);
        if let Some(heap) = IsolatedRef::of_span(span) {
            heap.quota().give_back(span.slot_bytes());
        }
        if Space::is_huge(span) {
            let block = space.remove_huge(span);
            return self.unmap_huge_beside(local, space, block);
        }
        if self.checks().hardened || self.checks().zero_on_free {
            let ended = space.end_large(span);
            // SAFETY: nobody else takes the block's run before it is taken back.
            return self.trap_freed(local, space, &ended, |this| unsafe { this.trap_whole_pages(ended.start(), ended.bytes()) });
        }
        if space.affords_trap(self.mapper(), span) {
            let ended = space.end_large(span);
            // SAFETY: as above, and it is committed.
            let trap = |this: &Self| unsafe { this.mapper().trap_by_rights(ended.start(), ended.bytes()) }.is_ok();
            return self.trap_freed(local, space, &ended, trap);
        }
        space.release_large(span);
        let due = self.due(&mut space);
        drop(space);
        self.purge(local, due);
    }

    /// Traps a freed block; where that is refused, it is as if it had not been tried.
    fn trap_freed<L: Local>(&self, local: L, space: Guard<'_, Space>, ended: &EndedRun, trap: impl FnOnce(&Self) -> bool) {
        let (trapped, space) = self.beside(local, space, trap);
        let Some(mut space) = space else {
            return;
        };
        space.take_back(ended, trapped);
        if !trapped {
            space.refuse_traps();
        }
        let due = self.due(&mut space);
        drop(space);
        self.purge(local, due);
    }

    /// Changes the size of a large block, moving it only if that needs no copy; `None` if that cannot be done.
    pub(crate) fn resize_large<L: Local>(&self, local: L, span: SpanRef, bytes: usize) -> Option<NonNull<u8>> {
        if bytes > REQUEST_BYTES_MAX - SLICE_BYTES {
            return None;
        }
        let bytes = bytes.next_multiple_of(self.mapper().page_bytes());
        if bytes == span.slot_bytes() {
            return Some(span.start());
        }
        if Space::is_huge(span) {
            return (bytes >= HUGE_BYTES_MIN)
                .then(|| self.within_quota(local, span, bytes, |this| this.remap_huge(local, span, bytes)))
                .flatten();
        }
        // From a mapping of its own it goes on growing without a copy, and without huge pages that it may not fill.
        if bytes >= HUGE_BYTES_MIN && bytes > span.slot_bytes() {
            return None;
        }
        self.resize_in_region(local, span, bytes)
    }

    /// Changes the size of a block of a region where it stands.
    pub(crate) fn resize_in_region<L: Local>(&self, local: L, span: SpanRef, bytes: usize) -> Option<NonNull<u8>> {
        if Space::is_huge(span) || bytes > REQUEST_BYTES_MAX - SLICE_BYTES || self.checks().any() {
            return None;
        }
        let bytes = bytes.next_multiple_of(self.mapper().page_bytes());
        self.within_quota(local, span, bytes, |this| {
            let mut space = this.space().lock(local.id())?;
            let resized = space.resize_large(this.mapper(), span, bytes);
            this.publish(&space);
            resized.then_some(span.start())
        })
    }

    /// Changes the size of a block by `resize`, and what its heap is charged with it.
    fn within_quota<L: Local>(
        &self,
        local: L,
        span: SpanRef,
        bytes: usize,
        resize: impl FnOnce(&Self) -> Option<NonNull<u8>>,
    ) -> Option<NonNull<u8>> {
        let Some(heap) = IsolatedRef::of_span(span) else {
            return resize(self);
        };
        let before = span.slot_bytes();
        if bytes > before && !self.charge(local, heap, bytes - before) {
            return None;
        }
        let resized = resize(self);
        if resized.is_some() && bytes < before {
            heap.quota().give_back(before - bytes);
        } else if resized.is_none() && bytes > before {
            heap.quota().give_back(bytes - before);
        }
        resized
    }

    fn remap_huge<L: Local>(&self, local: L, span: SpanRef, bytes: usize) -> Option<NonNull<u8>> {
        let mut space = self.space().lock_with(local.id(), Self::patience(bytes))?;
        if !space.is_within_limit(bytes.saturating_sub(span.slot_bytes())) {
            return None;
        }
        let heap = IsolatedRef::of_span(span);
        let old = space.remove_huge(span);
        let moved = self.remap_guarded(old, bytes);
        let block = moved.map_or(old, |start| Unlisted::new(start, bytes));
        self.guard_huge(block);
        // The record retired a moment ago is there to be taken again.
        space.add_huge(self.mapper(), block, heap)?;
        moved.ok()
    }

    /// Changes the size of a mapping with a guard at its end, which is gone then.
    fn remap_guarded(&self, old: Unlisted, bytes: usize) -> Result<NonNull<u8>, MapError> {
        let guard = self.guard_bytes();
        if guard > 0 {
            // SAFETY: the mapping goes on behind the block.
            let end = unsafe { old.start().add(old.bytes()) };
            // SAFETY: the guard is part of the mapping.
            unsafe { self.mapper().untrap(end, guard) }?;
        }
        // SAFETY: it is a whole mapping, and its block in no table.
        unsafe { self.mapper().remap(old.start(), old.bytes() + guard, bytes + guard) }
    }
}
