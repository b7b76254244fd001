//! All that is free goes back to the system at once.

use tinyalloc_sys::Mapper;

use super::caller::heap_table_of;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::report::misuse::Misuse;

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
}
