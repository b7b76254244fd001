//! A thread ends, or waits for long: its heap goes to the pool.

use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::current;
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::report::misuse::Misuse;
use crate::space::decay::PurgeTarget;
use crate::thread_heap::dig::DigScope;
use crate::thread_heap::spare::SpareLimit;
use crate::thread_heap::state::Inside;

impl<M: Mapper> Allocator<M> {
    /// The thread is ending: its heap goes to the pool. Calls that come later still work, at a
    /// slower pace.
    pub fn detach<C: ThreadContext>(&self, context: C) {
        if context.mode() == Mode::Attached {
            self.hand_over(context, Mode::Detached);
        }
    }

    /// The thread is about to wait for long: other threads, and trims, may have what it keeps
    /// ready. It gets a heap again when it allocates. Does nothing while the thread has pushed a
    /// heap.
    pub fn idle<C: ThreadContext>(&self, context: C) {
        if context.mode() == Mode::Attached && self.heaps_pushed(context) == 0 {
            self.hand_over(context, Mode::Unattached);
        }
    }

    fn hand_over<C: ThreadContext>(&self, context: C, mode: Mode) {
        let _quiet = self.errors_disabled();
        self.end_quarantine(context);
        self.pop_heaps(context);
        self.tidy(context);
        let heap = self.begin_slow_path(context).heap();
        let collected = heap.collect(self.secret());
        self.release_kept_of(context, heap);
        match self.pool().lock(context.id()) {
            Some(pool) => {
                // The first heap in the pool keeps its spans, warm for the next thread; many return
                // what they do not use.
                let keeping = if pool.is_empty() { SpareLimit::Usual } else { SpareLimit::None };
                let _ = self.release_spare(context, heap, keeping);
                heap.leave(Inside::NO_THREAD);
                pool.push(heap);
            }
            None => self.abandon(heap),
        }
        context.set_mode(mode);
        // In the child of a signal handler's fork the thread was not counted.
        let _ = self.attached().fetch_update(Ordering::Relaxed, Ordering::Relaxed, |attached| attached.checked_sub(1));
        if let Err(tampered) = collected {
            context.report(Misuse::WriteAfterFree { address: tampered.address() });
        }
    }

    /// What a thread that served for an epoch or longer leaves free in its spans may wait for long,
    /// and the next thread is not there yet: others that ended so have as much.
    fn tidy<C: ThreadContext>(&self, context: C) {
        let heap = current(context);
        if heap.has_served_many() {
            self.look_at_clock(context);
        }
        if heap.epochs_served(self.epochs().load(Ordering::Relaxed)) > 0 {
            self.dig_left(context);
        }
    }

    #[cold]
    #[inline(never)]
    fn look_at_clock<C: ThreadContext>(&self, context: C) {
        let due = self.space().lock(context.id()).map(|mut space| space.due_in_decay(|| self.mapper().now_milliseconds()));
        self.purge(context, due.unwrap_or(PurgeTarget::Nothing));
    }

    #[cold]
    #[inline(never)]
    fn dig_left<C: ThreadContext>(&self, context: C) {
        let _ = self.dig(context, self.begin_slow_path(context), DigScope::Left);
        let due = self.space().lock(context.id()).map(|mut space| self.due(&mut space));
        self.purge(context, due.unwrap_or(PurgeTarget::Nothing));
    }
}
