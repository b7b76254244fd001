//! Forks: before, and after in the parent and in the child.

use core::iter::{once, successors};
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::{current, heap_table_of};
use super::state::Allocator;
use super::thread_context::{Mode, ThreadContext};
use crate::heap::heap_record::HeapRef;
use crate::space::Space;
use crate::support::lock::Gate;
use crate::thread_heap::ThreadHeapRef;
use crate::thread_heap::pool::Pool;
use crate::thread_heap::state::HeapState;

impl<M: Mapper> Allocator<M> {
    /// Before `fork`: nothing is half done when the address space is copied. A signal handler that
    /// forks while it interrupts the allocator takes nothing: its parent goes on where it was, and
    /// so does its child, alone.
    pub fn prepare_fork<C: ThreadContext>(&self, context: C) {
        if self.is_inside(context) {
            return;
        }
        // A signal handler that interrupted the slow path does not wait for its own thread.
        let is_amid = context.mode() == Mode::InSlowPath;
        // It may have interrupted the release of a later lock than the one that it waits for.
        self.space().wake_overlooked();
        self.guards().wake_overlooked();
        self.pool().wake_overlooked();
        self.profile().hold_for_fork(context.id(), is_amid);
        self.pool().hold_for_fork(context.id(), is_amid);
        self.space().hold_for_fork(context.id(), is_amid);
        self.guards().hold_for_fork(context.id(), is_amid);
    }

    /// After `fork`, in the parent.
    pub fn resume_parent<C: ThreadContext>(&self, context: C) {
        if self.space().is_held_for_fork_by(context.id()) {
            self.guards().release_after_fork();
            self.space().release_after_fork();
            self.pool().release_after_fork();
            self.profile().release_after_fork();
        }
    }

    /// After `fork`, in the child: the heaps of the threads that are gone go to the pool, but for
    /// those that were being changed.
    pub fn resume_child<C: ThreadContext>(&self, context: C) {
        if !self.space().is_held_for_fork_by(context.id()) {
            return self.reset_foreign_locks(context);
        }
        self.guards().reset_in_child();
        self.space().reset_in_child();
        self.pool().reset_in_child();
        self.profile().reset_in_child();
        self.restart_profile(context);
        let Some((pool, space)) = self.pool().lock(context.id()).zip(self.space().lock(context.id())) else {
            return;
        };
        self.attached().store(usize::from(context.mode() == Mode::Attached), Ordering::Relaxed);
        // They are orphans as well.
        self.abandoned().store(null_mut(), Ordering::Relaxed);
        successors(space.heaps(), |heap| heap.next_heap()).for_each(|heap| orphan(context, &pool, heap));
        self.leave_sampled_heap(None);
        for isolated in space.isolated() {
            self.leave_sampled_heap(Some(isolated));
            isolated.thread_heaps().for_each(|heap| orphan(context, isolated.pool(), heap));
            // Inside the slow path, where a signal handler forked, the thread's heap table is out
            // of sight.
            if context.mode() != Mode::InSlowPath {
                isolated.pushed().store(times_pushed(context, isolated), Ordering::Relaxed);
            }
        }
    }

    /// The child of a signal handler's fork: this thread will return what it holds; what others
    /// held stays taken.
    fn reset_foreign_locks<C: ThreadContext>(&self, context: C) {
        // A trim was in the thread's heap, and may have been half-way through a change.
        if context.mode() == Mode::Attached && current(context).is_in_trim() {
            let heap = current(context);
            heap.set_thread(None);
            heap.set_state(HeapState::Lost);
            context.set_bins(Self::NO_BINS);
            context.set_mode(Mode::Unattached);
        }
        let (profile, pool, space) = (self.profile(), self.pool(), self.space());
        let gates: [&Gate; 4] = [&profile, &pool, &space, self.guards()];
        let has_profile = profile.is_held_by(context.id());
        for gate in gates {
            if gate.is_held_by(context.id()) { gate.forget_others() } else { gate.reset_in_child() }
        }
        self.leave_profile(context, has_profile);
    }
}

impl<M: Mapper> Allocator<M> {
    /// Another thread may have been half-way through a change of a heap of sampled blocks, and,
    /// unless this one holds its lock, of the profile. None of that is used any more.
    fn leave_profile<C: ThreadContext>(&self, context: C, is_own: bool) {
        self.leave_sampled_heap(None);
        let leave = |space: &Space| space.isolated().for_each(|isolated| self.leave_sampled_heap(Some(isolated)));
        // SAFETY: this is the one thread, and the list leads from heap to heap whenever another one
        // was stopped amid a change of it.
        unsafe { self.space().peek(leave) };
        if !is_own {
            if let Some(mut profile) = self.profile_lock().lock(context.id()) {
                profile.clear();
                self.profiled().store(0, Ordering::Relaxed);
            }
        }
    }
}

/// The heap of a thread that the child does not have goes to the pool, unless that thread was
/// changing it.
fn orphan<C: ThreadContext>(context: C, pool: &Pool, heap: ThreadHeapRef) {
    if heap.is_of(context.id()) || !heap.is_live() {
        return;
    }
    if heap.is_busy() {
        // It has no owner from here on, whichever thread gets the name of the one that is gone.
        heap.set_thread(None);
        heap.set_state(HeapState::Lost);
    } else {
        pool.push(heap);
    }
}

/// How often this thread has entered an isolated heap.
fn times_pushed<C: ThreadContext>(context: C, isolated: HeapRef) -> usize {
    let Some(heap_table) = heap_table_of(context) else {
        return 0;
    };
    heap_table.pushed().chain(once(current(context))).filter(|heap| HeapRef::of(*heap) == Some(isolated)).count()
}
