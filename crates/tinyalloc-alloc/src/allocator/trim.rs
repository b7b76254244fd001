//! All that is free goes back to the system at once.

use core::iter::successors;

use tinyalloc_sys::Mapper;

use super::caller::heap_table_of;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::report::misuse::Misuse;
use crate::thread_heap::state::Inside;

impl<M: Mapper> Allocator<M> {
    /// Decommits all that is free at once, free pages inside spans included: in this thread's heap,
    /// in the pool and in every region. True if anything was.
    pub fn purge_all<C: ThreadContext>(&self, context: C) -> bool {
        let _quiet = self.errors_disabled();
        self.free_left(context);
        let before = self.purges(context);
        let mut dug = Ok(0);
        let mut dig = |heap| {
            dug = self.dig(context, heap).and_then(|bytes| dug.map(|before| before + bytes));
        };
        if context.mode() == Mode::Attached {
            let slow_path = self.begin_slow_path(context);
            dig(slow_path.heap());
            self.end_slow_path(context, slow_path);
        }
        if let Some(default_heap) =
            heap_table_of(context).map(|heap_table| heap_table.default_heap()).filter(|_| context.mode() == Mode::Attached)
        {
            let slow_path = self.begin_slow_path_on(context, default_heap);
            dig(default_heap);
            self.end_slow_path(context, slow_path);
        }
        if let Some(pool) = self.pool().lock(context.id()) {
            self.take_abandoned(&pool);
            pool.heaps().for_each(dig);
        }
        self.reclaim_live(context);
        self.purge_heaps(context);
        match dug {
            Err(tampered) => context.report(Misuse::WriteAfterFree { address: tampered.address() }),
            Ok(0) => {}
            Ok(bytes) => {
                if let Some(mut space) = self.space().lock(context.id()) {
                    space.count_purge(bytes);
                }
            }
        }
        self.purge_free(context) || self.purges(context) != before
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
