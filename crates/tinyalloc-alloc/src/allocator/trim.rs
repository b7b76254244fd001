//! All that is free goes back to the system at once.

use core::iter::successors;
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::heap_table_of;
use super::kept_blocks::KeptScope;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::report::misuse::Misuse;
use crate::span::slot::Slot;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::state::Inside;

impl<M: Mapper> Allocator<M> {
    /// Decommits all that is free at once, free pages inside spans included: in this thread's heap,
    /// in the pool and in every region. True if anything was.
    pub fn purge_all<C: ThreadContext>(&self, context: C) -> bool {
        let _quiet = self.errors_disabled();
        self.free_left(context);
        let before = self.purges(context);
        let mut dug = self.trim_own(context);
        let pooled = self.pool().lock(context.id()).map_or(0, |pool| {
            self.take_abandoned(&pool);
            pool.heaps().count()
        });
        for _ in 0..pooled {
            dug = self.trim_pooled(context).and_then(|bytes| dug.map(|before| before + bytes));
        }
        self.reclaim_live(context);
        self.release_kept(context, KeptScope::All);
        self.purge_heaps(context);
        self.count_dug(context, dug);
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
        let dug = self.dig_idle(context, heap);
        self.end_slow_path(context, slow_path);
        self.count_dug(context, dug);
    }

    /// Bytes of free pages inside spans of this thread's heaps, which are decommitted.
    fn trim_own<C: ThreadContext>(&self, context: C) -> Result<usize, Slot> {
        if context.mode() != Mode::Attached {
            return Ok(0);
        }
        let slow_path = self.begin_slow_path(context);
        let mut dug = self.dig(context, slow_path.heap());
        self.end_slow_path(context, slow_path);
        if let Some(default_heap) = heap_table_of(context).map(|heap_table| heap_table.default_heap()) {
            let slow_path = self.begin_slow_path_on(context, default_heap);
            dug = self.dig(context, default_heap).and_then(|bytes| dug.map(|before| before + bytes));
            self.end_slow_path(context, slow_path);
        }
        dug
    }

    /// The first heap of the pool, which is at its end afterwards. The pool's lock is free while
    /// the system works.
    fn trim_pooled<C: ThreadContext>(&self, context: C) -> Result<usize, Slot> {
        let mode = context.mode();
        context.set_mode(Mode::InSlowPath);
        let heap = self.pool().lock(context.id()).and_then(|pool| pool.pop(context.id()));
        let dug = heap.map_or(Ok(0), |heap| {
            let before = self.enter_thread_heap(context, heap);
            let dug = self.dig(context, heap);
            heap.leave(before);
            match self.pool().lock(context.id()) {
                Some(pool) => pool.push_last(heap),
                None => self.abandon(heap),
            }
            dug
        });
        // A signal handler may have come first, and have attached the thread.
        let is_attached = mode == Mode::Unattached && context.bins() != Self::NO_BINS;
        context.set_mode(if is_attached { Mode::Attached } else { mode });
        dug
    }

    fn count_dug<C: ThreadContext>(&self, context: C, dug: Result<usize, Slot>) {
        match dug {
            Err(tampered) => context.report(Misuse::WriteAfterFree { address: tampered.address() }),
            Ok(0) => {}
            Ok(bytes) => {
                if let Some(mut space) = self.space().lock(context.id()) {
                    space.count_purge(bytes);
                }
            }
        }
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
