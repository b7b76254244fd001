//! Blocks by `allocate_zeroed` over memory that was used before.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::ptr::NonNull;

use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{PurgeMode, SizeClass, Tunables};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Counting = CountingMapper<LimitedMapper>;
type Failing = FailingMapper<LimitedMapper>;

const BYTES: usize = 4 * MIB;
const PAGE_BYTES: usize = 4096;

/// A freed block of which one page in so many had contents, and that is not decommitted by itself.
fn used<M: WorldMapper>(actor: Actor, pages_per_filled: usize, purge_mode: PurgeMode) -> World<M> {
    let world = World::<M>::new();
    world.tune(actor, |tunables: &mut Tunables| tunables.purge_mode = purge_mode);
    // With so much in use, it stays resident when it is freed.
    for _ in 0..16 {
        world.allocate(actor, 2 * BYTES).unwrap();
    }
    let block = world.allocate(actor, BYTES).unwrap();
    for at in (0..BYTES).step_by(pages_per_filled * PAGE_BYTES) {
        // SAFETY: a live block of that size.
        let page = unsafe { block.add(at) };
        // SAFETY: as above.
        unsafe { page.write_bytes(0x5A, PAGE_BYTES) };
    }
    free(&world, actor, block);
    world
}

fn free<M: WorldMapper>(world: &World<M>, actor: Actor, block: NonNull<u8>) {
    // SAFETY: a live block, which the test uses no more.
    unsafe { world.free(actor, block.as_ptr()) };
}

/// Takes a block that reads as zero.
fn clear<M: WorldMapper>(world: &World<M>, actor: Actor, bytes: usize) {
    let block = world.allocate_zeroed(actor, bytes).unwrap();
    // SAFETY: a live block of that size.
    let contents = unsafe { std::slice::from_raw_parts(block.as_ptr(), bytes) };
    assert!(contents.iter().all(|byte| *byte == 0));
    // SAFETY: as above.
    unsafe { block.write_bytes(0x5A, bytes) };
    free(world, actor, block);
    assert_eq!(actor.misuses(), []);
    world.check_invariants(actor).unwrap();
}

/// How often the mapper is asked to decommit something for such a block.
fn decommits(actor: Actor, pages_per_filled: usize, purge_mode: PurgeMode) -> usize {
    let world = used::<Counting>(actor, pages_per_filled, purge_mode);
    let before = world.mapper.calls(Call::Decommit);
    clear(&world, actor, BYTES - 100);
    world.mapper.calls(Call::Decommit) - before
}

#[test]
fn every_byte_of_a_zeroed_slot_is_zero_and_no_byte_beside_it_whatever_its_size() {
    let (world, actor) = (World::<LimitedMapper>::new(), Actor::new());
    for bytes in SizeClass::all().map(SizeClass::bytes) {
        let blocks = [(); 3].map(|()| world.allocate(actor, bytes).unwrap());
        for block in blocks {
            // SAFETY: a live block of that size.
            unsafe { block.write_bytes(0x5A, bytes) };
        }
        free(&world, actor, blocks[1]);
        let zeroed = world.allocate_zeroed(actor, bytes).unwrap();
        assert_eq!(zeroed, blocks[1], "the slot that was freed last comes first");
        for (block, byte) in blocks.into_iter().zip([0x5A, 0, 0x5A]) {
            // SAFETY: a live block of that size.
            let contents = unsafe { std::slice::from_raw_parts(block.as_ptr(), bytes) };
            assert!(contents.iter().all(|each| *each == byte), "{bytes} bytes");
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn a_block_of_which_little_was_used_is_decommitted_rather_than_cleared() {
    let actor = Actor::new();
    assert_eq!(decommits(actor, 256, PurgeMode::Decay), 1);
}

#[test]
fn a_block_that_was_filled_is_cleared_where_it_is() {
    let actor = Actor::new();
    assert_eq!(decommits(actor, 1, PurgeMode::Decay), 0);
}

#[test]
fn who_wants_nothing_purged_has_blocks_cleared_where_they_are() {
    let actor = Actor::new();
    assert_eq!(decommits(actor, 256, PurgeMode::Never), 0);
}

#[test]
fn a_block_that_cannot_be_decommitted_is_cleared() {
    let actor = Actor::new();
    let world = used::<Failing>(actor, 256, PurgeMode::Decay);
    world.mapper.fail_every(Call::Decommit);
    clear(&world, actor, BYTES - 100);
}
