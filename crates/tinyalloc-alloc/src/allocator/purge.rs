//! Purging: decommitting free memory, with no lock held while the system works. What goes back
//! traps from then on, where that is cheap.

use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use tinyalloc_array::Array;
use tinyalloc_sys::Mapper;

use super::kept_blocks::KeptScope;
use super::slow_path::SlowPath;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::config::policy::{ISOLATED_AT_A_TIME, POOLED_WALKS_MAX, PURGE_BYTES_MAX};
use crate::heap::heap_record::HeapRef;
use crate::region::Region;
use crate::region::idle::{PurgeOutcome, PurgeScope};
use crate::report::misuse::Misuse;
use crate::space::Space;
use crate::space::decay::PurgeTarget;
use crate::space::reclaim::IdleRun;
use crate::span::class::SLICE_BYTES;
use crate::span::slot::Slot;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::dig::{DigScope, Digger};
use crate::thread_heap::guests::FindSpan;
use crate::thread_heap::spare::SpareLimit;

impl<M: Mapper> Allocator<M> {
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn due(&self, space: &mut Space) -> PurgeTarget {
        space.due(|| self.mapper().now_milliseconds())
    }

    /// Decommits what was idle for an epoch, if one has passed: for a thread that looks at the
    /// clock while the program sleeps.
    pub fn purge_by_time<C: ThreadContext>(&self, context: C) {
        let due = self.space().lock(context.id()).map(|mut space| space.due_by_time(self.mapper().now_milliseconds()));
        self.purge(context, due.unwrap_or(PurgeTarget::Nothing));
    }

    /// Decommits what is due.
    #[inline]
    pub(crate) fn purge<C: ThreadContext>(&self, context: C, due: PurgeTarget) {
        if due != PurgeTarget::Nothing {
            self.purge_slow(context, due);
        }
    }

    #[cold]
    #[inline(never)]
    fn purge_slow<C: ThreadContext>(&self, context: C, due: PurgeTarget) {
        let _quiet = self.errors_disabled();
        match due {
            PurgeTarget::Nothing => {}
            PurgeTarget::Aged => {
                self.collect_pooled(context);
                self.purge_sampled(context, None);
                self.release_kept(context, KeptScope::Idle);
                self.purge_while(context, PurgeScope::Aged, 0);
                if let Some(mut space) = self.space().lock(context.id()) {
                    space.age();
                }
                self.release_idle_regions(context);
                self.epochs().fetch_add(1, Ordering::Relaxed);
            }
            PurgeTarget::DownTo(bytes) => {
                self.abandon_spare_if_idle(context);
                if bytes == 0 {
                    self.release_kept(context, KeptScope::All);
                }
                self.purge_while(context, PurgeScope::Excess, bytes);
            }
        }
    }

    /// Decommits what is in the scope, but for so many bytes of an excess.
    #[inline(never)]
    fn purge_while<C: ThreadContext>(&self, context: C, scope: PurgeScope, kept_bytes: usize) {
        loop {
            let Some(mut space) = self.space().lock(context.id()) else {
                return;
            };
            let slices_max = PURGE_BYTES_MAX / SLICE_BYTES;
            let claimed = match scope {
                PurgeScope::Excess => self.claim_excess(&mut space, kept_bytes, slices_max),
                _ => space.claim_idle(self.mapper(), scope, slices_max),
            };
            let Some(idle) = claimed else {
                return;
            };
            let Some(unfinished) = space.unfinished() else {
                return space.unclaim_idle(idle, PurgeOutcome::Dirty);
            };
            let (left, space) = self.amid(context, |this| {
                drop(space);
                (this.decommit_run(&idle), unfinished.finish(context.id()))
            });
            let Some(mut space) = space else {
                return;
            };
            if idle.is_to_be_trapped() && left != PurgeOutcome::Trapped {
                space.refuse_traps();
            }
            space.unclaim_idle(idle, left);
            if left == PurgeOutcome::Dirty {
                return space.keep_excess();
            }
        }
    }

    fn claim_excess(&self, space: &mut Space, bytes: usize, slices_max: usize) -> Option<IdleRun> {
        let excess = space.resident_free_bytes().saturating_sub(bytes) / SLICE_BYTES;
        if excess == 0 {
            return None;
        }
        let claimed = space.claim_idle(self.mapper(), PurgeScope::Excess, slices_max.min(excess));
        if claimed.is_none() {
            space.keep_excess();
        }
        claimed
    }

    fn decommit_run(&self, idle: &IdleRun) -> PurgeOutcome {
        // SAFETY: the run is free, committed, and claimed: no other thread takes it meanwhile.
        if idle.is_to_be_trapped() && unsafe { self.mapper().trap_by_rights(idle.start(), idle.bytes()) }.is_ok() {
            return PurgeOutcome::Trapped;
        }
        // SAFETY: as above.
        match unsafe { self.mapper().decommit(idle.start(), idle.bytes()) } {
            Ok(()) if M::RECOMMITS => PurgeOutcome::Trapped,
            Ok(()) => PurgeOutcome::Zeroed,
            Err(_) => PurgeOutcome::Dirty,
        }
    }

    /// Decommits all that is free in every region. True if anything was.
    pub(crate) fn purge_free<C: ThreadContext>(&self, context: C) -> bool {
        let before = self.purges(context);
        self.purge_while(context, PurgeScope::All, 0);
        self.release_idle_regions(context);
        self.purges(context) != before
    }

    pub(crate) fn purges<C: ThreadContext>(&self, context: C) -> usize {
        self.space().lock(context.id()).map_or(0, |space| space.purges())
    }

    fn release_idle_regions<C: ThreadContext>(&self, context: C) {
        while let Some(mut space) = self.space().lock(context.id()) {
            let Some(mappings) = space.remove_idle_region(self.mapper()) else { return };
            let unmap =
                |this: &Self| mappings.iter().filter(|mapping| mapping.bytes() > 0).for_each(|mapping| this.unmap(*mapping));
            self.release_beside(context, space, unmap);
        }
    }

    /// What was freed into heaps that wait for a thread would otherwise wait with them. Their bins
    /// are walked once, an epoch after a thread left them and not when it ends: most find a new
    /// thread before that.
    fn collect_pooled<C: ThreadContext>(&self, context: C) {
        if let Some(pool) = self.pool().lock(context.id()) {
            self.take_abandoned(&pool);
            let mut walks = 0;
            for heap in pool.heaps() {
                let _ = heap.collect(self.secret());
                if walks < POOLED_WALKS_MAX && heap.age_in_pool(self.secret(), &|address| self.find_span(context, address)) {
                    walks += 1;
                }
                let _ = self.release_spare(context, heap, SpareLimit::None);
            }
        }
    }
}

/// Empty spans that heaps keep.
impl<M: Mapper> Allocator<M> {
    /// Returns spans without live slots to the space, but for those that the heap keeps; what is
    /// due to be purged then, once no lock is held.
    #[must_use = "purge it"]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn release_spare<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, keeping: SpareLimit) -> PurgeTarget {
        if !heap.has_spare(keeping) {
            return PurgeTarget::Nothing;
        }
        if heap.policy().keeps_spans_with_their_class() {
            self.purge_spare(context, heap, keeping);
            return PurgeTarget::Nothing;
        }
        // Refused to a signal handler: they stay where they are until the next time.
        let Some(mut space) = self.space().lock(context.id()) else {
            return PurgeTarget::Nothing;
        };
        while let Some(span) = heap.pop_spare(keeping) {
            space.release_span(*span);
        }
        self.due(&mut space)
    }

    /// Returns the memory of empty spans to the system, but not their addresses, which stay with
    /// their class.
    pub(crate) fn purge_spare<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef, keeping: SpareLimit) {
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
        if let Some(mut space) = self.space().lock(context.id()).filter(|_| bytes > 0) {
            space.count_purge(bytes);
        }
    }

    /// Where little is in use, empty spans that the heap keeps are much of it. Current spans stay,
    /// idle or not: a signal handler may be here, and the thread that it interrupted about to take
    /// a slot of one.
    fn abandon_spare_if_idle<C: ThreadContext>(&self, context: C) {
        let mostly_idle = self.space().lock(context.id()).is_some_and(|space| space.is_mostly_idle());
        if mostly_idle {
            self.abandon_own_spare(context);
            self.release_kept(context, KeptScope::All);
        }
    }

    fn abandon_own_spare<C: ThreadContext>(&self, context: C) {
        if context.mode() == Mode::Attached {
            let slow_path = self.begin_slow_path(context);
            let _ = self.release_spare(context, slow_path.heap(), SpareLimit::None);
            self.end_slow_path(context, slow_path);
        }
    }

    /// Every empty span that a heap keeps goes back to the space: it has nothing else to give.
    #[cold]
    #[inline(never)]
    pub(crate) fn abandon_spare<C: ThreadContext>(&self, context: C) {
        self.abandon_own_spare(context);
        self.release_kept(context, KeptScope::All);
        if let Some(pool) = self.pool().lock(context.id()) {
            for heap in pool.heaps() {
                let _ = self.release_spare(context, heap, SpareLimit::None);
            }
        }
    }

    /// Free pages inside spans lose their memory, where bins may be emptied after empty spans, and
    /// the slow path ends. The child of a fork could not use a heap that is being dug: a fork waits
    /// for the span at hand, and the rest is left as it is. False then.
    pub(crate) fn dig<C: ThreadContext>(&self, context: C, slow_path: SlowPath, scope: DigScope) -> bool {
        let collected = if scope.empties_bins() { self.purge_thread_heap(context, slow_path.heap()) } else { Ok(()) };
        let unfinished = self.space().lock(context.id()).map(|space| {
            let zone = space.first_region().filter(|_| scope.spares_huge_pages()).map(Region::huge_zone);
            (space.unfinished(), zone.unwrap_or(0..0))
        });
        let Some((Some(unfinished), zone)) = unfinished else {
            self.end_slow_path(context, slow_path);
            report_tampered(context, collected);
            return unfinished.is_none();
        };
        let mut bytes = 0;
        let result = collected.and_then(|()| {
            self.dig_with(slow_path.heap(), scope, &zone, &|address| self.find_span(context, address), &mut bytes)
        });
        let space = unfinished.finish(context.id());
        let is_whole = !self.space().is_fork_near();
        self.end_slow_path(context, slow_path);
        if let Some(mut space) = space.filter(|_| bytes > 0) {
            space.count_purge(bytes);
        }
        report_tampered(context, result);
        is_whole
    }

    fn dig_with(
        &self,
        heap: ThreadHeapRef,
        scope: DigScope,
        spared: &Range<usize>,
        find: FindSpan<'_>,
        dug: &mut usize,
    ) -> Result<(), Slot> {
        if M::RECOMMITS {
            return Ok(());
        }
        let mut decommit = |start: NonNull<u8>, bytes| {
            // SAFETY: the pages hold free slots alone, which are on no list.
            let decommitted = !spared.contains(&start.as_ptr().addr()) && unsafe { self.mapper().decommit(start, bytes) }.is_ok();
            *dug += if decommitted { bytes } else { 0 };
            decommitted
        };
        let is_over = || self.space().is_fork_near();
        let mut digger = Digger::new(self.mapper().page_bytes(), self.secret(), find, &mut decommit, &is_over);
        heap.dig(scope, &mut digger)
    }

    /// The heaps of sampled blocks are no thread's: what was freed there comes home with each
    /// sample, and here.
    pub(crate) fn purge_sampled<C: ThreadContext>(&self, context: C, isolated: Option<HeapRef>) {
        if self.sampled_heap(isolated).is_none() {
            return;
        }
        // The lock first: in the child of a signal handler's fork, the heap is another's.
        let Some(profile) = self.profile().lock(context.id()) else {
            return;
        };
        let pool = isolated.and_then(|_| self.pool().lock(context.id()));
        // Another thread may have destroyed it since the caller met it; from here on none can.
        if isolated.is_some_and(|isolated| pool.is_none() || !self.is_heap(context, isolated)) {
            return;
        }
        let Some(heap) = self.sampled_heap(isolated) else {
            return;
        };
        let slow_path = self.begin_slow_path_on(context, heap);
        let purged = self.purge_thread_heap(context, heap);
        self.end_slow_path(context, slow_path);
        drop((pool, profile));
        report_tampered(context, purged);
    }

    #[inline(never)]
    pub(crate) fn purge_thread_heap<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef) -> Result<(), Slot> {
        let collected = heap.collect(self.secret());
        let retired = heap.retire_idle(self.secret(), &|address| self.find_span(context, address));
        let _ = self.release_spare(context, heap, SpareLimit::None);
        collected.and(retired)
    }

    /// What isolated heaps keep, a few of them at a time: latest first, by their numbers.
    pub(crate) fn purge_heaps<C: ThreadContext>(&self, context: C) {
        let mut before = usize::MAX;
        loop {
            let mut some: Array<HeapRef, ISOLATED_AT_A_TIME> = Array::new();
            if let Some(space) = self.space().lock(context.id()) {
                let earlier = space.isolated().filter(|heap| heap.id() < before).take(ISOLATED_AT_A_TIME);
                let _ = some.try_extend(earlier);
            }
            let Some(last) = some.last() else {
                return;
            };
            before = last.id();
            for heap in some.iter() {
                self.purge_sampled(context, Some(*heap));
                self.purge_thread_heaps(context, *heap);
            }
            if before == 0 {
                return;
            }
        }
    }

    /// Releases what is free in a heap: its empty spans, as far as no other thread keeps them, and
    /// then all that is free anywhere.
    pub fn purge_heap<C: ThreadContext>(&self, context: C, heap: HeapRef) -> bool {
        let _quiet = self.errors_disabled();
        self.purge_sampled(context, Some(heap));
        self.purge_thread_heaps(context, heap);
        self.purge_free(context)
    }

    /// Every empty span of this thread's part in a heap, and of those that no thread uses, goes
    /// back to the space.
    pub(crate) fn purge_thread_heaps<C: ThreadContext>(&self, context: C, heap: HeapRef) {
        let _quiet = self.errors_disabled();
        let Some(_pool) = self.pool().lock(context.id()) else {
            return;
        };
        // Another thread may have destroyed it since the caller met it; from here on none can.
        if !self.is_heap(context, heap) {
            return;
        }
        if context.mode() == Mode::Attached {
            if let Some(own) = heap.thread_heaps().find(|thread_heap| thread_heap.is_of(context.id())) {
                let slow_path = self.begin_slow_path_on(context, own);
                let _ = self.purge_thread_heap(context, own);
                self.end_slow_path(context, slow_path);
            }
        }
        self.purge_idle_thread_heaps(context, heap);
    }

    /// As [`Allocator::purge_thread_heaps`], but for this thread's part.
    pub(crate) fn purge_pooled_thread_heaps<C: ThreadContext>(&self, context: C, heap: HeapRef) {
        if let Some(_pool) = self.pool().lock(context.id()) {
            self.purge_idle_thread_heaps(context, heap);
        }
    }

    fn purge_idle_thread_heaps<C: ThreadContext>(&self, context: C, heap: HeapRef) {
        for thread_heap in heap.pool().heaps() {
            let _ = self.purge_thread_heap(context, thread_heap);
        }
    }
}

/// A free slot was written to.
#[cold]
#[inline(never)]
fn report_tampered<C: ThreadContext>(context: C, result: Result<(), Slot>) {
    if let Err(tampered) = result {
        context.report(Misuse::WriteAfterFree { address: tampered.address() });
    }
}
