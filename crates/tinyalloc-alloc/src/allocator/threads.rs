//! Threads that come, go and fork.

use core::iter::{once, successors};
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::caller::attachments_of;
use super::caller::current;
use super::hit_paths::Allocator;
use super::local::{Local, Mode};
use crate::heap::HeapRef;
use crate::heap::pool::Pool;
use crate::heap::spare::Keeping;
use crate::heap::state::Standing;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::report::misuse::Misuse;
use crate::space::Space;
use crate::span::slot::Secret;
use crate::support::lock::{Gate, Patience};

impl<M: Mapper> Allocator<M> {
    /// Gives the thread a heap: one that a thread before it left, or a new one.
    pub(crate) fn attach<L: Local>(&self, local: L, patience: Patience) -> Option<()> {
        // A signal handler may have come first, since the caller looked.
        if local.mode() == Mode::Attached {
            return Some(());
        }
        local.set_mode(Mode::Busy);
        let heap = self.borrow_heap(local, patience);
        if let Some(heap) = heap {
            local.set_bins(heap.as_bins());
        }
        local.set_mode(if heap.is_some() { Mode::Attached } else { Mode::Unattached });
        heap.map(|_| ())
    }

    /// Gives a thread that has no heap yet one, unless it is not certain that its end will be told; `None` if there is none to be had.
    pub(crate) fn attach_in_time<L: Local>(&self, local: L, patience: Patience) -> Option<()> {
        if matches!(local.mode(), Mode::Unattached | Mode::Visiting) && local.is_end_told() {
            self.attach(local, patience)?;
            local.arm_detach();
        }
        Some(())
    }

    pub(crate) fn borrow_heap<L: Local>(&self, local: L, patience: Patience) -> Option<HeapRef> {
        let pool = self.pool().lock_with(local.id(), patience)?;
        self.take_abandoned(&pool);
        if let Some(heap) = pool.pop(local.id()) {
            return Some(heap);
        }
        drop(pool);
        let mut space = self.space().lock_with(local.id(), patience)?;
        self.start(local, &mut space)?;
        let heap = space.new_heap(self.mapper(), self.checks().hardened);
        if let Some(heap) = heap {
            heap.set_thread(Some(local.id()));
        }
        self.publish(&space);
        heap
    }

    /// Puts a borrowed heap into the pool. A signal handler that may not leaves it live, and its memory waits for its next user.
    pub(crate) fn return_heap<L: Local>(&self, local: L, heap: HeapRef) {
        match self.pool().lock(local.id()) {
            Some(pool) => pool.push(heap),
            None => self.abandon(heap),
        }
    }

    /// Leaves a heap to whoever takes the lock of the pool next: a thread that ends waits for no fork, for another may wait for its end.
    fn abandon(&self, heap: HeapRef) {
        heap.set_busy(false);
        heap.set_thread(None);
        let mut before = self.abandoned().load(Ordering::Relaxed);
        loop {
            // SAFETY: only heaps are put there (H2).
            heap.next_pooled().set(NonNull::new(before).map(|bins| unsafe { HeapRef::from_bins(bins) }));
            let after = heap.as_bins().as_ptr();
            match self.abandoned().compare_exchange(before, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => before = now,
            }
        }
    }

    /// Puts the heaps that were abandoned into the pool.
    pub(crate) fn take_abandoned(&self, pool: &Pool) {
        if self.abandoned().load(Ordering::Relaxed).is_null() {
            return;
        }
        let first = NonNull::new(self.abandoned().swap(null_mut(), Ordering::Acquire));
        // SAFETY: only heaps are put there (H2).
        let mut next = first.map(|bins| unsafe { HeapRef::from_bins(bins) });
        while let Some(heap) = next {
            next = heap.next_pooled().take();
            pool.push(heap);
        }
    }

    /// Makes sure that there is a region, and a secret.
    pub(crate) fn start<L: Local>(&self, local: L, space: &mut Space) -> Option<()> {
        if self.secret().is_none() {
            local.configure(space.tunables());
            let checks = Self::admit(space.tunables().checks);
            let canary = if checks.hardened { self.mapper().random() } else { 0 };
            self.settle(Secret::new(self.mapper().random()), canary, checks);
        }
        space.start(self.mapper(), self.checks().hardened)?;
        if let Some(slots) = space.emergency() {
            // Known to the hit path first: a signal handler may ask for the size of the slot it gets.
            self.publish(space);
            self.emergency().set_slots(slots);
            self.seal(local);
        }
        Some(())
    }

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
        if let Err(tampered) = collected {
            local.report(Misuse::WriteAfterFree { address: tampered.address() });
        }
    }

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
