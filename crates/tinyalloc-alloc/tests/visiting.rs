//! Threads that borrow heaps for their first requests, because many threads have one of their own.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::cell::Cell;
use std::ptr::NonNull;

use common::{Actor, LimitedMapper, World};
use tinyalloc_alloc::{Bins, HeapTable, Misuse, Mode, ThreadContext, ThreadId};

/// As in the engine's policy.
const ATTACHED_AT_ONCE: usize = 32;
const VISITS_MAX: usize = 32;

/// So many threads that each have a heap.
fn crowd(world: &World<LimitedMapper>, threads: usize) -> Vec<(Actor, NonNull<u8>)> {
    let join = |_| {
        let actor = Actor::visiting();
        let block = world.allocate(actor, 100).unwrap();
        assert_eq!(actor.mode(), Mode::Attached);
        (actor, block)
    };
    (0..threads).map(join).collect()
}

#[test]
fn a_thread_among_many_borrows_heaps_until_it_has_allocated_often() {
    let world = World::<LimitedMapper>::new();
    let _crowd = crowd(&world, ATTACHED_AT_ONCE);
    let actor = Actor::visiting();
    let blocks: Vec<_> = (0..VISITS_MAX).map(|number| world.allocate(actor, 24 + number * 8).unwrap()).collect();
    assert_eq!((actor.mode(), actor.visits()), (Mode::Unattached, VISITS_MAX));
    world.check_invariants(actor).unwrap();
    let last = world.allocate(actor, 24).unwrap();
    assert_eq!(actor.mode(), Mode::Attached);
    // SAFETY: live blocks, each freed once.
    blocks.into_iter().chain([last]).for_each(|block| unsafe { world.free(actor, block.as_ptr()) });
    world.detach(actor);
    world.check_invariants(actor).unwrap();
    assert_eq!(actor.misuses(), []);
}

#[test]
fn visitors_share_one_heap_and_its_pages() {
    let world = World::<LimitedMapper>::new();
    let crowd = crowd(&world, ATTACHED_AT_ONCE);
    let heaps = world.stats(crowd[0].0).heaps;
    let visitors: Vec<_> = (0..100).map(|_| Actor::visiting()).collect();
    let blocks: Vec<_> = visitors
        .iter()
        .flat_map(|visitor| [24, 96, 768].map(|bytes| (*visitor, world.allocate(*visitor, bytes).unwrap())))
        .collect();
    let after = world.stats(crowd[0].0);
    assert_eq!(after.heaps, heaps + 1);
    assert!(after.committed < 100 * 3 * 768 + 4 * 1024 * 1024, "{}", after.committed);
    // The thread that frees, and twice is seen.
    let (visitor, first) = blocks[0];
    // SAFETY: live blocks, each freed once.
    blocks.iter().for_each(|(visitor, block)| unsafe { world.free(*visitor, block.as_ptr()) });
    assert!(visitors.iter().all(|visitor| visitor.misuses().is_empty()));
    // SAFETY: not a live block: reported, and nothing else.
    unsafe { world.free(visitor, first.as_ptr()) };
    assert_eq!(visitor.misuses().len(), 1);
    world.check_invariants(crowd[0].0).unwrap();
}

#[test]
fn a_thread_has_a_heap_at_once_when_others_have_ended() {
    let world = World::<LimitedMapper>::new();
    let crowd = crowd(&world, ATTACHED_AT_ONCE);
    world.detach(crowd[0].0);
    let actor = Actor::visiting();
    world.allocate(actor, 100).unwrap();
    assert_eq!(actor.mode(), Mode::Attached);
    let late = Actor::visiting();
    world.allocate(late, 100).unwrap();
    assert_eq!(late.mode(), Mode::Unattached);
}

#[test]
fn the_child_of_a_fork_counts_its_threads_anew() {
    let world = World::<LimitedMapper>::new();
    let crowd = crowd(&world, ATTACHED_AT_ONCE);
    let forker = crowd[0].0;
    world.prepare_fork(forker);
    world.resume_child(forker);
    let actor = Actor::visiting();
    world.allocate(actor, 100).unwrap();
    assert_eq!(actor.mode(), Mode::Attached);
}

#[test]
fn the_child_of_a_fork_inside_the_slow_path_counts_no_thread_twice() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::visiting();
    world.allocate(actor, 100).unwrap();
    actor.set_mode(Mode::InSlowPath);
    world.prepare_fork(actor);
    world.resume_child(actor);
    actor.set_mode(Mode::Attached);
    world.detach(actor);
    let next = Actor::visiting();
    world.allocate(next, 100).unwrap();
    assert_eq!(next.mode(), Mode::Attached);
}

/// A thread that a signal handler interrupts once, right after it has read its visits: the handler
/// allocates so often.
#[derive(Clone, Copy)]
struct Interrupted<'world>(Actor, &'world Cell<usize>, &'world World<LimitedMapper>);

// SAFETY: the actor's words.
unsafe impl ThreadContext for Interrupted<'_> {
    fn bins(self) -> NonNull<Bins> {
        self.0.bins()
    }

    fn set_bins(self, bins: NonNull<Bins>) {
        self.0.set_bins(bins);
    }

    fn heap_table(self) -> *const HeapTable {
        self.0.heap_table()
    }

    fn set_heap_table(self, heap_table: *const HeapTable) {
        self.0.set_heap_table(heap_table);
    }

    fn mode(self) -> Mode {
        self.0.mode()
    }

    fn set_mode(self, mode: Mode) {
        self.0.set_mode(mode);
    }

    fn visits(self) -> usize {
        let visits = self.0.visits();
        (0..self.1.take()).for_each(|_| _ = self.2.allocate(self.0, 100).unwrap());
        visits
    }

    fn set_visits(self, visits: usize) {
        self.0.set_visits(visits);
    }

    fn id(self) -> ThreadId {
        self.0.id()
    }

    fn arm_detach(self) {
        self.0.arm_detach();
    }

    fn report(self, misuse: Misuse) {
        self.0.report(misuse);
    }
}

#[test]
fn a_signal_handler_may_attach_the_thread_amid_a_visit() {
    let world = World::<LimitedMapper>::new();
    let _crowd = crowd(&world, ATTACHED_AT_ONCE);
    let actor = Actor::visiting();
    (1..VISITS_MAX).for_each(|_| _ = world.allocate(actor, 100).unwrap());
    world.allocate(Interrupted(actor, &Cell::new(2), &world), 24).unwrap();
    assert_eq!(actor.mode(), Mode::Attached);
    world.detach(actor);
    world.survey(actor).unwrap();
}

#[test]
fn a_thread_that_is_idle_hands_its_heap_over_and_gets_it_again() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    let blocks: Vec<_> = (0..1000).map(|number| world.allocate(actor, 16 + number).unwrap()).collect();
    world.idle(actor);
    assert_eq!(actor.mode(), Mode::Unattached);
    // Another thread works on in the same heap, and this one frees.
    let other = Actor::new();
    world.allocate(other, 64).unwrap();
    assert_eq!(world.stats(other).heaps, 1);
    // SAFETY: live blocks, each freed once.
    blocks.into_iter().for_each(|block| unsafe { world.free(actor, block.as_ptr()) });
    world.idle(actor);
    world.idle(other);
    world.allocate(actor, 64).unwrap();
    assert_eq!((actor.mode(), world.stats(actor).heaps), (Mode::Attached, 1));
    world.survey(actor).unwrap();
    assert_eq!(actor.misuses(), []);
}
