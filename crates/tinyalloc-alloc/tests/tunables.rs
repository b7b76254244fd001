//! What a user may set.

#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::iter::from_fn;

use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_alloc::{HugePagePolicy, PurgeMode, Tunables};
use tinyalloc_sys::{Call, CountingMapper};

type Counting = CountingMapper<LimitedMapper>;

fn tuned(change: impl FnOnce(&mut Tunables)) -> (World<Counting>, Actor) {
    let (world, actor) = (World::new(), Actor::new());
    assert!(world.tune(actor, change));
    (world, actor)
}

fn allocate_and_free(world: &World<Counting>, actor: Actor, bytes: usize) {
    let block = world.allocate(actor, bytes).unwrap();
    // SAFETY: the block is live and no other thread's.
    unsafe { world.free(actor, block.as_ptr()) };
}

#[test]
fn eager_purging_leaves_no_large_block_resident() {
    let (world, actor) = tuned(|tunables| tunables.purge_mode = PurgeMode::Eager);
    allocate_and_free(&world, actor, 4 * MIB);
    assert_eq!(world.stats(actor).resident_free, 0);
}

#[test]
fn nothing_is_purged_unasked_when_that_is_wanted() {
    let (world, actor) = tuned(|tunables| tunables.purge_mode = PurgeMode::Never);
    allocate_and_free(&world, actor, 24 * MIB);
    assert_eq!(world.stats(actor).resident_free, 24 * MIB);
    assert!(world.purge_all(actor));
    assert_eq!(world.stats(actor).resident_free, 0);
}

#[test]
fn time_alone_purges_what_is_idle() {
    let (world, actor) = tuned(|tunables| tunables.purge_milliseconds = 50);
    allocate_and_free(&world, actor, MIB / 2);
    for _ in 0..3 {
        world.wait(50);
        world.purge_by_time(actor);
    }
    assert_eq!(world.stats(actor).resident_free, 0);
}

#[test]
fn a_limit_holds_for_small_large_and_huge_blocks_and_for_growth() {
    let (world, actor) = tuned(|tunables| tunables.limit_bytes = 48 * MIB);
    assert!(world.allocate(actor, 49 * MIB).is_none());
    let huge = world.allocate(actor, 40 * MIB).unwrap();
    // SAFETY: the block is live and no other thread's.
    assert!(unsafe { world.reallocate(actor, huge, 60 * MIB) }.is_none(), "growth counts");
    let large = world.allocate(actor, 6 * MIB).unwrap();
    // SAFETY: as above.
    assert!(unsafe { world.reallocate(actor, large, 12 * MIB) }.is_none(), "so does growth of a large block");
    let small: Vec<_> = from_fn(|| world.allocate(actor, 1000)).collect();
    assert!(small.len() * 1024 <= 2 * MIB, "small blocks stay within what is left");
    // SAFETY: as above.
    unsafe { world.free(actor, huge.as_ptr()) };
    assert!(world.allocate(actor, 1000).is_some(), "what was freed may be had again");
}

#[test]
fn huge_pages_are_never_asked_for_when_that_is_wanted() {
    let (world, actor) = tuned(|tunables| tunables.huge_pages = HugePagePolicy::Never);
    let blocks: Vec<_> = (0..8).map(|_| world.allocate(actor, 16 * MIB).unwrap()).collect();
    assert_eq!(world.mapper.calls(Call::Advise), 0);
    drop(blocks);
}

#[test]
fn huge_pages_are_asked_for_from_the_start_when_that_is_wanted() {
    let (world, actor) = tuned(|tunables| tunables.huge_pages = HugePagePolicy::Always);
    world.allocate(actor, 8 * MIB).unwrap();
    assert!(world.mapper.calls(Call::Advise) > 0);
}

#[test]
fn a_region_is_as_large_as_was_asked_for() {
    let (world, actor) = tuned(|tunables| tunables.region_bytes = 64 * MIB);
    world.allocate(actor, 1).unwrap();
    assert_eq!(world.stats(actor).reserved, 64 * MIB);
}
