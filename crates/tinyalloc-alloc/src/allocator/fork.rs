//! A thread's end, and forks.

use core::iter::{once, successors};
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::{attachments_of, current};
use super::local::{Local, Mode};
use super::state::Allocator;
use crate::heap::HeapRef;
use crate::heap::pool::Pool;
use crate::heap::spare::Keeping;
use crate::heap::state::Standing;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::report::misuse::Misuse;
use crate::support::lock::Gate;

impl<M: Mapper> Allocator<M> {
    /// The thread is ending: its heap goes to the pool. Calls that come later still work, at a slower pace.
    pub fn detach<L: Local>(&self, local: L) {
        if local.mode() != Mode::Attached {
            return;
        }
        let _quiet = self.quiet();
        self.end_quarantine(local);
        self.leave_heaps(local);
        let heap = self.enter(local).heap();
        let collected = heap.collect(self.secret());
        match self.pool().lock(local.id()) {
            Some(pool) => {
                // The first heap in the pool keeps its spans, warm for the next thread; a crowd gives back what it does not use.
                let keeping = if pool.is_empty() { Keeping::Some } else { Keeping::Nothing };
                let _ = self.release_spare(local, heap, keeping);
                heap.set_busy(false);
                pool.push(heap);
            }
            None => self.abandon(heap),
        }
        local.set_mode(Mode::Detached);
        self.attached().fetch_sub(1, Ordering::Relaxed);
        if let Err(tampered) = collected {
            local.report(Misuse::WriteAfterFree { address: tampered.address() });
        }
    }
}

/// Fork.
impl<M: Mapper> Allocator<M> {
    /// Before `fork`: nothing is half done when the address space is copied. A signal handler that forks while it interrupts the
    /// allocator takes nothing: its parent goes on where it was, and so does its child, alone.
    pub fn prepare_fork<L: Local>(&self, local: L) {
        if self.is_inside(local) {
            return;
        }
        // A signal handler that interrupted the slow path does not wait for its own thread.
        let is_amid = local.mode() == Mode::Busy;
        self.pool().hold_for_fork(local.id(), is_amid);
        self.space().hold_for_fork(local.id(), is_amid);
        self.guards().hold_for_fork(local.id(), is_amid);
    }

    /// After `fork`, in the parent.
    pub fn resume_parent<L: Local>(&self, local: L) {
        if self.space().is_held_for_fork_by(local.id()) {
            self.guards().release_after_fork();
            self.space().release_after_fork();
            self.pool().release_after_fork();
        }
    }

    /// After `fork`, in the child: the heaps of the threads that are gone go to the pool, but for those that were being changed.
    pub fn resume_child<L: Local>(&self, local: L) {
        if !self.space().is_held_for_fork_by(local.id()) {
            return self.reset_foreign_locks(local);
        }
        self.guards().reset_in_child();
        self.space().reset_in_child();
        self.pool().reset_in_child();
        let Some((pool, space)) = self.pool().lock(local.id()).zip(self.space().lock(local.id())) else {
            return;
        };
        self.attached().store(usize::from(local.mode() == Mode::Attached), Ordering::Relaxed);
        // They are orphans as well.
        self.abandoned().store(null_mut(), Ordering::Relaxed);
        successors(space.heaps(), |heap| heap.next_heap()).for_each(|heap| orphan(local, &pool, heap));
        for isolated in space.isolated() {
            isolated.members().for_each(|heap| orphan(local, isolated.pool(), heap));
            // Inside the slow path, where a signal handler forked, the thread's attachments are out of sight.
            if local.mode() != Mode::Busy {
                isolated.entered().store(times_entered(local, isolated), Ordering::Relaxed);
            }
        }
    }

    /// The child of a signal handler's fork: what this thread holds it will give back, what others held nobody will.
    fn reset_foreign_locks<L: Local>(&self, local: L) {
        let (pool, space) = (self.pool(), self.space());
        let gates: [&Gate; 3] = [&pool, &space, self.guards()];
        for gate in gates {
            if gate.is_held_by(local.id()) { gate.forget_others() } else { gate.reset_in_child() }
        }
    }
}

/// The heap of a thread that the child does not have goes to the pool, unless that thread was changing it.
fn orphan<L: Local>(local: L, pool: &Pool, heap: HeapRef) {
    if heap.is_of(local.id()) || !heap.is_live() {
        return;
    }
    if heap.is_busy() {
        // Nobody's from here on, whatever thread gets the name of the one that is gone.
        heap.set_thread(None);
        heap.set_standing(Standing::Lost);
    } else {
        pool.push(heap);
    }
}

/// How often this thread has entered an isolated heap.
fn times_entered<L: Local>(local: L, isolated: IsolatedRef) -> usize {
    let Some(attachments) = attachments_of(local) else {
        return 0;
    };
    attachments.entered().chain(once(current(local))).filter(|heap| IsolatedRef::of(*heap) == Some(isolated)).count()
}
