//! Freed large blocks trap: at once as long as that costs little, and when they are purged
//! otherwise.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::slice::from_raw_parts;

use common::model::{Model, Random};
use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{HeapOptions, PurgeMode};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Counting = CountingMapper<LimitedMapper>;
type Failing = FailingMapper<LimitedMapper>;

const BLOCK_BYTES: usize = 64 * 1024;

/// The kernel reads for us, as we could, and says so when it cannot. (`/proc/self/mem` is read
/// whatever the access rights.)
fn is_trapped(start: NonNull<u8>, at: usize) -> bool {
    #[allow(clippy::incompatible_msrv, reason = "tests are built with the newest compiler alone")]
    let (_reader, writer) = std::io::pipe().unwrap();
    // SAFETY: within the block, or behind it.
    let byte = unsafe { start.as_ptr().add(at) };
    // SAFETY: the kernel copies a byte, if it can.
    unsafe { libc::write(writer.as_raw_fd(), byte.cast(), 1) != 1 }
}

fn filled<M: WorldMapper>(world: &World<M>, actor: Actor, bytes: usize) -> NonNull<u8> {
    let block = world.allocate(actor, bytes).unwrap();
    // SAFETY: the block holds that much.
    unsafe { block.write_bytes(7, bytes) };
    block
}

fn free<M: WorldMapper>(world: &World<M>, actor: Actor, block: NonNull<u8>) {
    // SAFETY: the block is live, and not used afterwards.
    unsafe { world.free(actor, block.as_ptr()) };
    assert_eq!(actor.misuses(), []);
}

fn is_zero(start: NonNull<u8>, bytes: usize) -> bool {
    // SAFETY: the block holds that much, and no thread writes to it meanwhile.
    unsafe { from_raw_parts(start.as_ptr(), bytes) }.iter().all(|byte| *byte == 0)
}

/// Frees blocks until no more are trapped: time stalls.
fn spend_the_budget<M: WorldMapper>(world: &World<M>, actor: Actor) {
    for _ in 0..200 {
        let block = world.allocate(actor, BLOCK_BYTES).unwrap();
        free(world, actor, block);
    }
}

/// So that many epochs pass, and a thread looks at the clock in each.
fn let_epochs_pass<M: WorldMapper>(world: &World<M>, actor: Actor, epochs: usize) {
    for _ in 0..epochs {
        world.wait(400);
        world.purge_by_time(actor);
    }
}

#[test]
fn a_freed_large_block_traps_at_once_whatever_its_size() {
    for bytes in [33 * 1024, BLOCK_BYTES, MIB, 20 * MIB, 31 * MIB] {
        let (world, actor) = (World::<Counting>::new(), Actor::new());
        let block = filled(&world, actor, bytes);
        free(&world, actor, block);
        assert!([0, bytes / 2, bytes - 1].into_iter().all(|at| is_trapped(block, at)), "{bytes} bytes");
        assert_eq!((world.mapper.calls(Call::Trap), world.stats(actor).resident_free), (1, 0));
        assert_eq!(world.stats(actor).purged, world.mapper.bytes_decommitted());
        world.check_invariants(actor).unwrap();
    }
}

#[test]
fn a_trapped_block_is_used_again_and_reads_as_zero() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    let block = filled(&world, actor, MIB);
    free(&world, actor, block);
    let again = world.allocate_zeroed(actor, MIB).unwrap();
    assert_eq!((again, world.mapper.calls(Call::Untrap)), (block, 1));
    assert!(is_zero(again, MIB));
    // SAFETY: the block holds that much.
    unsafe { again.write_bytes(1, MIB) };
    world.check_invariants(actor).unwrap();
}

#[test]
fn a_loop_of_frees_stops_trapping_until_time_has_passed() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    spend_the_budget(&world, actor);
    let trapped = world.mapper.calls(Call::Trap);
    assert!((1..40).contains(&trapped), "{trapped} of 200");
    let block = filled(&world, actor, BLOCK_BYTES);
    free(&world, actor, block);
    assert!(!is_trapped(block, 0));
    assert_eq!(world.mapper.calls(Call::Trap), trapped);
    world.wait(1000);
    let block = filled(&world, actor, BLOCK_BYTES);
    free(&world, actor, block);
    assert!(is_trapped(block, 0));
    world.check_invariants(actor).unwrap();
}

#[test]
fn what_was_not_trapped_when_it_was_freed_traps_when_it_is_purged() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    spend_the_budget(&world, actor);
    let block = filled(&world, actor, BLOCK_BYTES);
    free(&world, actor, block);
    assert!(!is_trapped(block, 0));
    let decommits = world.mapper.calls(Call::Decommit);
    let_epochs_pass(&world, actor, 3);
    assert!(is_trapped(block, 0) && is_trapped(block, BLOCK_BYTES - 1));
    assert_eq!(world.mapper.calls(Call::Decommit), decommits, "one call does both");
    world.check_invariants(actor).unwrap();
    let again = world.allocate_zeroed(actor, BLOCK_BYTES).unwrap();
    assert!(is_zero(again, BLOCK_BYTES));
}

#[test]
fn memory_without_a_trap_is_used_before_memory_that_was_freed_and_trapped() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    let block = filled(&world, actor, BLOCK_BYTES);
    free(&world, actor, block);
    let untraps = world.mapper.calls(Call::Untrap);
    for bytes in [100, 1000, 10_000, BLOCK_BYTES] {
        world.allocate(actor, bytes).unwrap();
    }
    assert!(is_trapped(block, 0) && is_trapped(block, BLOCK_BYTES - 1));
    assert_eq!(world.mapper.calls(Call::Untrap), untraps);
    world.check_invariants(actor).unwrap();
}

#[test]
fn a_refused_trap_leaves_the_block_to_be_used_again_and_is_not_asked_for_in_this_epoch() {
    let (world, actor) = (World::<Failing>::new(), Actor::new());
    world.mapper.fail_every(Call::Trap);
    let block = filled(&world, actor, MIB);
    let calls = world.mapper.calls();
    free(&world, actor, block);
    assert_eq!(world.mapper.calls(), calls + 1, "it was asked for");
    assert_eq!(world.stats(actor).resident_free, MIB);
    world.check_invariants(actor).unwrap();
    let again = world.allocate_zeroed(actor, MIB).unwrap();
    assert_eq!(again, block);
    assert!(is_zero(again, MIB));
    let calls = world.mapper.calls();
    world.wait(300);
    free(&world, actor, again);
    assert_eq!(world.mapper.calls(), calls, "it was asked for again");
    let_epochs_pass(&world, actor, 3);
    assert_eq!(world.stats(actor).resident_free, 0, "it is decommitted instead");
    world.mapper.succeed();
    let block = filled(&world, actor, MIB);
    free(&world, actor, block);
    assert!(is_trapped(block, 0));
}

#[test]
fn where_traps_cannot_be_taken_away_memory_is_found_elsewhere() {
    let (world, actor) = (World::<Failing>::new(), Actor::new());
    let block = filled(&world, actor, MIB);
    let between = filled(&world, actor, 40_000);
    free(&world, actor, block);
    world.mapper.fail_every(Call::Untrap);
    let blocks: Vec<_> = [40_000, 100_000, MIB, 16, 2000].map(|bytes| filled(&world, actor, bytes)).into();
    assert!(blocks.iter().all(|other| *other > between), "what is trapped is not handed out");
    assert!(is_trapped(block, 0));
    world.check_invariants(actor).unwrap();
    world.mapper.succeed();
    assert_eq!(filled(&world, actor, MIB), block);
    world.check_invariants(actor).unwrap();
}

#[test]
fn spans_that_grow_into_trapped_memory_ask_once_for_several() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    let block = filled(&world, actor, 4 * MIB);
    free(&world, actor, block);
    let mut model = Model::new(&world, 1);
    for step in 0..4 * MIB / 2000 {
        model.allocate(0, 1000 + step % 1000).unwrap();
    }
    let asked = world.mapper.calls(Call::Untrap);
    assert!((1..24).contains(&asked), "{asked} times for 4 MiB");
    model.check_contents();
    model.check_invariants();
}

#[test]
fn huge_pages_are_not_broken_up_by_traps() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    let blocks: Vec<_> = (0..64).map(|_| filled(&world, actor, MIB)).collect();
    assert!(world.mapper.calls(Call::Advise) > 0);
    free(&world, actor, blocks[50]);
    assert_eq!(world.mapper.calls(Call::Trap), 0);
    assert!(!is_trapped(blocks[50], 0));
    free(&world, actor, blocks[20]);
    assert!(is_trapped(blocks[20], 0), "below the zone");
    let_epochs_pass(&world, actor, 3);
    world.check_invariants(actor).unwrap();
}

#[test]
fn nothing_traps_where_nothing_is_to_be_purged_unasked() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    assert!(world.tune(actor, |tunables| tunables.purge_mode = PurgeMode::Never));
    let block = filled(&world, actor, MIB);
    free(&world, actor, block);
    assert_eq!(world.mapper.calls(Call::Trap), 0);
    assert!(!is_trapped(block, 0));
}

#[test]
fn a_freed_large_block_of_an_isolated_heap_traps_and_is_no_longer_charged() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    let block = world.allocate_in(actor, heap, MIB).unwrap();
    free(&world, actor, block);
    assert!(is_trapped(block, 0));
    assert_eq!((world.heap_limit(heap).1, world.heap_stats(actor, heap).unwrap().large_blocks), (0, 0));
    world.check_invariants(actor).unwrap();
}

#[test]
fn traces_in_which_some_blocks_trap_and_others_do_not_agree_with_the_model() {
    for seed in 0..6 {
        let world = World::<Failing>::new();
        let (mut model, mut random) = (Model::new(&world, 2), Random::new(seed));
        for step in 0..600 {
            let (actor, block, bytes) = (random.below(2), random.below(1000), 20_000 + random.below(400_000));
            match random.below(12) {
                0..=3 => _ = model.allocate(actor, bytes).unwrap(),
                4 => _ = model.allocate_zeroed(actor, bytes).unwrap(),
                5 => _ = model.reallocate(actor, block, bytes).unwrap_or_else(|| model.allocate(0, bytes).unwrap()),
                6..=9 => model.free(actor, block),
                10 => world.wait(random.below(200) as u64),
                _ if step % 7 == 0 => world.mapper.fail_nth(1 + random.below(3)),
                _ => let_epochs_pass(&world, model.actor(actor), 1),
            }
            model.check_invariants();
        }
        model.check_contents();
    }
}
