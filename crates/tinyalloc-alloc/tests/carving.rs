//! How many slots a refill makes at once: those of a page, and more where that costs no memory.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::Model;
use common::{LimitedMapper, World};
use tinyalloc_alloc::SizeClass;

type Limited = World<LimitedMapper>;

const BYTES: usize = 1024;
const PER_PAGE: usize = 4096 / BYTES;

fn free_slots(model: &Model<'_, LimitedMapper>, world: &Limited) -> usize {
    world.stats(model.actors[0]).classes[SizeClass::of(BYTES).unwrap().index()].free_slots
}

/// The free slots after each of so many allocations.
fn grown(model: &mut Model<'_, LimitedMapper>, world: &Limited, blocks: usize) -> Vec<usize> {
    let mut after_each = || {
        model.allocate(0, BYTES).unwrap();
        free_slots(model, world)
    };
    (0..blocks).map(|_| after_each()).collect()
}

#[test]
fn a_small_class_touches_no_page_before_it_is_needed() {
    let world = Limited::new();
    let mut model = Model::new(&world, 1);
    assert!(grown(&mut model, &world, 100).into_iter().all(|free| free < PER_PAGE));
}

#[test]
fn a_class_that_has_grown_touches_some_pages_more_but_few_of_what_it_has() {
    let world = Limited::new();
    let mut model = Model::new(&world, 1);
    let mut most = 0;
    for (blocks, free) in grown(&mut model, &world, 4000).into_iter().enumerate() {
        assert!(free < PER_PAGE || free * 16 <= blocks, "{free} free slots beside {blocks} blocks");
        most = most.max(free);
    }
    assert_eq!(most, 8 * PER_PAGE - 1);
}

#[test]
fn of_resident_memory_many_slots_are_made_at_once() {
    let world = Limited::new();
    let mut model = Model::new(&world, 1);
    (0..100).for_each(|_| _ = model.allocate(0, 8000).unwrap());
    model.free_all(0);
    model.allocate(0, BYTES).unwrap();
    assert_eq!(free_slots(&model, &world), 16 * 1024 / BYTES - 1, "the rest of the first span");
    let most = grown(&mut model, &world, 100).into_iter().max();
    assert_eq!(most, Some(31));
    model.check_invariants();
}
