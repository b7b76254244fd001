//! Heaps of threads that ended: into the pool, or onto a list beside a fork.

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use super::thread_context::ThreadContext;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::pool::Pool;
use crate::thread_heap::state::Inside;

impl<M: Mapper> Allocator<M> {
    /// Puts a borrowed heap into the pool. A signal handler that may not leaves it live, and its
    /// memory waits for its next user.
    pub(crate) fn return_heap<C: ThreadContext>(&self, context: C, heap: ThreadHeapRef) {
        match self.pool().lock(context.id()) {
            Some(pool) => pool.push(heap),
            None => self.abandon(heap),
        }
    }

    /// Leaves a heap to the thread that takes the lock of the pool next: a thread that ends waits
    /// for no fork, for another may wait for its end.
    pub(crate) fn abandon(&self, heap: ThreadHeapRef) {
        heap.leave(Inside::NO_THREAD);
        heap.set_thread(None);
        let mut before = self.abandoned().load(Ordering::Relaxed);
        loop {
            // SAFETY: only heaps are put there (H2).
            heap.next_pooled().set(NonNull::new(before).map(|bins| unsafe { ThreadHeapRef::from_bins(bins) }));
            let after = heap.as_bins().as_ptr();
            match self.abandoned().compare_exchange(before, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => before = now,
            }
        }
    }

    /// Puts the heaps that were abandoned into the pool.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn take_abandoned(&self, pool: &Pool) {
        if self.abandoned().load(Ordering::Relaxed).is_null() {
            return;
        }
        let first = NonNull::new(self.abandoned().swap(null_mut(), Ordering::Acquire));
        // SAFETY: only heaps are put there (H2).
        let mut next = first.map(|bins| unsafe { ThreadHeapRef::from_bins(bins) });
        while let Some(heap) = next {
            next = heap.next_pooled().take();
            pool.push(heap);
        }
    }
}
