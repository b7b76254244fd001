//! What the engine asks of the system, counted: churn asks nothing, idle memory goes back,
//! reservations stay.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::{Model, Random};
use common::{LimitedMapper, MIB, World};
use tinyalloc_alloc::HugePeak;
use tinyalloc_sys::{Call, CountingMapper};

type Counting = CountingMapper<LimitedMapper>;

/// Pattern A: many small blocks in tight loops.
#[test]
fn churn_of_small_blocks_asks_the_system_for_nothing() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    let mut churn = || {
        for bytes in [16, 24, 100, 1000, 4096, 20_000] {
            (0..50).for_each(|_| _ = model.allocate(0, bytes).unwrap());
            (0..50).for_each(|_| model.free(0, model.blocks.len() - 1));
        }
        world.stats(model.actors[0]).committed
    };
    churn();
    let (committed, calls) = (churn(), world.mapper.calls_total());
    for _ in 0..50 {
        assert_eq!(churn(), committed, "committed memory stays flat");
    }
    assert_eq!(world.mapper.calls_total(), calls);
}

/// Pattern B: mixed sizes with frees between.
#[test]
fn mixed_sizes_use_freed_slots_before_fresh_memory() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 2);
    let mut random = Random::new(11);
    let mut round = |model: &mut Model<'_, Counting>| {
        for step in 0..3000 {
            model.allocate(step % 2, random.below(2000)).unwrap();
            if model.blocks.len() > 2000 {
                model.free(step % 2, random.below(2000));
            }
        }
        world.stats(model.actors[0]).committed
    };
    let settled = (0..3).map(|_| round(&mut model)).max().unwrap();
    let calls = world.mapper.calls(Call::Commit);
    for _ in 0..10 {
        assert!(round(&mut model) <= settled + settled / 4, "committed memory stays in bounds");
    }
    assert!(world.mapper.calls(Call::Commit) <= calls + 4, "freed slots are used again");
    model.check_contents();
}

/// Pattern C: burst, free all, burst again.
#[test]
fn bursts_reserve_once_decommit_between_and_leak_nothing() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    let actor = model.actors[0];
    let mut peaks = Vec::new();
    for burst in 0..5 {
        let mut random = Random::new(17);
        (0..4000).for_each(|_| _ = model.allocate(0, random.bytes() / 8 + 1).unwrap());
        peaks.push(world.stats(actor).committed);
        let decommitted = world.mapper.bytes_decommitted();
        model.free_all(0);
        assert!(world.purge_all(actor), "a burst leaves something to purge");
        let idle = world.stats(actor);
        assert!(idle.committed < peaks[burst] / 8, "idle memory is returned: {} of {}", idle.committed, peaks[burst]);
        assert_eq!((idle.allocated, idle.resident_free, idle.live_slots), (0, 0, 0));
        assert!(world.mapper.bytes_decommitted() > decommitted + peaks[burst] / 2);
    }
    assert_eq!(world.mapper.calls(Call::Reserve), 1, "reserved once");
    assert_eq!(world.mapper.calls(Call::Map), 0);
    assert!(peaks.iter().all(|peak| *peak <= peaks[0] + peaks[0] / 16), "every burst needs the same: {peaks:?}");
}

#[test]
fn the_system_agrees_on_what_is_given_back() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    (0..40).for_each(|_| _ = model.allocate(0, MIB).unwrap());
    let stats = world.stats(model.actors[0]);
    assert!(stats.committed >= 40 * MIB);
    model.free_all(0);
    world.purge_all(model.actors[0]);
    let stats = world.stats(model.actors[0]);
    assert_eq!(stats.purged, world.mapper.bytes_decommitted());
    assert!(stats.committed < MIB);
}

#[test]
fn large_blocks_are_reused_without_a_call() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    for _ in 0..3 {
        model.allocate(0, 10 * MIB).unwrap();
        model.free_all(0);
    }
    let calls = world.mapper.calls_total();
    for _ in 0..100 {
        model.allocate(0, 10 * MIB).unwrap();
        model.free_all(0);
    }
    assert_eq!(world.mapper.calls_total(), calls, "5 to 25 MiB buffers are kept for a while");
}

#[test]
fn free_memory_beyond_the_cap_goes_back_at_once() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    (0..20).for_each(|_| _ = model.allocate(0, 10 * MIB).unwrap());
    model.free_all(0);
    let stats = world.stats(model.actors[0]);
    assert!(stats.resident_free <= 2 * MIB, "{} MiB are free and resident", stats.resident_free / MIB);
    model.check_invariants();
}

#[test]
fn memory_that_stays_idle_is_decommitted_after_two_epochs() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    (0..20).for_each(|_| _ = model.allocate(0, MIB / 8).unwrap());
    model.free_all(0);
    assert!(world.stats(model.actors[0]).resident_free >= MIB / 2, "all but the first ones wait for an epoch");
    for _ in 0..5 {
        world.wait(500);
        for _ in 0..40 {
            model.allocate(0, 40_000).unwrap();
            model.free_all(0);
        }
    }
    let left = world.stats(model.actors[0]).resident_free;
    assert!(left < MIB / 8, "{left} bytes are still resident");
    model.check_invariants();
}

#[test]
fn a_small_start_asks_little() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    model.allocate(0, 100).unwrap();
    assert!(world.mapper.calls_total() <= 8, "{} calls", world.mapper.calls_total());
    assert!(world.stats(model.actors[0]).committed < MIB);
}

#[test]
fn threads_that_come_and_go_take_over_what_was_left() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    let round = |model: &mut Model<'_, Counting>| {
        (0..500).for_each(|step| _ = model.allocate(0, step * 3).unwrap());
        model.free_all(0);
        model.replace_actor(0);
    };
    (0..3).for_each(|_| round(&mut model));
    let calls = world.mapper.calls_total();
    (0..100).for_each(|_| round(&mut model));
    assert!(world.mapper.calls_total() <= calls + 2);
    assert_eq!(world.stats(model.actors[0]).heaps, 1);
}

#[test]
fn memory_that_is_used_again_is_no_longer_idle() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    (0..8).for_each(|_| _ = model.allocate(0, MIB).unwrap());
    model.free_all(0);
    for _ in 0..6 {
        // An epoch passes, and all that is free is old now; then it is used again, and free again.
        world.wait(500);
        for _ in 0..20 {
            model.allocate(0, 40_000).unwrap();
            model.free_all(0);
        }
        model.check_invariants();
        (0..8).for_each(|_| _ = model.allocate(0, MIB).unwrap());
        model.check_invariants();
        model.free_all(0);
        model.check_invariants();
    }
}

#[test]
fn what_a_shrunken_block_gave_up_is_cleared_for_the_next() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    for kept in [40_000, 100_000, 300_000] {
        let block = model.allocate(0, MIB).unwrap();
        let shrunken = model.reallocate(0, 0, kept).unwrap();
        assert_eq!(shrunken.start, block.start, "it shrinks where it is");
        model.allocate_zeroed(0, MIB - kept - 100_000).unwrap();
        model.allocate_zeroed(0, 2 * MIB).unwrap();
        model.check_invariants();
        model.check_contents();
        model.free_all(0);
    }
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap")]
fn the_most_huge_blocks_and_bytes_at_a_time_are_remembered() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    model.allocate(0, 20 * MIB).unwrap();
    assert_eq!(world.huge_peak(model.actors[0]), HugePeak::default());
    model.free_all(0);
    (0..3).for_each(|_| _ = model.allocate(0, 40 * MIB).unwrap());
    (0..2).for_each(|_| model.free(0, 0));
    assert_eq!(world.huge_peak(model.actors[0]), HugePeak { blocks: 3, bytes: 120 * MIB });
    model.reallocate(0, 0, 100 * MIB).unwrap();
    assert_eq!(world.huge_peak(model.actors[0]), HugePeak { blocks: 3, bytes: 120 * MIB });
    model.reallocate(0, 0, 200 * MIB).unwrap();
    model.free_all(0);
    assert_eq!(world.huge_peak(model.actors[0]), HugePeak { blocks: 3, bytes: 200 * MIB });
}
