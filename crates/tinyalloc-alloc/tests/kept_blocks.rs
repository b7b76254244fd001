//! Freed large blocks that a thread keeps: it gets them again, they count as free, and they
//! go back when they are idle or wanted.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::ptr::NonNull;

use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_alloc::{Checks, Misuse, PurgeMode};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Counting = CountingMapper<LimitedMapper>;

const BYTES: usize = 64 * 1024;
/// More than what traps may cost at the start pays for, of blocks of [`BYTES`].
const FREES_UNTIL_KEPT: usize = 100;

/// A thread that has freed so many large blocks that it keeps some.
fn keeper<M: common::WorldMapper>(world: &World<M>) -> Actor {
    let actor = Actor::new();
    for _ in 0..FREES_UNTIL_KEPT {
        let block = world.allocate(actor, BYTES).unwrap();
        // SAFETY: a live block.
        unsafe { world.free(actor, block.as_ptr()) };
    }
    actor
}

fn free<M: common::WorldMapper>(world: &World<M>, actor: Actor, block: NonNull<u8>) {
    // SAFETY: a live block.
    unsafe { world.free(actor, block.as_ptr()) };
}

/// Where no small block was ever allocated.
fn kept_bytes<M: common::WorldMapper>(world: &World<M>, actor: Actor) -> usize {
    let stats = world.stats(actor);
    stats.active - stats.allocated
}

#[test]
fn a_block_comes_again_without_the_lock_of_the_space() {
    let world = World::<Counting>::new();
    let actor = keeper(&world);
    let block = world.allocate(actor, BYTES).unwrap();
    free(&world, actor, block);
    let calls = world.mapper.calls(Call::Commit);
    for bytes in [BYTES, BYTES - 4096, BYTES - 1, 60_000] {
        let again = world.allocate(actor, bytes).unwrap();
        assert_eq!(again, block, "{bytes}");
        assert_eq!(world.usable_bytes(actor, again), Some(bytes.next_multiple_of(4096)));
        assert_eq!(world.stats(actor).allocated, bytes.next_multiple_of(4096));
        free(&world, actor, again);
        assert_eq!(world.stats(actor).allocated, 0, "a kept block is not allocated");
        world.check_invariants(actor).unwrap();
    }
    assert_eq!(world.mapper.calls(Call::Commit), calls);
    let mapped = world.stats(actor).mapped;
    let smaller = world.allocate(actor, 40_000).unwrap();
    assert_eq!(world.stats(actor).mapped, mapped - BYTES / 4, "a block is not kept for requests of half its size");
    free(&world, actor, smaller);
    assert_eq!(actor.misuses(), []);
}

#[test]
fn a_kept_block_is_none_to_who_frees_it_again() {
    let world = World::<LimitedMapper>::new();
    let (actor, other) = (keeper(&world), Actor::new());
    let block = world.allocate(actor, BYTES).unwrap();
    free(&world, actor, block);
    let (address, slot_bytes) = (block.addr().get(), BYTES);
    for actor in [actor, other] {
        // SAFETY: not a live block, which is to be found out.
        unsafe { world.free(actor, block.as_ptr()) };
        assert_eq!(actor.misuses(), [Misuse::DoubleFree { address, slot_bytes }]);
        assert_eq!(world.usable_bytes(actor, block), None);
        assert_eq!(actor.misuses(), [Misuse::DoubleFree { address, slot_bytes }]);
        // SAFETY: it lies in the block.
        let inside = unsafe { block.add(20_000) };
        // SAFETY: as above.
        unsafe { world.free(actor, inside.as_ptr()) };
        assert_eq!(actor.misuses(), [Misuse::FreedBefore { address: address + 20_000 }]);
        assert_eq!(world.owner_of(actor, address), None);
    }
    assert_eq!(world.allocate(actor, BYTES), Some(block), "mistakes change nothing");
    world.check_invariants(actor).unwrap();
}

#[test]
fn every_byte_of_a_zeroed_block_is_zero_though_it_was_kept() {
    let world = World::<LimitedMapper>::new();
    // Kept, taken for less, and returned to the space: what lay behind is not zero either.
    for (first, second) in [(BYTES, BYTES), (BYTES, 60_000), (MIB, MIB - 100_000)] {
        let (actor, other) = (keeper(&world), Actor::new());
        // Makes room for itself.
        (0..3).for_each(|_| free(&world, actor, world.allocate(actor, first).unwrap()));
        let block = world.allocate(actor, first).unwrap();
        // SAFETY: a live block of that size.
        unsafe { block.write_bytes(0xA5, first) };
        free(&world, actor, block);
        let again = world.allocate(actor, second).unwrap();
        assert_eq!(again, block);
        free(&world, actor, again);
        let zeroed = world.allocate_zeroed(actor, first).unwrap();
        is_zero(zeroed, first);
        // SAFETY: as above.
        unsafe { zeroed.write_bytes(0xA5, first) };
        free(&world, actor, zeroed);
        let again = world.allocate(actor, second).unwrap();
        free(&world, actor, again);
        world.detach(actor);
        let zeroed = world.allocate_zeroed(other, first).unwrap();
        assert_eq!(zeroed, block);
        is_zero(zeroed, first);
        free(&world, other, zeroed);
        world.purge_all(other);
    }
}

fn is_zero(block: NonNull<u8>, bytes: usize) {
    // SAFETY: a live block of that size.
    let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), bytes) };
    assert!(bytes.iter().all(|byte| *byte == 0));
}

#[test]
fn what_is_kept_goes_back_when_it_was_idle_for_an_epoch() {
    let world = World::<LimitedMapper>::new();
    let actor = keeper(&world);
    let blocks: Vec<_> = (0..8).map(|_| world.allocate(actor, BYTES).unwrap()).collect();
    blocks.into_iter().for_each(|block| free(&world, actor, block));
    assert!(kept_bytes(&world, actor) >= 8 * BYTES);
    for _ in 0..4 {
        world.wait(1000);
        world.purge_by_time(actor);
    }
    assert!(kept_bytes(&world, actor) == 0);
    assert_eq!(world.stats(actor).resident_free, 0);
}

#[test]
fn a_trim_a_limit_and_the_end_of_the_thread_take_what_is_kept() {
    let fill = |world: &World<LimitedMapper>| {
        let actor = keeper(world);
        let blocks: Vec<_> = (0..8).map(|_| world.allocate(actor, BYTES).unwrap()).collect();
        blocks.into_iter().for_each(|block| free(world, actor, block));
        assert!(kept_bytes(world, actor) >= 8 * BYTES);
        actor
    };
    let world = World::<LimitedMapper>::new();
    let (actor, other) = (fill(&world), Actor::new());
    world.purge_all(other);
    assert!(kept_bytes(&world, actor) == 0, "another thread trims");

    let world = World::<LimitedMapper>::new();
    let actor = fill(&world);
    world.detach(actor);
    assert!(kept_bytes(&world, Actor::new()) == 0, "the thread ends");

    let world = World::<LimitedMapper>::new();
    let actor = fill(&world);
    let limit = world.stats(actor).mapped + 2 * BYTES;
    assert!(world.tune(actor, |tunables| tunables.limit_bytes = limit));
    assert!(world.allocate(actor, 8 * BYTES + BYTES / 2).is_some(), "a limit is in the way");
    assert!(kept_bytes(&world, actor) == 0);

    let world = World::<LimitedMapper>::new();
    let actor = fill(&world);
    let limit = world.stats(actor).mapped + 32 * MIB - 4 * BYTES;
    assert!(world.tune(actor, |tunables| tunables.limit_bytes = limit));
    assert!(world.allocate(actor, 32 * MIB).is_some(), "a limit is in the way of a mapping");
    assert!(kept_bytes(&world, actor) == 0);
}

#[test]
fn a_thread_keeps_a_mebibyte_and_no_more() {
    let world = World::<LimitedMapper>::new();
    let actor = keeper(&world);
    for bytes in [BYTES, 300_000, MIB, 2 * MIB] {
        let blocks: Vec<_> = (0..40).map(|_| world.allocate(actor, bytes).unwrap()).collect();
        blocks.into_iter().for_each(|block| free(&world, actor, block));
        assert!(kept_bytes(&world, actor) <= MIB, "{bytes}");
        world.check_invariants(actor).unwrap();
    }
}

/// Epochs that are shorter than a licence end while the thread may still keep blocks.
#[test]
fn a_trim_takes_what_was_kept_after_the_last_epoch() {
    let world = World::<LimitedMapper>::new();
    assert!(world.tune(Actor::new(), |tunables| tunables.purge_milliseconds = 1));
    let actor = keeper(&world);
    let block = world.allocate(actor, BYTES).unwrap();
    for _ in 0..3 {
        world.wait(1);
        world.purge_by_time(actor);
    }
    free(&world, actor, block);
    world.purge_all(Actor::new());
    assert_eq!(kept_bytes(&world, actor), 0);
}

#[test]
fn what_is_kept_comes_before_memory_that_was_never_touched() {
    let world = World::<LimitedMapper>::new();
    let actor = keeper(&world);
    let blocks: Vec<_> = (0..8).map(|_| world.allocate(actor, BYTES).unwrap()).collect();
    let first = *blocks.iter().min().unwrap();
    blocks.into_iter().for_each(|block| free(&world, actor, block));
    let small = world.allocate(actor, 1000).unwrap();
    assert!((first.addr().get()..first.addr().get() + 8 * BYTES).contains(&small.addr().get()));
    assert!(kept_bytes(&world, actor) < BYTES);
}

#[test]
fn who_frees_rarely_or_wants_more_checks_keeps_nothing() {
    let world = World::<Counting>::new();
    let actor = keeper(&world);
    let before = world.mapper.calls(Call::Trap);
    for _ in 0..2 * FREES_UNTIL_KEPT {
        world.wait(100);
        let block = world.allocate(actor, BYTES).unwrap();
        free(&world, actor, block);
    }
    assert!(world.mapper.calls(Call::Trap) > before + FREES_UNTIL_KEPT, "blocks are trapped again");
    for (checks, purge_mode) in [
        (Checks { hardened: true, ..Checks::NONE }, PurgeMode::Decay),
        (Checks { zero_on_free: true, ..Checks::NONE }, PurgeMode::Decay),
        (Checks::NONE, PurgeMode::Eager),
    ] {
        let world = World::<LimitedMapper>::new();
        world.tune(Actor::new(), |tunables| {
            tunables.checks = checks;
            tunables.purge_mode = purge_mode;
        });
        let actor = keeper(&world);
        assert!(kept_bytes(&world, actor) == 0, "{purge_mode:?}");
    }
}

/// A fork or a signal handler may keep a thread from the lock of the space: what it keeps is
/// reached without one.
#[test]
fn nothing_is_lost_when_the_system_refuses() {
    let world = World::<FailingMapper<LimitedMapper>>::new();
    let actor = keeper(&world);
    let blocks: Vec<_> = (0..8).map(|_| world.allocate(actor, BYTES).unwrap()).collect();
    blocks.into_iter().for_each(|block| free(&world, actor, block));
    [Call::Reserve, Call::Map, Call::Commit].into_iter().for_each(|call| world.mapper.fail_every(call));
    let large = world.allocate(actor, 7 * BYTES);
    assert!(large.is_some(), "what is kept serves others when there is nothing else");
    free(&world, actor, large.unwrap());
    world.check_invariants(actor).unwrap();
}

/// Frees blocks of so many bytes and takes them back, more often than a thread has to for room.
fn take_back<M: common::WorldMapper>(world: &World<M>, actor: Actor, bytes: usize) {
    (0..20).for_each(|_| free(world, actor, world.allocate(actor, bytes).unwrap()));
}

#[test]
fn a_thread_that_takes_two_mebibytes_back_each_time_is_lent_room_to_keep_them() {
    let world = World::<LimitedMapper>::new();
    let actor = keeper(&world);
    free(&world, actor, world.allocate(actor, 2 * MIB).unwrap());
    assert!(kept_bytes(&world, actor) <= MIB, "once is not each time");
    take_back(&world, actor, 2 * MIB);
    assert!(kept_bytes(&world, actor) >= 2 * MIB);
    let block = world.allocate(actor, 2 * MIB).unwrap();
    free(&world, actor, block);
    let (address, slot_bytes) = (block.addr().get(), 2 * MIB);
    // SAFETY: not a live block, which is to be found out.
    unsafe { world.free(actor, block.as_ptr()) };
    assert_eq!(actor.misuses(), [Misuse::DoubleFree { address, slot_bytes }]);
    world.check_invariants(actor).unwrap();
    let blocks: Vec<_> = (0..40).map(|_| world.allocate(actor, MIB).unwrap()).collect();
    blocks.into_iter().for_each(|block| free(&world, actor, block));
    assert!(kept_bytes(&world, actor) <= 3 * MIB);
    world.check_invariants(actor).unwrap();
}

#[test]
fn two_threads_are_lent_room_at_most_and_another_one_when_they_end() {
    let world = World::<LimitedMapper>::new();
    let actors = [keeper(&world), keeper(&world), keeper(&world)];
    world.purge_all(actors[0]);
    actors.iter().for_each(|actor| (0..3).for_each(|_| free(&world, *actor, world.allocate(*actor, BYTES).unwrap())));
    actors.iter().for_each(|actor| take_back(&world, *actor, 2 * MIB));
    let kept = kept_bytes(&world, actors[0]);
    assert!((4 * MIB..6 * MIB).contains(&kept), "{kept}");
    world.detach(actors[0]);
    let before = kept_bytes(&world, actors[2]);
    take_back(&world, actors[2], 2 * MIB);
    assert!(kept_bytes(&world, actors[2]) >= before + 2 * MIB);
}

#[test]
fn room_that_is_not_used_for_an_epoch_goes_back_though_the_thread_keeps_smaller_blocks() {
    let world = World::<LimitedMapper>::new();
    assert!(world.tune(Actor::new(), |tunables| tunables.purge_milliseconds = 1));
    let actor = keeper(&world);
    let smaller = world.allocate(actor, BYTES).unwrap();
    take_back(&world, actor, 2 * MIB);
    free(&world, actor, smaller);
    for epoch in 0..4 {
        assert!(epoch > 1 || kept_bytes(&world, actor) >= 2 * MIB, "{epoch}");
        world.wait(1);
        take_back(&world, actor, BYTES);
        world.purge_by_time(actor);
    }
    assert!(kept_bytes(&world, actor) <= MIB);
    take_back(&world, actor, 2 * MIB);
    for _ in 0..4 {
        assert!(kept_bytes(&world, actor) >= 2 * MIB);
        world.wait(1);
        take_back(&world, actor, 2 * MIB);
        world.purge_by_time(actor);
    }
    world.check_invariants(actor).unwrap();
}
