//! The system refuses: at any one call, from any call on, every call of one kind. Requests fail,
//! and nothing else does.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::{Model, Random};
use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_sys::{Call, FailingMapper, MapError};

const ACTORS: usize = 2;
const STEPS: usize = 400;

type Failing = FailingMapper<LimitedMapper>;

/// A little of everything, the same at every run.
fn trace(model: &mut Model<'_, Failing>, seed: u64) {
    let mut random = Random::new(seed);
    for step in 0..STEPS {
        let (actor, block) = (random.below(ACTORS), random.below(1000));
        let bytes = random.bytes();
        match random.below(16) {
            0..=5 => _ = model.allocate(actor, bytes),
            6 => _ = model.allocate_zeroed(actor, bytes),
            7 => _ = model.allocate_aligned(actor, bytes / 4, 1 << random.below(16)),
            8 | 9 => _ = model.reallocate(actor, block, bytes),
            10..=12 => model.free(actor, block),
            13 if step % 3 == 0 => _ = model.world.purge_all(model.actor(actor)),
            14 => model.world.wait(300),
            _ => _ = model.replace_actor(actor),
        }
        match step {
            20 => (0..300).for_each(|_| _ = model.allocate(0, 500)),
            40 => _ = model.allocate(1, 40 * MIB),
            45 => _ = model.reallocate(1, model.blocks.len().saturating_sub(1), 80 * MIB),
            _ if step % 100 == 99 => {
                (0..40).for_each(|_| _ = model.allocate(0, 200_000));
                (0..40).for_each(|_| model.free(1, model.blocks.len().saturating_sub(1)));
                model.world.purge_all(model.actor(0));
            }
            60 => (0..250).for_each(|block| model.free(1, block * 31)),
            _ => {}
        }
    }
    if let Some(huge) = model.blocks.iter().position(|block| block.usable > 32 * MIB) {
        model.free(0, huge);
    }
}

/// Address spaces to try: one large region, and many small ones.
const ADDRESS_SPACES: [usize; 2] = [common::ADDRESS_SPACE_BYTES, 32 * MIB];

/// Runs the trace while `refuse` is in force, and once more when it is not; returns how many calls
/// the first run made.
fn survives(address_space_bytes: usize, refuse: impl Fn(&Failing)) -> (usize, usize) {
    let world = World::<Failing>::with_limits(address_space_bytes, usize::MAX);
    let mut model = Model::new(&world, ACTORS);
    refuse(world.mapper);
    trace(&mut model, 1);
    let calls = world.mapper.calls();
    let refused = model.refused;
    model.check_contents();
    model.check_invariants();

    world.mapper.succeed();
    model.refused = 0;
    trace(&mut model, 2);
    assert_eq!(model.refused, 0, "there is memory again");
    model.check_contents();
    model.check_invariants();
    model.detach_all();
    model.actors = vec![Actor::new()];
    model.settle();
    model.free_all(0);
    model.settle();
    let survey = model.check_invariants();
    assert_eq!((survey.live_bytes, survey.remote_slots, survey.small_spans, survey.resident_slices), (0, 0, 0, 0));
    (calls, refused)
}

/// Every address space with every number of a call that the trace makes there.
fn calls() -> impl Iterator<Item = (usize, usize)> {
    ADDRESS_SPACES.into_iter().flat_map(|address_space_bytes| {
        let (calls, refused) = survives(address_space_bytes, |_| {});
        assert_eq!(refused, 0);
        assert!(calls > 30, "the trace makes enough calls: {calls}");
        println!("{calls} calls");
        (1..=calls).map(move |nth| (address_space_bytes, nth))
    })
}

#[test]
fn any_one_refused_call_fails_at_most_one_request() {
    for (address_space_bytes, nth) in calls() {
        survives(address_space_bytes, |mapper| {
            mapper.fail_with(if nth % 2 == 0 { MapError::OutOfMemory } else { MapError::Unavailable });
            mapper.fail_nth(nth);
        });
    }
}

#[test]
fn when_every_call_from_the_nth_on_is_refused_what_lives_stays_intact() {
    for (address_space_bytes, nth) in calls().step_by(2) {
        survives(address_space_bytes, |mapper| mapper.fail_from(nth));
    }
}

#[test]
fn when_every_call_of_one_kind_is_refused_what_lives_stays_intact() {
    for kind in Call::ALL {
        for error in [MapError::OutOfMemory, MapError::Unavailable] {
            survives(common::ADDRESS_SPACE_BYTES, |mapper| {
                mapper.fail_with(error);
                mapper.fail_every(kind);
            });
        }
    }
}

#[test]
fn nothing_at_all_can_be_had_without_a_reservation() {
    let (_, refused) = survives(common::ADDRESS_SPACE_BYTES, |mapper| {
        mapper.fail_every(Call::Reserve);
        mapper.fail_every(Call::Map);
    });
    assert!(refused > 300);
}

#[test]
fn refused_commits_do_not_use_up_address_space() {
    let world = World::<Failing>::new();
    let actor = Actor::new();
    while world.allocate(actor, 1000).is_some() && world.mapper.calls() < 30 {}
    let reserved = world.stats(actor).reserved;
    world.mapper.fail_every(Call::Commit);
    while world.allocate(actor, 1000).is_some() {}
    for _ in 0..20 {
        assert_eq!(world.allocate(actor, 1000), None);
        assert_eq!(world.allocate(actor, 3000), None);
    }
    world.mapper.succeed();
    assert!(world.allocate(actor, 1000).is_some());
    let after = world.stats(actor).reserved;
    assert!(after <= reserved * 2, "{} MiB were reserved before the refusals, {} MiB after", reserved / MIB, after / MIB);
}

#[test]
fn memory_that_cannot_be_decommitted_is_cleared_for_zeroed_requests() {
    let world = World::<Failing>::new();
    [Call::Decommit, Call::Trap].into_iter().for_each(|call| world.mapper.fail_every(call));
    let mut model = Model::new(&world, 1);
    for round in 0..4 {
        for bytes in [100, 5000, 50_000, MIB, 3 * MIB] {
            assert!(model.allocate(0, bytes).is_some());
            assert!(model.allocate_zeroed(0, bytes + round).is_some());
        }
        model.free_all(0);
        assert!(!world.purge_all(model.actors[0]), "nothing could be purged");
        model.check_invariants();
    }
}

#[test]
fn a_block_that_cannot_be_moved_by_the_system_is_copied() {
    let world = World::<Failing>::new();
    world.mapper.fail_every(Call::Remap);
    let mut model = Model::new(&world, 1);
    model.allocate(0, 40 * MIB).unwrap();
    model.reallocate(0, 0, 60 * MIB).unwrap();
    model.reallocate(0, 0, 33 * MIB).unwrap();
    model.check_contents();
    model.check_invariants();
    model.free_all(0);
    assert_eq!(world.stats(model.actors[0]).huge, 0);
}
