//! Empty spans that heaps keep, and bins that wait in pooled heaps: given up when it matters.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::Model;
use common::{LimitedMapper, MIB, World};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Counting = CountingMapper<LimitedMapper>;
type Failing = FailingMapper<LimitedMapper>;

#[test]
fn a_class_takes_over_the_empty_spans_of_another() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    let mut fill = |bytes| {
        (0..100).for_each(|_| _ = model.allocate(0, bytes).unwrap());
        model.check_invariants();
        let committed = world.stats(model.actors[0]).committed;
        model.free_all(0);
        committed
    };
    let committed = fill(1024);
    for bytes in [512, 640, 768, 896, 1000] {
        assert!(fill(bytes) <= committed + MIB / 8, "{bytes}");
    }
}

#[test]
fn empty_spans_serve_any_request_when_the_system_refuses() {
    let world = World::<Failing>::new();
    let mut model = Model::new(&world, 1);
    (0..400).for_each(|_| _ = model.allocate(0, 1024).unwrap());
    [Call::Reserve, Call::Map, Call::Commit].into_iter().for_each(|call| world.mapper.fail_every(call));
    model.free_all(0);
    for bytes in [40_000, 100_000, 200_000, 20_000] {
        assert!(model.allocate(0, bytes).is_some(), "{bytes}");
        model.free_all(0);
    }
    model.check_invariants();
}

#[test]
fn a_block_grows_in_place_past_the_size_of_a_mapping_when_the_system_refuses_one() {
    let world = World::<Failing>::new();
    let mut model = Model::new(&world, 1);
    model.allocate(0, 20 * MIB).unwrap();
    world.mapper.fail_every(Call::Map);
    assert!(model.reallocate(0, 0, 40 * MIB).is_some());
    model.check_contents();
    model.check_invariants();
}

#[test]
fn what_is_freed_into_resting_heaps_goes_back() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 51);
    for actor in 1..51 {
        (1024..=32768).step_by(1024).for_each(|bytes| _ = model.allocate(actor, bytes).unwrap());
        world.detach(model.actors[actor]);
    }
    let epochs = |model: &mut Model<'_, Counting>| {
        for _ in 0..40 * 6 {
            world.wait(20);
            let block = model.blocks.len();
            model.allocate(0, 40_000).unwrap();
            model.free(0, block);
        }
    };
    epochs(&mut model);
    model.free_all(0);
    epochs(&mut model);
    let stats = world.stats(model.actors[0]);
    assert!(stats.allocated == 0 && stats.committed < 8 * MIB, "{} bytes are committed", stats.committed);
    model.check_invariants();
}
