//! The checks that a user may ask for.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, clippy::multiple_unsafe_ops_per_block, reason = "tests are read as a whole")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use common::{Actor, LimitedMapper, MIB, World};
use proptest::prelude::*;
use tinyalloc_alloc::{Checks, GuardedAccess, HeapMemory, HeapOptions, Misuse, ThreadContext};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Counting = CountingMapper<LimitedMapper>;

const ACTORS: usize = 3;

fn checking(checks: Checks) -> (World<Counting>, Actor) {
    let (world, actor) = (World::new(), Actor::new());
    assert!(world.tune(actor, |tunables| tunables.checks = checks));
    (world, actor)
}

fn hardened() -> Checks {
    Checks { hardened: true, ..Checks::NONE }
}

fn guarding(guard_every: u32) -> Checks {
    Checks { guard_every, ..Checks::NONE }
}

fn free(world: &World<Counting>, actor: Actor, start: NonNull<u8>) {
    // SAFETY: what is freed is not used any more, but by tests of mistakes.
    unsafe { world.free(actor, start.as_ptr()) };
}

fn write(start: NonNull<u8>, at: usize, byte: u8) {
    // SAFETY: tests write within slots of theirs, live or freed.
    unsafe { start.as_ptr().add(at).write_volatile(byte) };
}

fn read(start: NonNull<u8>, at: usize) -> u8 {
    // SAFETY: as above.
    unsafe { start.as_ptr().add(at).read_volatile() }
}

fn fill(start: NonNull<u8>, bytes: usize, tag: u8) {
    // SAFETY: the block holds that much.
    unsafe { start.write_bytes(tag, bytes) };
}

fn holds(start: NonNull<u8>, bytes: usize, tag: u8) -> bool {
    // SAFETY: the block holds that much.
    unsafe { std::slice::from_raw_parts(start.as_ptr(), bytes) }.iter().all(|byte| *byte == tag)
}

#[derive(Clone, Debug)]
enum Op {
    Allocate { actor: usize, bytes: usize, zeroed: bool },
    AllocateAligned { actor: usize, bytes: usize, shift: u32 },
    Reallocate { actor: usize, block: usize, bytes: usize },
    Free { actor: usize, block: usize },
    ThreadEnds { actor: usize },
    PurgeAll { actor: usize },
}

fn bytes() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0usize..600, 3 => 600usize..40_000, 1 => 40_000usize..2 * MIB, 1 => Just(33 * MIB)]
}

fn op() -> impl Strategy<Value = Op> {
    let index = 0usize..64;
    prop_oneof![
        10 => (index.clone(), bytes(), any::<bool>()).prop_map(|(actor, bytes, zeroed)| Op::Allocate { actor, bytes, zeroed }),
        2 => (index.clone(), bytes(), 4u32..18).prop_map(|(actor, bytes, shift)| Op::AllocateAligned { actor, bytes, shift }),
        4 => (index.clone(), index.clone(), bytes()).prop_map(|(actor, block, bytes)| Op::Reallocate { actor, block, bytes }),
        10 => (index.clone(), index.clone()).prop_map(|(actor, block)| Op::Free { actor, block }),
        1 => index.clone().prop_map(|actor| Op::ThreadEnds { actor }),
        1 => index.prop_map(|actor| Op::PurgeAll { actor }),
    ]
}

#[allow(clippy::too_many_lines, reason = "an arm for every operation")]
/// Every block holds what was written to it, usable bytes are all writable, and nothing is
/// reported.
fn check_trace(checks: Checks, ops: &[Op]) {
    let (world, first) = checking(checks);
    let mut actors = [first, Actor::new(), Actor::new()];
    let mut blocks: Vec<(NonNull<u8>, usize, u8)> = Vec::new();
    let adopt = |blocks: &mut Vec<_>, actor, start: NonNull<u8>, bytes| {
        let usable = world.usable_bytes(actor, start).unwrap();
        assert!(usable >= bytes);
        let tag = (blocks.len() % 251) as u8 + 1;
        fill(start, usable.min(MIB), tag);
        blocks.push((start, usable, tag));
    };
    for op in ops {
        match *op {
            Op::Allocate { actor, bytes, zeroed } => {
                let actor = actors[actor % ACTORS];
                let start = if zeroed { world.allocate_zeroed(actor, bytes) } else { world.allocate(actor, bytes) }.unwrap();
                assert!(!zeroed || holds(start, bytes.min(MIB), 0));
                adopt(&mut blocks, actor, start, bytes);
            }
            Op::AllocateAligned { actor, bytes, shift } => {
                let start = world.allocate_aligned(actors[actor % ACTORS], bytes, 1 << shift).unwrap();
                assert!(start.addr().get() % (1 << shift) == 0);
                adopt(&mut blocks, actors[actor % ACTORS], start, bytes);
            }
            Op::Reallocate { actor, block, bytes } if !blocks.is_empty() => {
                let index = block % blocks.len();
                let (start, usable, tag) = blocks.swap_remove(index);
                // SAFETY: the block is live, and used by its last address only.
                let moved = unsafe { world.reallocate(actors[actor % ACTORS], start, bytes) }.unwrap();
                assert!(holds(moved, usable.min(bytes).min(MIB), tag));
                adopt(&mut blocks, actors[actor % ACTORS], moved, bytes);
            }
            Op::Free { actor, block } if !blocks.is_empty() => {
                let index = block % blocks.len();
                let (start, usable, tag) = blocks.swap_remove(index);
                assert!(holds(start, usable.min(MIB), tag));
                free(&world, actors[actor % ACTORS], start);
            }
            Op::ThreadEnds { actor } => {
                world.detach(actors[actor % ACTORS]);
                assert_eq!(actors[actor % ACTORS].misuses(), []);
                actors[actor % ACTORS] = Actor::new();
            }
            Op::PurgeAll { actor } => _ = world.purge_all(actors[actor % ACTORS]),
            Op::Reallocate { .. } | Op::Free { .. } => {}
        }
        assert!(actors.iter().all(|actor| actor.misuses().is_empty()));
        world.check_invariants(actors[0]).unwrap();
    }
    assert!(blocks.iter().all(|(start, usable, tag)| holds(*start, (*usable).min(MIB), *tag)));
    blocks.into_iter().for_each(|(start, _, _)| free(&world, actors[0], start));
    for actor in actors {
        world.detach(actor);
        assert_eq!(actor.misuses(), []);
    }
    world.check_invariants(Actor::new()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn hardened_blocks_are_blocks(ops in prop::collection::vec(op(), 1..120)) {
        check_trace(hardened(), &ops);
    }

    #[test]
    fn cleared_blocks_are_blocks(ops in prop::collection::vec(op(), 1..120)) {
        check_trace(Checks { zero_on_free: true, ..Checks::NONE }, &ops);
    }

    #[test]
    fn guarded_blocks_are_blocks(ops in prop::collection::vec(op(), 1..120)) {
        check_trace(guarding(3), &ops);
    }

    #[test]
    fn all_checks_go_together(ops in prop::collection::vec(op(), 1..120)) {
        let all = Checks { hardened: true, zero_on_free: true, guard_every: 4, quarantine_bytes: 4000, ..Checks::NONE };
        check_trace(all, &ops);
    }
}

#[test]
fn a_byte_beyond_the_end_is_noticed_at_the_free() {
    let (world, actor) = checking(hardened());
    for bytes in [1, 8, 24, 100, 1000, 5000, 32_000] {
        let block = world.allocate(actor, bytes).unwrap();
        let usable = world.usable_bytes(actor, block).unwrap();
        assert_eq!(usable, bytes, "beyond what was asked for is beyond the end");
        // Any byte but the one that is there, which nothing could distinguish from it.
        write(block, usable, !read(block, usable));
        free(&world, actor, block);
        assert!(matches!(actor.misuses()[..], [Misuse::Overflow { .. }]), "{bytes} bytes");
    }
}

#[test]
fn a_write_after_free_is_noticed_before_the_slot_is_used_again() {
    for at in [0, 8, 16, 40, 95] {
        let (world, actor) = checking(hardened());
        let block = world.allocate(actor, 80).unwrap();
        free(&world, actor, block);
        write(block, at, 1);
        let others: Vec<_> = (0..3000).map(|_| world.allocate(actor, 80).unwrap()).collect();
        others.into_iter().for_each(|other| free(&world, actor, other));
        (0..3000).for_each(|_| _ = world.allocate(actor, 80));
        assert!(actor.misuses().contains(&Misuse::WriteAfterFree { address: block.addr().get() }), "at {at}");
    }
}

#[test]
fn a_double_free_is_noticed_at_once_and_later_by_whichever_thread() {
    let (world, actor) = checking(hardened());
    let other = Actor::new();
    world.allocate(other, 1).unwrap();
    for thread in [actor, other] {
        let block = world.allocate(actor, 100).unwrap();
        free(&world, actor, block);
        free(&world, thread, block);
        assert!(matches!(thread.misuses()[..], [Misuse::DoubleFree { .. }]));
        let fillers: Vec<_> = (0..2000).map(|_| world.allocate(actor, 200).unwrap()).collect();
        fillers.into_iter().for_each(|filler| free(&world, actor, filler));
        free(&world, thread, block);
        assert!(matches!(thread.misuses()[..], [Misuse::DoubleFree { .. }]), "after it has waited");
    }
}

#[test]
fn freed_memory_reads_as_zero() {
    for checks in [hardened(), Checks { zero_on_free: true, ..Checks::NONE }] {
        let (world, actor) = checking(checks);
        let block = world.allocate(actor, 2000).unwrap();
        fill(block, 2000, 0xa5);
        free(&world, actor, block);
        let rest = NonNull::new(block.as_ptr().wrapping_add(16)).unwrap();
        assert!(holds(rest, 1984, 0), "{checks:?}");
    }
}

#[test]
fn hardened_memory_never_changes_its_class() {
    let (world, actor) = checking(hardened());
    let mut classes: BTreeMap<usize, usize> = BTreeMap::new();
    for round in 0..40 {
        let bytes = 24 + round % 8 * 100;
        let blocks: Vec<_> = (0..600).map(|_| world.allocate(actor, bytes).unwrap()).collect();
        for block in &blocks {
            assert_eq!(*classes.entry(block.addr().get() / 16384).or_insert(bytes), bytes);
        }
        blocks.into_iter().for_each(|block| free(&world, actor, block));
        world.purge_all(actor);
    }
    assert_eq!(actor.misuses(), []);
}

#[test]
fn slots_come_in_an_unknown_order() {
    // All at a time: each lies elsewhere, and so draws other numbers.
    let worlds: Vec<_> = (0..4).map(|_| checking(hardened())).collect();
    worlds.iter().for_each(|(world, actor)| _ = world.allocate(*actor, 1).unwrap());
    let orders: BTreeSet<Vec<usize>> = worlds
        .iter()
        .map(|(world, actor)| {
            let actor = *actor;
            let starts: Vec<_> = (0..64).map(|_| world.allocate(actor, 200).unwrap().addr().get()).collect();
            let least = *starts.iter().min().unwrap();
            assert!(
                starts.windows(2).filter(|pair| pair[1] == pair[0] + 208).count() < 8,
                "neighbours are no neighbours in time"
            );
            starts.iter().map(|start| start - least).collect()
        })
        .collect();
    assert!(orders.len() > 1, "the order is the same every time");
}

#[test]
fn freed_large_blocks_trap_and_spans_end_in_guards() {
    let (world, actor) = checking(hardened());
    world.allocate(actor, 100).unwrap();
    let guards = world.mapper.calls(Call::Trap);
    assert_eq!(guards, 2, "a span without a guard, or emergency slots without one");
    let large = world.allocate(actor, MIB).unwrap();
    assert_eq!(world.mapper.calls(Call::Trap), guards + 1, "a large block without a guard");
    free(&world, actor, large);
    assert_eq!(world.mapper.calls(Call::Trap), guards + 2);
    free(&world, actor, large);
    assert!(matches!(actor.misuses()[..], [Misuse::FreedBefore { .. }]));
    let again = world.allocate_zeroed(actor, MIB).unwrap();
    assert!(holds(again, MIB, 0));
}

#[test]
fn heaps_may_be_hardened_too() {
    let (world, actor) = checking(hardened());
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    for round in 0..20 {
        let blocks: Vec<_> = (0..200).map(|at| world.allocate_in(actor, heap, at * 7).unwrap()).collect();
        blocks.iter().enumerate().for_each(|(at, block)| fill(*block, at * 7, 3));
        blocks.iter().step_by(2).for_each(|block| free(&world, actor, *block));
        if round % 2 == 0 {
            // SAFETY: no thread uses the heap's blocks afterwards.
            unsafe { world.reset_heap(actor, heap, HeapMemory::Retained) }.unwrap();
        }
    }
    // SAFETY: as above.
    unsafe { world.destroy_heap(actor, heap, HeapMemory::Retained) }.unwrap();
    assert_eq!(actor.misuses(), []);
    world.check_invariants(actor).unwrap();
}

#[test]
fn a_thread_that_is_ending_gets_hardened_blocks_wherever_they_lie() {
    let (world, actor) = checking(hardened());
    assert!(world.tune(actor, |tunables| tunables.region_bytes = 4 * MIB));
    for _ in 0..6_000 {
        world.allocate(actor, 1_000).unwrap();
    }
    let ending = Actor::new();
    free(&world, ending, world.allocate(ending, 1).unwrap());
    world.detach(ending);
    for bytes in (0..3_000).step_by(100) {
        let block = world.allocate(ending, bytes).unwrap();
        fill(block, bytes, 1);
        assert_eq!(world.usable_bytes(ending, block), Some(bytes));
        free(&world, ending, block);
    }
    assert_eq!((actor.misuses(), ending.misuses()), (vec![], vec![]));
}

#[test]
fn a_walk_over_a_hardened_heap_tells_what_may_be_used() {
    let (world, actor) = checking(hardened());
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    let expected: BTreeMap<_, _> = [50, 500, 50_000].map(|bytes| (world.allocate_in(actor, heap, bytes).unwrap(), bytes)).into();
    let mut found = BTreeMap::new();
    // SAFETY: no thread uses the heap meanwhile.
    unsafe { world.walk_heap(heap, |block, bytes| found.insert(block, bytes).is_none()) };
    assert!(found.keys().eq(expected.keys()));
    assert!(found.iter().all(|(block, bytes)| Some(*bytes) == world.usable_bytes(actor, *block)), "{found:?}");
    found.iter().for_each(|(block, bytes)| fill(*block, *bytes, 1));
    found.keys().for_each(|block| free(&world, actor, *block));
    assert_eq!(actor.misuses(), []);
}

#[test]
fn nothing_that_a_heap_held_outlives_it_where_freed_memory_is_cleared() {
    for (bytes, destroyed) in [(400, false), (20_000, false), (100_000, false), (400, true), (20_000, true), (100_000, true)] {
        let (world, actor) = checking(Checks { zero_on_free: true, ..Checks::NONE });
        let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
        (0..40).for_each(|_| fill(world.allocate_in(actor, heap, bytes).unwrap(), bytes, 0xaa));
        if destroyed {
            // SAFETY: no thread uses its blocks afterwards.
            unsafe { world.destroy_heap(actor, heap, HeapMemory::Retained) }.unwrap();
        } else {
            // SAFETY: as above.
            unsafe { world.reset_heap(actor, heap, HeapMemory::Retained) }.unwrap();
        }
        for _ in 0..40 {
            let again = if destroyed { world.allocate(actor, bytes) } else { world.allocate_in(actor, heap, bytes) }.unwrap();
            // SAFETY: within the block, behind what a free slot holds.
            let rest = unsafe { again.add(16) };
            assert!(holds(rest, bytes - 16, 0), "{bytes} bytes, destroyed: {destroyed}");
        }
    }
}

#[test]
fn a_guarded_block_ends_at_a_guard_and_is_explained() {
    let (world, actor) = checking(guarding(1));
    let block = world.allocate(actor, 100).unwrap();
    let start = block.addr().get();
    assert_eq!(world.usable_bytes(actor, block), Some(100));
    let page_end = start.next_multiple_of(4096);
    assert!(page_end - start < 100 + 16);
    let report = world.explain_trap(page_end).unwrap();
    assert_eq!((report.access, report.start, report.bytes, report.made_by), (GuardedAccess::Overflow, start, 100, actor.id().0));
    assert_eq!(world.explain_trap(start - start % 4096 - 1).unwrap().access, GuardedAccess::Underflow);
    free(&world, actor, block);
    let report = world.explain_trap(start + 5).unwrap();
    assert_eq!((report.access, report.freed_by), (GuardedAccess::AfterFree, actor.id().0));
    assert!(world.explain_trap(4096).is_none());
    free(&world, actor, block);
    assert!(matches!(actor.misuses()[..], [Misuse::DoubleFree { .. }]));
}

#[test]
fn a_write_between_a_guarded_block_and_its_guard_is_noticed_at_the_free() {
    let (world, actor) = checking(guarding(1));
    let block = world.allocate(actor, 100).unwrap();
    write(block, 100, 1);
    free(&world, actor, block);
    assert!(matches!(actor.misuses()[..], [Misuse::Overflow { .. }]));
    let inside = NonNull::new(world.allocate(actor, 100).unwrap().as_ptr().wrapping_add(8)).unwrap();
    free(&world, actor, inside);
    assert!(matches!(actor.misuses()[..], [Misuse::Interior { .. }]));
}

#[test]
fn guards_are_used_again_and_run_out_without_harm() {
    let (world, actor) = checking(guarding(1));
    let blocks: Vec<_> = (0..2000).map(|_| world.allocate(actor, 64).unwrap()).collect();
    blocks.iter().for_each(|block| fill(*block, 64, 9));
    blocks.into_iter().for_each(|block| free(&world, actor, block));
    for _ in 0..3000 {
        free(&world, actor, world.allocate(actor, 64).unwrap());
    }
    assert_eq!(actor.misuses(), []);
    world.check_invariants(actor).unwrap();
}

#[test]
fn about_one_allocation_in_so_many_is_guarded() {
    let (world, actor) = checking(guarding(100));
    let block_of = |_| world.allocate(actor, 64).unwrap();
    let guarded = (0..20_000).map(block_of).filter(|block| world.explain_trap(block.addr().get()).is_some()).count();
    assert!((120..300).contains(&guarded), "{guarded} of 20,000");
}

#[test]
fn a_zero_byte_behind_any_request_is_noticed_at_the_free() {
    let (world, actor) = checking(hardened());
    for bytes in (0..300).chain([1000, 4000, 20_000]) {
        let block = world.allocate(actor, bytes).unwrap();
        if bytes > 0 {
            assert_eq!(world.usable_bytes(actor, block), Some(bytes));
            write(block, bytes, 0);
            free(&world, actor, block);
            assert!(matches!(actor.misuses()[..], [Misuse::Overflow { .. }]), "{bytes} bytes");
        }
    }
}

#[test]
fn a_block_that_changes_its_size_in_place_ends_where_it_ends_now() {
    let (world, actor) = checking(hardened());
    let block = world.allocate(actor, 100).unwrap();
    fill(block, 100, 1);
    // SAFETY: the block is live.
    let grown = unsafe { world.reallocate(actor, block, 103) }.unwrap();
    assert_eq!((grown, world.usable_bytes(actor, grown)), (block, Some(103)));
    // SAFETY: within the block.
    assert!(holds(grown, 100, 1) && holds(unsafe { grown.add(100) }, 3, 0));
    fill(grown, 103, 1);
    // SAFETY: the block is live.
    let shrunk = unsafe { world.reallocate(actor, grown, 97) }.unwrap();
    assert_eq!((shrunk, world.usable_bytes(actor, shrunk)), (block, Some(97)));
    write(shrunk, 97, !read(shrunk, 97));
    // SAFETY: the block is live.
    assert_eq!(unsafe { world.reallocate(actor, shrunk, 90) }, None);
    assert!(matches!(actor.misuses()[..], [Misuse::Overflow { .. }]));
}

#[test]
fn a_byte_before_a_block_is_noticed_at_its_free_whatever_lies_there() {
    for (bytes, keeps_neighbours) in [(8, true), (8, false), (100, true), (100, false), (4000, true), (4000, false)] {
        let (world, actor) = checking(hardened());
        let blocks: Vec<_> = (0..40).map(|_| world.allocate(actor, bytes).unwrap()).collect();
        // Not the first of its span: behind its neighbour, which lives, or has been freed and
        // waits.
        let lowest = blocks.iter().min().copied().unwrap();
        let (victim, others): (Vec<_>, Vec<_>) =
            blocks.iter().copied().partition(|block| Some(block) == blocks.iter().filter(|block| **block > lowest).min());
        if !keeps_neighbours {
            others.into_iter().for_each(|other| free(&world, actor, other));
        }
        // SAFETY: the byte is another slot's of the same span: a mistake, and that is the point.
        let before = unsafe { victim[0].sub(1) };
        fill(before, 1, 0x41);
        free(&world, actor, victim[0]);
        assert!(matches!(actor.misuses()[..], [Misuse::Underflow { .. }]), "{bytes} bytes, neighbours live: {keeps_neighbours}");
    }
}

#[test]
fn a_freed_block_is_clear_at_once_and_a_new_one_too() {
    for bytes in [8, 24, 100, 4096] {
        let (world, actor) = checking(hardened());
        let blocks: Vec<_> = (0..2000).map(|_| world.allocate(actor, bytes).unwrap()).collect();
        blocks.iter().for_each(|block| fill(*block, bytes, 0x41));
        for block in blocks {
            free(&world, actor, block);
            assert!(holds(block, bytes, 0), "{bytes} bytes, freed");
        }
        let again = world.allocate(actor, bytes).unwrap();
        assert!(holds(again, bytes, 0), "{bytes} bytes, new");
    }
}

#[test]
fn where_there_is_no_valgrind_nothing_is_announced_and_every_byte_is_usable() {
    let (world, actor) = checking(Checks { valgrind: true, hardened: true, ..Checks::NONE });
    let (plain, other) = checking(hardened());
    let (start, same) = (world.allocate(actor, 100).unwrap(), plain.allocate(other, 100).unwrap());
    assert_eq!(world.usable_bytes(actor, start), plain.usable_bytes(other, same));
    free(&world, actor, start);
    write(start, 50, 1);
    assert!((0..100_000).any(|_| {
        if let Some(start) = world.allocate(actor, 100) {
            free(&world, actor, start);
        }
        !actor.misuses().is_empty()
    }));
}

#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn hardened_memory_goes_back_to_the_system_and_its_addresses_stay_with_their_size() {
    let (world, actor) = checking(hardened());
    let decommits = || world.mapper.calls(Call::Decommit);
    let fill_all = || {
        let blocks: Vec<_> = (0..100_000).map(|_| world.allocate(actor, 100).unwrap()).collect();
        blocks.iter().for_each(|block| fill(*block, 100, 5));
        let addresses: BTreeSet<_> = blocks.iter().map(|block| block.addr().get() / 16_384).collect();
        blocks.into_iter().for_each(|block| free(&world, actor, block));
        addresses
    };
    let before = fill_all();
    let decommitted = decommits();
    assert!(decommitted > 0, "all but four mebibytes went with the frees");
    assert!(world.purge_all(actor));
    assert!(decommits() > decommitted);
    assert!(!world.purge_all(actor), "there is nothing left");
    world.check_invariants(actor).unwrap();
    let others: BTreeSet<_> = (0..20_000).map(|_| world.allocate(actor, 700).unwrap().addr().get() / 16_384).collect();
    assert!(before.is_disjoint(&others));
    let again = fill_all();
    assert!(again.intersection(&before).count() * 10 > before.len() * 9, "the addresses are used again");
    assert_eq!(actor.misuses(), []);
    world.check_invariants(actor).unwrap();
}

#[test]
fn hardened_memory_that_the_system_does_not_take_back_is_not_counted_and_is_used_again() {
    let (world, actor) = (World::<FailingMapper<LimitedMapper>>::new(), Actor::new());
    assert!(world.tune(actor, |tunables| tunables.checks = hardened()));
    world.mapper.fail_every(Call::Decommit);
    for _ in 0..2 {
        let blocks: Vec<_> = (0..60_000).map(|_| world.allocate(actor, 100).unwrap()).collect();
        blocks.iter().for_each(|block| fill(*block, 100, 5));
        // SAFETY: no thread uses them afterwards.
        blocks.into_iter().for_each(|block| unsafe { world.free(actor, block.as_ptr()) });
        let before = world.stats(actor).purged;
        assert!(!world.purge_all(actor));
        assert_eq!(world.stats(actor).purged, before);
    }
    assert_eq!(actor.misuses(), []);
}

#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn hardened_memory_that_the_system_takes_back_in_part_is_used_again() {
    let (world, actor) = checking(hardened());
    world.mapper.inner().decommits_half.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        for bytes in [100, 1000, 9000] {
            let blocks: Vec<_> = (0..6_000_000 / bytes).map(|_| world.allocate(actor, bytes).unwrap()).collect();
            blocks.iter().for_each(|block| fill(*block, bytes, 5));
            blocks.into_iter().for_each(|block| free(&world, actor, block));
            world.purge_all(actor);
        }
    }
    assert_eq!(actor.misuses(), []);
    world.check_invariants(actor).unwrap();
}
