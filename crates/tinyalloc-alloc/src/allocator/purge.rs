//! Purging: giving free memory back, with no lock held while the system works. What goes back traps from then on, where that is cheap.

use tinyalloc_array::Array;
use tinyalloc_sys::Mapper;

use super::local::{Local, Mode};
use super::state::Allocator;
use crate::config::policy::{ISOLATED_AT_A_TIME, POOLED_WALKS_MAX, PURGE_BYTES_MAX};
use crate::heap::HeapRef;
use crate::heap::spare::Keeping;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::region::idle::{Idle, Left};
use crate::space::Space;
use crate::space::decay::Due;
use crate::space::reclaim::IdleRun;
use crate::span::class::SLICE_BYTES;
use crate::span::slot::Slot;

impl<M: Mapper> Allocator<M> {
    pub(crate) fn due(&self, space: &mut Space) -> Due {
        space.due(|| self.mapper().now_milliseconds())
    }

    /// Decommits what was idle for an epoch, if one has passed: for who looks at the clock while the program sleeps.
    pub fn purge_by_time<L: Local>(&self, local: L) {
        let due = self.space().lock(local.id()).map(|mut space| space.due_by_time(self.mapper().now_milliseconds()));
        self.purge(local, due.unwrap_or(Due::Nothing));
    }

    /// Decommits what is due.
    #[inline]
    pub(crate) fn purge<L: Local>(&self, local: L, due: Due) {
        if due != Due::Nothing {
            self.purge_slow(local, due);
        }
    }

    #[cold]
    #[inline(never)]
    fn purge_slow<L: Local>(&self, local: L, due: Due) {
        let _quiet = self.quiet();
        match due {
            Due::Nothing => {}
            Due::Aged => {
                self.collect_pooled(local);
                self.purge_while(local, |space, slices| space.claim_idle(self.mapper(), Idle::Aged, slices));
                if let Some(mut space) = self.space().lock(local.id()) {
                    space.age();
                }
                self.release_idle_regions(local);
            }
            Due::DownTo(bytes) => {
                self.give_up_spare_if_idle(local);
                self.purge_while(local, |space, slices| self.claim_excess(space, bytes, slices));
            }
        }
    }

    fn purge_while<L: Local>(&self, local: L, mut claim: impl FnMut(&mut Space, usize) -> Option<IdleRun>) {
        loop {
            let Some(mut space) = self.space().lock(local.id()) else {
                return;
            };
            let Some(idle) = claim(&mut space, PURGE_BYTES_MAX / SLICE_BYTES) else {
                return;
            };
            let Some(unfinished) = space.unfinished() else {
                return space.unclaim_idle(idle, Left::Dirty);
            };
            let (left, space) = self.amid(local, |this| {
                drop(space);
                (this.give_back(&idle), unfinished.finish(local.id()))
            });
            let Some(mut space) = space else {
                return;
            };
            if idle.is_to_be_trapped() && left != Left::Trapped {
                space.refuse_traps();
            }
            space.unclaim_idle(idle, left);
            if left == Left::Dirty {
                return space.keep_excess();
            }
        }
    }

    fn claim_excess(&self, space: &mut Space, bytes: usize, slices_max: usize) -> Option<IdleRun> {
        let excess = space.resident_free_bytes().saturating_sub(bytes) / SLICE_BYTES;
        if excess == 0 {
            return None;
        }
        let claimed = space.claim_idle(self.mapper(), Idle::Excess, slices_max.min(excess));
        if claimed.is_none() {
            space.keep_excess();
        }
        claimed
    }

    fn give_back(&self, idle: &IdleRun) -> Left {
        // SAFETY: the run is free, committed, and claimed: nobody else takes it meanwhile.
        if idle.is_to_be_trapped() && unsafe { self.mapper().trap_by_rights(idle.start(), idle.bytes()) }.is_ok() {
            return Left::Trapped;
        }
        // SAFETY: as above.
        match unsafe { self.mapper().decommit(idle.start(), idle.bytes()) } {
            Ok(()) if M::RECOMMITS => Left::Trapped,
            Ok(()) => Left::Zeroed,
            Err(_) => Left::Dirty,
        }
    }

    /// Decommits all that is free in every region. True if anything was.
    pub(crate) fn purge_free<L: Local>(&self, local: L) -> bool {
        let before = self.purges(local);
        self.purge_while(local, |space, slices| space.claim_idle(self.mapper(), Idle::All, slices));
        self.release_idle_regions(local);
        self.purges(local) != before
    }

    pub(crate) fn purges<L: Local>(&self, local: L) -> usize {
        self.space().lock(local.id()).map_or(0, |space| space.purges())
    }

    fn release_idle_regions<L: Local>(&self, local: L) {
        while let Some(mut space) = self.space().lock(local.id())
            && let Some(mappings) = space.remove_idle_region()
        {
            let unmap =
                |this: &Self| mappings.iter().filter(|mapping| mapping.bytes() > 0).for_each(|mapping| this.unmap(*mapping));
            self.release_beside(local, space, unmap);
        }
    }

    /// What was freed into heaps that wait for a thread would otherwise wait with them. Their bins are walked once, an epoch after a thread
    /// left them and not when it ends: most find a new thread before that.
    fn collect_pooled<L: Local>(&self, local: L) {
        if let Some(pool) = self.pool().lock(local.id()) {
            self.take_abandoned(&pool);
            let mut walks = 0;
            for heap in pool.heaps() {
                let _ = heap.collect(self.secret());
                if walks < POOLED_WALKS_MAX && heap.rest(self.secret()) {
                    walks += 1;
                }
                let _ = self.release_spare(local, heap, Keeping::Nothing);
            }
        }
    }
}

/// Empty spans that heaps keep.
impl<M: Mapper> Allocator<M> {
    /// Gives spans without live slots back to the space, but for those that the heap keeps; what is due to be purged then, once no lock is held.
    #[must_use = "purge it"]
    pub(crate) fn release_spare<L: Local>(&self, local: L, heap: HeapRef, keeping: Keeping) -> Due {
        if !heap.has_spare(keeping) {
            return Due::Nothing;
        }
        if heap.is_hardened() {
            self.purge_spare(local, heap, keeping);
            return Due::Nothing;
        }
        // Refused to a signal handler: they stay where they are until the next time.
        let Some(mut space) = self.space().lock(local.id()) else {
            return Due::Nothing;
        };
        while let Some(span) = heap.pop_spare(keeping) {
            space.release_span(*span);
        }
        self.due(&mut space)
    }

    /// Gives the memory of empty spans back to the system, but not their addresses, which stay with their class.
    pub(crate) fn purge_spare<L: Local>(&self, local: L, heap: HeapRef, keeping: Keeping) {
        if M::RECOMMITS || self.mapper().page_bytes() > SLICE_BYTES {
            return;
        }
        let mut bytes = 0;
        while heap.purge_spare(keeping, |span| {
            let before_guard = (span.slices() as usize - 1) * SLICE_BYTES;
            // SAFETY: the span is this heap's, and nothing lives in it.
            if unsafe { self.mapper().decommit(span.start(), before_guard) }.is_ok() {
                bytes += before_guard;
                return;
            }
            // A part of it may be gone, such as what comes before a page that the program locked.
            // SAFETY: as above, and it is accessible up to the guard.
            unsafe { span.start().write_bytes(0, before_guard) };
        }) {}
        if let Some(mut space) = self.space().lock(local.id()).filter(|_| bytes > 0) {
            space.count_purge(bytes);
        }
    }

    /// Where little is in use, empty spans that the heap keeps are much of it. Current spans stay, idle or not: a signal handler may be
    /// here, and the thread that it interrupted about to take a slot of one.
    fn give_up_spare_if_idle<L: Local>(&self, local: L) {
        let mostly_idle = self.space().lock(local.id()).is_some_and(|space| space.is_mostly_idle());
        if mostly_idle {
            self.give_up_own_spare(local);
        }
    }

    fn give_up_own_spare<L: Local>(&self, local: L) {
        if local.mode() == Mode::Attached {
            let visit = self.enter(local);
            let _ = self.release_spare(local, visit.heap(), Keeping::Nothing);
            self.leave(local, visit);
        }
    }

    /// Every empty span that a heap keeps goes back to the space: it has nothing else to give.
    pub(crate) fn give_up_spare<L: Local>(&self, local: L) {
        self.give_up_own_spare(local);
        if let Some(pool) = self.pool().lock(local.id()) {
            for heap in pool.heaps() {
                let _ = self.release_spare(local, heap, Keeping::Nothing);
            }
        }
    }

    pub(crate) fn give_up_idle<L: Local>(&self, local: L, heap: HeapRef) -> Result<(), Slot> {
        let collected = heap.collect(self.secret());
        heap.retire_idle(self.secret());
        let _ = self.release_spare(local, heap, Keeping::Nothing);
        collected
    }

    /// What isolated heaps keep, a few of them at a time: latest first, by their numbers.
    pub(crate) fn give_up_isolated<L: Local>(&self, local: L) {
        let mut before = usize::MAX;
        loop {
            let mut some: Array<IsolatedRef, ISOLATED_AT_A_TIME> = Array::new();
            if let Some(space) = self.space().lock(local.id()) {
                let earlier = space.isolated().filter(|heap| heap.id() < before).take(ISOLATED_AT_A_TIME);
                let _ = some.try_extend(earlier);
            }
            let Some(last) = some.last() else {
                return;
            };
            before = last.id();
            some.iter().for_each(|heap| self.give_up_members(local, *heap));
            if before == 0 {
                return;
            }
        }
    }

    /// Gives back what is free in a heap: its empty spans, as far as no other thread keeps them, and then all that is free anywhere.
    pub fn purge_heap<L: Local>(&self, local: L, heap: IsolatedRef) -> bool {
        let _quiet = self.quiet();
        self.give_up_members(local, heap);
        self.purge_free(local)
    }

    /// Every empty span of this thread's part in a heap, and of those that no thread uses, goes back to the space.
    pub(crate) fn give_up_members<L: Local>(&self, local: L, heap: IsolatedRef) {
        let _quiet = self.quiet();
        let Some(_pool) = self.pool().lock(local.id()) else {
            return;
        };
        // Another thread may have destroyed it since the caller met it; from here on none can.
        if !self.is_heap(local, heap) {
            return;
        }
        if local.mode() == Mode::Attached
            && let Some(own) = heap.members().find(|member| member.is_of(local.id()))
        {
            let visit = self.enter_on(local, own);
            let _ = self.give_up_idle(local, own);
            self.leave(local, visit);
        }
        self.give_up_idle_members(local, heap);
    }

    /// As [`Allocator::give_up_members`], but for this thread's part.
    pub(crate) fn give_up_pooled<L: Local>(&self, local: L, heap: IsolatedRef) {
        if let Some(_pool) = self.pool().lock(local.id()) {
            self.give_up_idle_members(local, heap);
        }
    }

    fn give_up_idle_members<L: Local>(&self, local: L, heap: IsolatedRef) {
        for member in heap.pool().heaps() {
            let _ = self.give_up_idle(local, member);
        }
    }
}
