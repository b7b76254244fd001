//! Guests: slots that a class which frees and allocates by turns has in its bin, of spans that are
//! not current there.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::{Block, Model, Random};
use common::{LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{Checks, Misuse};
use tinyalloc_sys::CountingMapper;

type Limited = World<LimitedMapper>;
type Counting = CountingMapper<LimitedMapper>;

/// Eight slots of it are a span.
const BYTES: usize = 8000;
const BLOCKS: usize = 60;
const OWNER: usize = 0;
const OTHER: usize = 1;

/// A model with so many blocks of one size, each replaced by another now and then.
fn churned<M: WorldMapper>(world: &World<M>, bytes: usize) -> Model<'_, M> {
    let mut model = Model::new(world, 2);
    let mut random = Random::new(7);
    (0..BLOCKS).for_each(|_| _ = model.allocate(OWNER, bytes).unwrap());
    for _ in 0..400 {
        let block = random.below(BLOCKS);
        model.free(OWNER, block);
        model.allocate(OWNER, bytes).unwrap();
    }
    model
}

/// The model after some of its blocks were freed, at least one of which is a guest.
fn with_guests<M: WorldMapper>(world: &World<M>, bytes: usize) -> Model<'_, M> {
    let mut model = churned(world, bytes);
    (0..6).for_each(|block| model.free(OWNER, 9 * block));
    assert!(model.check_invariants().guests > 0, "{bytes}");
    model
}

fn latest(model: &Model<'_, LimitedMapper>, freed: usize) -> Vec<Block> {
    model.freed.iter().rev().take(freed).copied().collect()
}

#[test]
fn sizes_with_few_slots_to_a_span_have_guests_and_small_ones_have_none() {
    for bytes in [1000, 3000, BYTES, 30_000] {
        with_guests(&Limited::new(), bytes);
    }
    for bytes in [16, 100] {
        assert_eq!(churned(&Limited::new(), bytes).check_invariants().guests, 0);
    }
}

#[test]
fn what_is_filled_at_once_and_freed_at_once_has_none() {
    let world = Limited::new();
    let mut model = Model::new(&world, 1);
    for _ in 0..3 {
        (0..BLOCKS).for_each(|_| _ = model.allocate(OWNER, BYTES).unwrap());
        (0..BLOCKS / 2).for_each(|block| model.free(OWNER, block));
        assert_eq!(model.check_invariants().guests, 0);
        model.free_all(OWNER);
    }
}

#[test]
fn a_guest_is_free_to_statistics() {
    let world = Limited::new();
    let mut model = with_guests(&world, BYTES);
    for _ in 0..BLOCKS / 2 {
        let stats = world.stats(model.actor(OWNER));
        assert_eq!(stats.allocated, model.live_bytes());
        assert_eq!(stats.live_slots, model.blocks.len());
        model.free(OWNER, 3);
    }
    // Those of a heap that waits for a thread as well.
    model.replace_actor(OWNER);
    assert_eq!(world.stats(model.actor(OWNER)).allocated, model.live_bytes());
}

#[test]
fn a_guest_that_is_freed_again_is_reported_whoever_frees_it() {
    for (first, actor) in [(OWNER, OWNER), (OWNER, OTHER), (OTHER, OWNER)] {
        let world = Limited::new();
        let mut model = with_guests(&world, BYTES);
        (0..4).for_each(|block| model.free(first, 5 * block));
        for block in latest(&model, 10) {
            // SAFETY: a mistake, which is to be found out.
            let misuses = model.mistake(actor, |actor| unsafe { world.free(actor, block.start.as_ptr()) });
            assert_eq!(misuses, [Misuse::DoubleFree { address: block.start.addr().get(), slot_bytes: block.usable }]);
        }
    }
}

#[test]
fn a_guest_that_is_left_over_when_its_span_lends_no_longer_is_still_free() {
    let world = Limited::new();
    let mut model = with_guests(&world, BYTES);
    // Another thread frees most of what lives: spans stop lending when the owner learns of it.
    while model.blocks.len() > 6 {
        model.free(OTHER, 1);
    }
    world.purge_all(model.actor(OTHER));
    for _ in 0..20 {
        model.allocate(OWNER, BYTES).unwrap();
    }
    model.check_invariants();
    let stats = world.stats(model.actor(OWNER));
    assert!(stats.allocated >= model.live_bytes());
    for block in latest(&model, 10).into_iter().filter(|block| !model.is_live(block.start.addr().get())) {
        // SAFETY: as above.
        let misuses = model.mistake(OWNER, |actor| unsafe { world.free(actor, block.start.as_ptr()) });
        assert_eq!(misuses.len(), 1);
    }
}

#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn a_trim_sends_guests_home_and_digs_what_they_leave() {
    let world = World::<Counting>::new();
    let mut model = churned(&world, BYTES);
    while model.blocks.len() > 8 {
        model.free(OWNER, 0);
    }
    let before = world.mapper.bytes_held();
    world.purge_all(model.actor(OWNER));
    assert_eq!(model.check_invariants().guests, 0);
    assert!(world.stats(model.actor(OWNER)).resident < before);
    let stats = world.stats(model.actor(OWNER));
    assert!(stats.active <= 8 * 2 * BYTES + MIB / 8, "{} bytes are active", stats.active);
    model.free_all(OWNER);
    model.settle();
    let survey = model.check_invariants();
    assert_eq!((survey.small_spans, survey.live_bytes), (0, 0));
}

#[test]
fn a_heap_that_waits_for_a_thread_hands_its_guests_over() {
    let world = Limited::new();
    let mut model = with_guests(&world, BYTES);
    let spans = model.check_invariants().small_spans;
    let freed = model.freed.len();
    world.detach(model.actor(OWNER));
    // The other thread has a heap of its own, and takes spans from that one.
    model.allocate(OTHER, 16).unwrap();
    (0..freed.min(6)).for_each(|_| _ = model.allocate(OTHER, BYTES).unwrap());
    assert!(model.check_invariants().small_spans <= spans + 1);
    model.free_all(OTHER);
}

#[test]
fn a_write_to_a_guest_is_reported_when_it_is_sent_home() {
    let world = Limited::new();
    let model = with_guests(&world, BYTES);
    let block = latest(&model, 1)[0];
    // SAFETY: the mistake: the block was freed. Its memory is still the world's.
    unsafe { block.start.cast::<u64>().write(0x4242) };
    world.purge_all(model.actor(OWNER));
    let address = block.start.addr().get();
    assert_eq!(model.actor(OWNER).misuses(), [Misuse::WriteAfterFree { address }]);
}

#[test]
fn what_other_threads_free_of_a_span_that_lends_comes_home() {
    let world = Limited::new();
    let mut model = churned(&world, BYTES);
    let mut random = Random::new(11);
    for round in 0..600 {
        let block = random.below(model.blocks.len());
        model.free(round % 2, block);
        if round % 20 != 0 {
            model.allocate(OWNER, BYTES).unwrap();
        }
        if round % 50 == 0 {
            model.check_invariants();
        }
    }
    model.free_all(OTHER);
    model.settle();
    assert_eq!(model.check_invariants().small_spans, 0);
}

#[test]
fn heaps_with_a_limit_and_what_is_checked_have_none() {
    for checks in [Checks { hardened: true, ..Checks::NONE }, Checks { zero_on_free: true, ..Checks::NONE }] {
        let world = Limited::new();
        world.tune(common::Actor::new(), |tunables| tunables.checks = checks);
        let actor = common::Actor::new();
        let mut blocks: Vec<_> = (0..BLOCKS).map(|_| world.allocate(actor, BYTES).unwrap()).collect();
        let mut random = Random::new(3);
        for _ in 0..400 {
            let place = random.below(BLOCKS);
            // SAFETY: a live block, which is replaced.
            unsafe { world.free(actor, blocks[place].as_ptr()) };
            blocks[place] = world.allocate(actor, BYTES).unwrap();
        }
        assert_eq!(world.survey(actor).unwrap().guests, 0);
    }
}
