//! One world for one input, which leaves nothing behind.

use std::ptr::from_ref;

use tinyalloc_alloc::Allocator;

use crate::common::model::Model;
use crate::common::{ADDRESS_SPACE_BYTES, MIB, Shared, World, WorldMapper};

/// Which address space the input wants.
pub fn limits(choice: u8) -> (usize, usize) {
    match choice % 4 {
        0 => (usize::MAX, 4 * MIB),
        1 => (32 * MIB, usize::MAX),
        _ => (ADDRESS_SPACE_BYTES, usize::MAX),
    }
}

/// Makes a world, lets `trial` use it, and frees what the tests' worlds leak: they end by the
/// million here.
pub fn in_world<M: WorldMapper>(limits: (usize, usize), trial: impl FnOnce(&World<M>)) {
    let world = World::<M>::with_limits(limits.0, limits.1);
    trial(&world);
    let (allocator, mapper) = (from_ref::<Allocator<Shared<M>>>(world.allocator()), from_ref::<M>(world.mapper));
    drop(world);
    // SAFETY: leaked from a box, and only the world knew it.
    drop(unsafe { Box::from_raw(allocator.cast_mut()) });
    // SAFETY: as above; the allocator used it last.
    drop(unsafe { Box::from_raw(mapper.cast_mut()) });
}

/// All threads end, all is freed, and nothing is left of it.
pub fn finish<M: WorldMapper>(model: &mut Model<'_, M>) {
    model.check_contents();
    model.detach_all();
    model.actors.truncate(1);
    model.replace_actor(0);
    model.settle();
    model.check_contents();
    model.free_all(0);
    model.settle();
    let survey = model.check_invariants();
    assert_eq!((survey.live_bytes, survey.remote_slots, survey.small_spans, survey.resident_slices), (0, 0, 0, 0));
}
