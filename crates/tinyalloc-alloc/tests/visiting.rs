//! Threads that borrow heaps for their first requests, because many threads have one of their own.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::ptr::NonNull;

use common::{Actor, LimitedMapper, World};
use tinyalloc_alloc::{Mode, ThreadContext};

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
