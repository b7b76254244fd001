//! Huge pages: asked for once a heap has grown, given up where memory goes in pieces.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::Model;
use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Counting = CountingMapper<LimitedMapper>;

fn advices(world: &World<Counting>) -> usize {
    world.mapper.calls(Call::Advise)
}

/// Frees all but every `every`-th block.
fn thin_out(model: &mut Model<'_, Counting>, every: usize) {
    for block in (0..model.blocks.len()).rev().filter(|block| block % every != 0) {
        model.free(0, block);
    }
}

fn let_epochs_pass(world: &World<Counting>, model: &mut Model<'_, Counting>, epochs: usize) {
    // The thread would keep a block that it frees sooner, and then no clock is read.
    for _ in 0..epochs * 40 {
        world.wait(13);
        let block = model.blocks.len();
        model.allocate(0, 40_000).unwrap();
        model.free(0, block);
    }
}

#[test]
fn a_heap_of_a_few_mebibytes_asks_for_no_huge_page() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    (0..24).for_each(|_| _ = model.allocate(0, MIB).unwrap());
    model.free_all(0);
    assert_eq!(advices(&world), 0);
}

#[test]
fn a_grown_heap_asks_for_huge_pages_and_gives_whole_ones_back() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    (0..200).for_each(|_| _ = model.allocate(0, MIB).unwrap());
    let asked = advices(&world);
    assert!(asked > 0, "nothing was asked for");
    (20..200).rev().for_each(|block| model.free(0, block));
    assert_eq!(advices(&world), asked, "huge pages were given up");
    let left = world.stats(model.actors[0]).resident_free;
    assert!(left <= 8 * MIB, "{left} bytes are free and resident");
    model.check_invariants();
}

#[test]
#[cfg_attr(windows, ignore = "there is no advice of huge pages")]
fn a_thinned_out_heap_goes_back_in_pieces_when_it_stays_so() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    (0..800).for_each(|_| _ = model.allocate(0, MIB / 4).unwrap());
    let asked = advices(&world);
    thin_out(&mut model, 4);
    assert_eq!(advices(&world), asked, "huge pages were given up in haste");
    let_epochs_pass(&world, &mut model, 4);
    let left = world.stats(model.actors[0]).resident_free;
    assert_eq!(advices(&world), asked + 1, "the kernel may fill the holes again");
    assert!(left < 4 * MIB, "{left} bytes are free and resident");
    model.check_contents();
    model.check_invariants();
}

#[test]
fn a_few_idle_slices_break_no_huge_page() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    (0..800).for_each(|_| _ = model.allocate(0, MIB / 4).unwrap());
    let asked = advices(&world);
    for block in [700, 600, 500] {
        model.free(0, block);
    }
    let_epochs_pass(&world, &mut model, 4);
    assert_eq!(advices(&world), asked);
}

#[test]
#[cfg_attr(windows, ignore = "there is no advice of huge pages")]
fn huge_pages_are_asked_for_again_at_an_empty_top() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    let burst = |model: &mut Model<'_, Counting>| {
        (0..800).for_each(|_| _ = model.allocate(0, MIB / 4).unwrap());
        let asked = advices(&world);
        thin_out(model, 100);
        world.purge_all(model.actors[0]);
        model.free_all(0);
        world.purge_all(model.actors[0]);
        asked
    };
    let (first, given_up) = (burst(&mut model), advices(&world));
    assert!(given_up > first, "a trim breaks huge pages up");
    assert!(burst(&mut model) > given_up, "the second burst got none");
    model.check_invariants();
}

#[test]
fn a_trim_takes_everything_back() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    (0..800).for_each(|_| _ = model.allocate(0, MIB / 4).unwrap());
    thin_out(&mut model, 4);
    world.purge_all(model.actors[0]);
    assert_eq!(world.stats(model.actors[0]).resident_free, 0);
    model.check_contents();
    model.check_invariants();
}

#[test]
fn refused_advice_changes_nothing() {
    let world = World::<FailingMapper<LimitedMapper>>::new();
    let mut model = Model::new(&world, 1);
    world.mapper.fail_every(Call::Advise);
    (0..400).for_each(|_| _ = model.allocate(0, MIB / 4).unwrap());
    model.free_all(0);
    world.purge_all(model.actors[0]);
    assert_eq!(world.stats(model.actors[0]).resident_free, 0);
    model.check_invariants();
}

/// One touch makes all of a huge page resident: what was never carved has to go back as well.
#[test]
fn sparse_spans_of_many_threads_leave_nothing_resident() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 100);
    for actor in 0..100 {
        (8192..=32768).step_by(1024).for_each(|bytes| _ = model.allocate(actor, bytes).unwrap());
    }
    let held = world.stats(model.actors[0]).committed;
    (0..100).for_each(|actor| model.free_all(actor));
    model.actors.iter().for_each(|actor| _ = world.purge_all(*actor));
    model.detach_all();
    world.purge_all(Actor::new());
    let stats = world.stats(Actor::new());
    assert!(held > 60 * MIB && stats.resident_free == 0 && stats.committed < 3 * MIB, "{} bytes are committed", stats.committed);
    model.check_invariants();
}
