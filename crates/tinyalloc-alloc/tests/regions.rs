//! Small address spaces: many regions, and everything works in the last as in the first.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::{Model, Random};
use common::{Actor, LimitedMapper, MIB, World};

type Limited = World<LimitedMapper>;

/// 32 MiB of address space make for regions of 4; so does a system that refuses to reserve more.
fn worlds() -> [Limited; 2] {
    [World::with_limits(32 * MIB, usize::MAX), World::with_limits(usize::MAX, 4 * MIB)]
}

#[test]
fn many_regions_hold_what_one_could_not() {
    for world in worlds() {
        let mut model = Model::new(&world, 2);
        let mut random = Random::new(3);
        for step in 0..6000 {
            model.allocate(step % 2, random.below(12_000)).unwrap();
        }
        for bytes in [100_000, MIB, 2 * MIB, 3 * MIB, 5 * MIB, 33 * MIB] {
            model.allocate(0, bytes).unwrap();
        }
        assert!(model.check_invariants().regions > 6);
        model.check_contents();
    }
}

#[test]
fn blocks_of_further_regions_are_freed_by_their_thread_and_by_others() {
    for world in worlds() {
        let mut model = Model::new(&world, 3);
        let mut random = Random::new(5);
        for step in 0..5000 {
            model.allocate(step % 2, random.below(10_000)).unwrap();
        }
        for step in 0..4000 {
            model.free(step % 3, random.below(5000));
        }
        model.check_contents();
        model.settle();
        assert_eq!(model.check_invariants().remote_slots, 0);
        let regions = world.survey(model.actors[0]).unwrap().regions;
        for step in 0..3000 {
            model.allocate(step % 2, random.below(10_000)).unwrap();
        }
        assert_eq!(model.check_invariants().regions, regions, "what was freed is used again");
        model.detach_all();
        model.free_all(2);
        model.settle();
        assert_eq!((model.check_invariants().small_spans, model.check_invariants().resident_slices), (0, 0));
    }
}

#[test]
fn idle_regions_are_released_and_reserved_again() {
    for world in worlds() {
        let mut model = Model::new(&world, 2);
        for round in 0..3 {
            for bytes in [100_000, 500_000, 900_000].repeat(8) {
                model.allocate(round % 2, bytes).unwrap();
            }
            assert!(model.check_invariants().regions > 3);
            model.free_all(0);
            world.allocator().purge_all(model.actors[0]);
            assert_eq!(model.check_invariants().regions, 1, "nothing is in use, and every record is in the first");
            assert!(world.allocator().stats(model.actors[0]).reserved <= 8 * MIB);
        }
    }
}

#[test]
fn blocks_of_further_regions_change_their_size() {
    for world in worlds() {
        let mut model = Model::new(&world, 2);
        let mut random = Random::new(8);
        for _ in 0..1500 {
            model.allocate(0, random.below(20_000)).unwrap();
        }
        for _ in 0..600 {
            let (actor, block, bytes) = (random.below(2), random.below(1500), random.bytes() / 4);
            assert!(model.reallocate(actor, block, bytes).is_some());
        }
        model.check_contents();
        model.check_invariants();
    }
}

#[test]
fn when_every_region_is_used_up_requests_are_refused_and_frees_help() {
    // 256 regions of 3 MiB for slices; address space alone is used, but for the ends of the blocks.
    let world = Limited::with_limits(usize::MAX, 4 * MIB);
    let actor = Actor::new();
    let mut blocks = Vec::new();
    // Beyond the regions, mappings of their own serve large requests.
    while world.stats(actor).huge_blocks == 0 {
        blocks.push(world.allocate(actor, MIB).unwrap());
        assert!(blocks.len() < 1000);
    }
    assert_eq!(world.survey(actor).unwrap().regions, 256);
    let mut small = Vec::new();
    while let Some(block) = world.allocate(actor, 16 * 1024) {
        small.push(block);
        assert!(small.len() < 1_000_000);
    }
    assert_eq!(actor.misuses(), []);
    for block in blocks.drain(..10) {
        // SAFETY: the block is live and not used any more.
        unsafe { world.free(actor, block.as_ptr()) };
    }
    assert!(world.allocate(actor, 16 * 1024).is_some());
    world.check_invariants(actor).unwrap();
}

#[test]
fn little_address_space_is_not_wasted_on_reservations() {
    let world = Limited::with_limits(32 * MIB, usize::MAX);
    let actor = Actor::new();
    world.allocate(actor, 100).unwrap();
    assert!(world.stats(actor).reserved <= 4 * MIB);
}
