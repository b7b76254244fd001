//! A guard behind every huge block, where that is asked for.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "tests are read as a whole")]

mod common;

use std::ptr::NonNull;

use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{Checks, HeapMemory, HeapOptions};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Counting = CountingMapper<LimitedMapper>;

fn world<M: WorldMapper>(hardened: bool) -> (World<M>, Actor) {
    let (world, actor) = (World::new(), Actor::new());
    assert!(world.tune(actor, |tunables| tunables.checks = Checks { hardened, ..Checks::NONE }));
    (world, actor)
}

fn is_tagged(start: NonNull<u8>, at: usize) -> bool {
    // SAFETY: tests read within blocks of theirs.
    unsafe { start.add(at).read() == 7 }
}

/// Makes a block, changes its size and frees it; its contents stay, and what is mapped afterwards
/// is what was before.
fn live<M: WorldMapper>(world: &World<M>, actor: Actor) {
    world.allocate(actor, 100).unwrap();
    let mappings = world.mapper.limited().mappings();
    let block = world.allocate(actor, 40 * MIB).unwrap();
    // SAFETY: the block holds that much.
    unsafe { block.write_bytes(7, 40 * MIB) };
    let mut block = block;
    for megabytes in [60, 100, 50, 41] {
        // SAFETY: the block is live, and used by its last address only.
        block = unsafe { world.reallocate(actor, block, megabytes * MIB) }.unwrap();
        assert_eq!(world.usable_bytes(actor, block), Some(megabytes * MIB));
        assert!(is_tagged(block, 0) && is_tagged(block, 40 * MIB - 1) && !is_tagged(block, 40 * MIB));
        // SAFETY: all of it may be written.
        unsafe { block.add(megabytes * MIB - 1).write(0) };
    }
    world.check_invariants(actor).unwrap();
    // SAFETY: no thread uses the block afterwards.
    unsafe { world.free(actor, block.as_ptr()) };
    assert_eq!((world.mapper.limited().mappings(), actor.misuses()), (mappings, vec![]));
}

#[test]
fn a_huge_block_has_a_guard_behind_it_wherever_it_ends() {
    let (world, actor) = world::<Counting>(true);
    live(&world, actor);
    assert!(world.mapper.calls(Call::Trap) >= 5, "one for the block, and one for each change of its size");
    assert!(world.mapper.calls(Call::Untrap) >= 4);
}

#[test]
fn without_checks_nothing_is_trapped_behind_a_huge_block() {
    let (world, actor) = world::<Counting>(false);
    live(&world, actor);
    assert_eq!((world.mapper.calls(Call::Trap), world.mapper.calls(Call::Untrap)), (0, 0));
}

#[test]
fn a_huge_block_that_is_the_first_of_all_is_unmapped_whole() {
    let (world, actor) = world::<Counting>(true);
    let block = world.allocate_zeroed(actor, 64 * MIB).unwrap();
    let mappings = world.mapper.limited().mappings();
    // SAFETY: no thread uses the block afterwards.
    unsafe { world.free(actor, block.as_ptr()) };
    assert_eq!(world.mapper.limited().mappings(), mappings - 1);
    assert_eq!(world.mapper.calls(Call::Trap), 2, "behind the block, and behind the emergency slots");
}

#[test]
fn huge_blocks_of_a_heap_are_unmapped_whole_when_it_is_emptied_or_goes() {
    let (world, actor) = world::<Counting>(true);
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    for memory in [HeapMemory::Retained, HeapMemory::Released] {
        let mappings = world.mapper.limited().mappings();
        world.allocate_in(actor, heap, 64 * MIB).unwrap();
        // SAFETY: no thread uses the blocks afterwards.
        unsafe { world.reset_heap(actor, heap, memory) }.unwrap();
        assert_eq!(world.mapper.limited().mappings(), mappings);
    }
    let mappings = world.mapper.limited().mappings();
    world.allocate_in(actor, heap, 64 * MIB).unwrap();
    // SAFETY: no thread uses the heap afterwards.
    unsafe { world.destroy_heap(actor, heap, HeapMemory::Released) }.unwrap();
    assert_eq!(world.mapper.limited().mappings(), mappings);
}

#[test]
fn a_guard_that_is_refused_is_not_missed() {
    let (world, actor) = world::<FailingMapper<LimitedMapper>>(true);
    world.mapper.fail_every(Call::Trap);
    live(&world, actor);
}

#[test]
fn a_guard_that_stays_makes_a_block_move_by_a_copy() {
    let (world, actor) = world::<FailingMapper<LimitedMapper>>(true);
    let block = world.allocate(actor, 40 * MIB).unwrap();
    world.mapper.fail_every(Call::Untrap);
    // SAFETY: the block is live, and used by its last address only.
    let moved = unsafe { world.reallocate(actor, block, 60 * MIB) }.unwrap();
    assert_ne!(moved, block);
    // SAFETY: no thread uses the block afterwards.
    unsafe { world.free(actor, moved.as_ptr()) };
    assert_eq!(actor.misuses(), []);
    world.check_invariants(actor).unwrap();
}
