//! What other threads freed comes home, of many spans at once.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::Model;
use common::{LimitedMapper, World};
use tinyalloc_alloc::{Misuse, SizeClass};

type Limited = World<LimitedMapper>;

const OWNER: usize = 0;
const OTHER: usize = 1;

/// So many blocks of each size: lists of one slot, and of more than any other.
fn filled(world: &Limited) -> Model<'_, LimitedMapper> {
    let mut model = Model::new(world, 2);
    for class in SizeClass::all().step_by(2) {
        (0..1 + class.index() * class.index() % 90).for_each(|_| _ = model.allocate(OWNER, class.bytes()).unwrap());
    }
    model
}

#[test]
fn lists_of_any_length_come_home_together() {
    let world = Limited::new();
    for round in 0..3 {
        let mut model = filled(&world);
        let live = model.check_invariants().live_slots;
        model.free_all(OTHER);
        let before = model.check_invariants();
        assert_eq!((before.live_slots, before.remote_slots), (0, live), "round {round}");
        // A class of which nothing was freed: its refill collects.
        let block = model.allocate(OWNER, 32).unwrap();
        let after = model.check_invariants();
        assert_eq!((after.live_slots, after.remote_slots), (1, 0));
        assert_eq!(block.usable, 32);
        model.free_all(OWNER);
        model.settle();
        assert_eq!(model.check_invariants().small_spans, 0);
    }
}

#[test]
fn one_slot_that_was_written_to_is_reported_and_the_other_lists_come_home() {
    let world = Limited::new();
    let mut model = filled(&world);
    let live = model.check_invariants().live_slots;
    model.free_all(OTHER);
    let tampered = model.freed[model.freed.len() / 2];
    // SAFETY: the mistake: the block was freed. Its memory is still the world's.
    unsafe { tampered.start.cast::<u64>().write(0x4242) };
    assert_eq!(world.allocate(model.actor(OWNER), 32), None, "the refill that meets it is refused");
    let address = tampered.start.addr().get();
    assert_eq!(model.actor(OWNER).misuses(), [Misuse::WriteAfterFree { address }]);
    let left = world.stats(model.actor(OWNER)).live_slots;
    assert!(left < live / 4, "{left} of {live}: the slots of one span are lost");
}
