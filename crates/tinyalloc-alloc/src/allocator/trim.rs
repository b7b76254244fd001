//! All that is free goes back to the system at once.

use core::iter::successors;
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::heap_table_of;
use super::kept_blocks::KeptScope;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::config::policy::CUT_SHORT_MAX;
use crate::report::misuse::Misuse;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::dig::DigScope;
use crate::thread_heap::state::Inside;

impl<M: Mapper> Allocator<M> {
    /// Decommits all that is free at once, free pages inside spans included: in this thread's heap,
    /// in the pool and in every region. True if anything was.
    pub fn purge_all<C: ThreadContext>(&self, context: C) -> bool {
        let _quiet = self.errors_disabled();
        self.free_left(context);
        let before = self.purges(context);
        let mut again = CUT_SHORT_MAX;
        while !self.trim_own(context) && again > 0 {
            // The fork that cut it short has this lock.
            drop(self.pool().lock(context.id()));
            again -= 1;
        }
        let mut pooled = self.pool().lock(context.id()).map_or(0, |pool| {
            self.take_abandoned(&pool);
            pool.heaps().count()
        });
        while pooled > 0 {
            if self.trim_pooled(context) || again == 0 {
                pooled -= 1;
            } else {
                again -= 1;
            }
        }
        self.purge_sampled(context, None);
        self.reclaim_live(context);
        self.release_kept(context, KeptScope::All);
        self.purge_heaps(context);
        self.purge_free(context) || self.purges(context) != before
    }

    /// An epoch began: this thread follows at its next slow path. It leaves current spans alone: a
    /// signal handler may be here, and the thread that it interrupted about to take a slot of one.
    pub(crate) fn follow_epoch<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef) {
        let epoch = self.epochs().load(Ordering::Relaxed);
        if heap.epoch_seen().replace(epoch) != epoch {
            self.follow(context, heap);
        }
    }

    #[cold]
    #[inline(never)]
    fn follow<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef) {
        let slow_path = self.begin_slow_path_on(context, heap);
        let _ = self.dig(context, slow_path, DigScope::Idle);
    }

    /// Free pages inside spans of this thread's heaps lose their memory; false if a fork cut it
    /// short.
    fn trim_own<C: ThreadContext>(&self, context: C) -> bool {
        if context.mode() != Mode::Attached {
            return true;
        }
        let is_whole = self.dig(context, self.begin_slow_path(context), DigScope::All);
        heap_table_of(context)
            .map(|heap_table| heap_table.default_heap())
            .is_none_or(|default_heap| self.dig(context, self.begin_slow_path_on(context, default_heap), DigScope::All))
            && is_whole
    }

    /// The first heap of the pool, which is at its end afterwards; false if a fork cut it short.
    /// The pool's lock is free while the system works.
    fn trim_pooled<C: ThreadContext>(&self, context: C) -> bool {
        let mode = context.mode();
        context.set_mode(Mode::InSlowPath);
        let heap = self.pool().lock(context.id()).and_then(|pool| pool.pop_first(context.id()));
        let is_whole = heap.is_none_or(|heap| {
            let is_whole = self.dig(context, self.begin_slow_path_on(context, heap), DigScope::All);
            match self.pool().lock(context.id()) {
                Some(pool) => pool.push_last(heap),
                None => self.abandon(heap),
            }
            is_whole
        });
        // A signal handler may have come first, and have attached the thread.
        let is_attached = mode == Mode::Unattached && context.bins() != Self::NO_BINS;
        context.set_mode(if is_attached { Mode::Attached } else { mode });
        is_whole
    }

    /// What no thread has a slot of, in the heaps of threads that are not in their slow path: they
    /// may sleep for long. The locks of pool and space keep forks and ends of threads out, and who
    /// waits for a trim to leave a heap waits for a thread that waits for none.
    fn reclaim_live<C: ThreadContext>(&self, context: C) {
        let mut result = Ok(());
        if let Some((_pool, mut space)) = self.pool().lock(context.id()).zip(self.space().lock(context.id())) {
            for heap in successors(space.heaps(), |heap| heap.next_heap()) {
                if !heap.is_live() || heap.is_of(context.id()) || !heap.policy().digs_holes() || !heap.enter_for_trim() {
                    continue;
                }
                // SAFETY: the heap was entered.
                let reclaimed = unsafe { heap.reclaim(self.secret(), |span| space.release_span(span)) };
                heap.leave(Inside::NO_THREAD);
                result = result.and(reclaimed);
            }
        }
        if let Err(tampered) = result {
            context.report(Misuse::WriteAfterFree { address: tampered.address() });
        }
    }
}
