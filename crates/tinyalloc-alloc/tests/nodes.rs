//! Memory of several nodes: a thread gets that of its own, and keeps to it.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use common::model::{Model, Random};
use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{HeapOptions, NodeStats, NumaPolicy};
use tinyalloc_sys::{Call, FailingMapper, Placement};

const STRIPE_BYTES: usize = 64 * MIB;
const SLICE_BYTES: usize = 16 * 1024;

fn world(policy: NumaPolicy) -> World<LimitedMapper> {
    let world = World::<LimitedMapper>::new();
    world.mapper.nodes.store(0b1111, Ordering::Relaxed);
    assert!(world.tune(Actor::new(), |tunables| tunables.numa = policy));
    world
}

fn run_on(world: &World<LimitedMapper>, node: u32) {
    world.mapper.node.store(node, Ordering::Relaxed);
}

fn address(block: NonNull<u8>) -> usize {
    block.addr().get()
}

fn stats(world: &World<LimitedMapper>, actor: Actor) -> Vec<NodeStats> {
    (0..64).filter_map(|node| world.node_stats(actor, node)).collect()
}

/// Blocks of many sizes, of a thread on that node.
fn blocks(world: &World<LimitedMapper>, actor: Actor, node: u32, count: usize) -> Vec<NonNull<u8>> {
    run_on(world, node);
    let sizes = [16, 100, 1000, 5000, 30_000, 100_000, 600_000];
    (0..count).map(|index| world.allocate(actor, sizes[index % sizes.len()]).unwrap()).collect()
}

/// The node of each stripe that has a block, and none has those of two.
fn stripes_by_node(blocks: &[(u32, Vec<NonNull<u8>>)]) -> BTreeMap<usize, u32> {
    let lowest = blocks.iter().flat_map(|(_, blocks)| blocks).map(|block| address(*block)).min().unwrap();
    // Slices begin on a mebibyte, with the first block's slice or one of a few before it.
    let begin = lowest / MIB * MIB;
    let mut stripes = BTreeMap::new();
    for (node, blocks) in blocks {
        for block in blocks {
            let other = stripes.insert((address(*block) - begin) / STRIPE_BYTES, *node);
            assert!(other.is_none_or(|other| other == *node), "a stripe of nodes {node} and {other:?}");
        }
    }
    stripes
}

#[test]
fn threads_on_several_nodes_share_no_stripe() {
    let world = world(NumaPolicy::Auto);
    let actors = [(); 4].map(|()| Actor::new());
    let mut all: Vec<(u32, Vec<NonNull<u8>>)> = (0..4).map(|node| (node, Vec::new())).collect();
    for _ in 0..10 {
        for (node, actor) in actors.into_iter().enumerate() {
            all[node].1.extend(blocks(&world, actor, u32::try_from(node).unwrap(), 70));
        }
    }
    let stripes = stripes_by_node(&all);
    assert!((0..4).all(|node| stripes.values().any(|found| *found == node)), "{stripes:?}");
    let counted = stats(&world, actors[0]);
    assert_eq!(counted.iter().map(|stats| stats.node).collect::<Vec<_>>(), [0, 1, 2, 3]);
    // Seventy blocks have ten of each size: 7.3 MB, and ten times that.
    assert!(counted.iter().all(|stats| stats.used > 70 * 1024 * 1024 && stats.used < 80 * 1024 * 1024), "{counted:?}");
    world.survey(actors[0]).unwrap();
}

#[test]
fn a_lone_node_and_a_policy_of_off_divide_nothing() {
    for policy in [NumaPolicy::Off, NumaPolicy::Auto] {
        let world = world(policy);
        let actors = [(); 2].map(|()| Actor::new());
        let far = if policy == NumaPolicy::Off { 3 } else { 0 };
        let low = blocks(&world, actors[0], 0, 70);
        let high = blocks(&world, actors[1], far, 70);
        let both = low.iter().chain(&high).map(|block| address(*block));
        let (lowest, highest) = (both.clone().min().unwrap(), both.max().unwrap());
        assert!(highest - lowest < 20 * MIB, "{lowest:x} to {highest:x}");
        assert_eq!(stats(&world, actors[0]).len(), 1);
        assert_eq!(world.mapper.placement(lowest), None);
    }
}

#[test]
fn what_other_threads_free_goes_home() {
    let world = world(NumaPolicy::Auto);
    let [near, far] = [(); 2].map(|()| Actor::new());
    let mut first = blocks(&world, near, 0, 700);
    let mut other = blocks(&world, far, 1, 700);
    for _ in 0..10 {
        for block in first.drain(..) {
            // SAFETY: it is live, and not used again.
            unsafe { world.free(far, block.as_ptr()) };
        }
        for block in other.drain(..) {
            // SAFETY: as above.
            unsafe { world.free(near, block.as_ptr()) };
        }
        // Large blocks that a thread freed it may keep for itself: small ones alone.
        run_on(&world, 0);
        first.extend((0..5000).map(|_| world.allocate(near, 200).unwrap()));
        run_on(&world, 1);
        other.extend((0..5000).map(|_| world.allocate(far, 200).unwrap()));
        stripes_by_node(&[(0, first.clone()), (1, other.clone())]);
    }
    world.survey(near).unwrap();
}

#[test]
fn threads_take_over_memory_of_their_own_node_first() {
    let world = world(NumaPolicy::Auto);
    let actors = [(); 6].map(|()| Actor::new());
    let mut all: Vec<(u32, Vec<NonNull<u8>>)> = vec![(0, Vec::new()), (1, Vec::new()), (2, Vec::new())];
    for (index, actor) in actors.into_iter().enumerate() {
        all[index % 3].1.extend(blocks(&world, actor, u32::try_from(index % 3).unwrap(), 70));
    }
    actors.into_iter().for_each(|actor| world.detach(actor));
    let before = stats(&world, Actor::new());
    for node in [1, 1, 0, 2, 0, 2] {
        let next = Actor::new();
        run_on(&world, node);
        // Half a span of slots: what the ended threads left has room.
        all[node as usize].1.extend((0..80).map(|_| world.allocate(next, 100).unwrap()));
    }
    stripes_by_node(&all);
    let after = stats(&world, Actor::new());
    assert_eq!(before, after, "no span is fresh");
}

#[test]
fn memory_of_another_node_is_better_than_none() {
    let world = World::<FailingMapper<LimitedMapper>>::new();
    let [near, far] = [(); 2].map(|()| Actor::new());
    let first = world.allocate(near, 100).unwrap();
    world.mapper.limited().node.store(1, Ordering::Relaxed);
    let mut kept = vec![first, world.allocate(far, 100).unwrap()];
    // One region of 15 stripes, and no other.
    world.mapper.fail_every(Call::Reserve);
    let is_in_the_first_stripe = |block: NonNull<u8>| address(block).wrapping_sub(address(first) / MIB * MIB) < STRIPE_BYTES;
    let found = (0..40).position(|_| {
        kept.push(world.allocate(far, 30 * MIB).unwrap());
        is_in_the_first_stripe(kept[kept.len() - 1])
    });
    assert!(found.is_some_and(|found| found >= 2 * 13), "two fit into each of the others: {found:?}");
    for block in kept {
        // SAFETY: each is live.
        unsafe { world.free(near, block.as_ptr()) };
    }
    world.survey(near).unwrap();
}

#[test]
fn interleaved_memory_comes_from_everywhere() {
    let world = world(NumaPolicy::Interleave);
    let actor = Actor::new();
    let mut all = blocks(&world, actor, 0, 70);
    all.extend(blocks(&world, actor, 2, 70));
    all.push(world.allocate(actor, 40 * MIB).unwrap());
    assert!(all.iter().all(|block| world.mapper.placement(address(*block)) == Some(Placement::Interleaved)));
    assert_eq!(stats(&world, actor).len(), 1);
}

#[test]
fn a_heap_may_have_its_memory_from_one_node() {
    for policy in [NumaPolicy::Auto, NumaPolicy::Off] {
        let world = world(policy);
        let actor = Actor::new();
        let others = blocks(&world, actor, 0, 70);
        let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
        assert!(!world.set_heap_node(actor, heap, Some(4)) && !world.set_heap_node(actor, heap, Some(70)));
        assert_eq!(world.heap_node(heap), None);
        for node in [2, 0] {
            let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
            assert!(world.set_heap_node(actor, heap, Some(node)));
            assert_eq!(world.heap_node(heap), Some(node));
            for bytes in [300_000, 40 * MIB, 2000, 10_000_000] {
                let block = world.allocate_in(actor, heap, bytes).unwrap();
                let placed = |at: usize| world.mapper.placement(address(block) + at);
                assert_eq!([placed(0), placed(bytes - 1)], [Some(Placement::Node(node)); 2], "{bytes} bytes");
            }
        }
        assert!(others.iter().all(|block| !matches!(world.mapper.placement(address(*block)), Some(Placement::Node(1..)))));
        world.survey(actor).unwrap();
    }
}

/// In place, and over the border of a stripe whose begin was committed when it was no node's.
#[test]
fn what_grows_comes_from_the_same_place() {
    let world = world(NumaPolicy::Interleave);
    let actor = Actor::new();
    let small = world.allocate(actor, MIB).unwrap();
    // SAFETY: it is live, and not used again.
    let large = unsafe { world.reallocate(actor, small, 20 * MIB) }.unwrap();
    assert_eq!(world.mapper.placement(address(large) + 20 * MIB - 1), Some(Placement::Interleaved));

    let world = self::world(NumaPolicy::Auto);
    let others = blocks(&world, actor, 0, 7);
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    assert!(world.set_heap_node(actor, heap, Some(1)));
    for _ in 0..300 {
        let block = world.allocate_in(actor, heap, 700_000).unwrap();
        let placed = |at: usize| world.mapper.placement(address(block) + at);
        assert_eq!([placed(0), placed(699_999)], [Some(Placement::Node(1)); 2], "at {block:?}");
    }
    drop(others);
}

#[test]
fn regions_that_come_and_go_leave_no_table() {
    let world = World::<LimitedMapper>::with_limits(usize::MAX, 768 * MIB);
    assert!(world.tune(Actor::new(), |tunables| {
        tunables.numa = NumaPolicy::Interleave;
        tunables.region_bytes = 64 * MIB;
    }));
    let actor = Actor::new();
    let mut mappings = 0;
    for round in 0..5 {
        let all: Vec<_> = (0..20).map(|_| world.allocate(actor, 20 * MIB).unwrap()).collect();
        for block in all {
            // SAFETY: it is live, and not used again.
            unsafe { world.free(actor, block.as_ptr()) };
        }
        world.purge_all(actor);
        mappings = if round == 0 { world.mapper.mappings() } else { mappings };
        assert_eq!(world.mapper.mappings(), mappings);
    }
}

#[test]
fn heaps_from_before_there_were_two_nodes_are_the_first_ones() {
    let world = world(NumaPolicy::Auto);
    let [first, second] = [(); 2].map(|()| Actor::new());
    let mut near = blocks(&world, first, 3, 70);
    let mut far = blocks(&world, second, 0, 70);
    [second, first].into_iter().for_each(|actor| world.detach(actor));
    let [third, fourth] = [(); 2].map(|()| Actor::new());
    run_on(&world, 0);
    far.extend((0..80).map(|_| world.allocate(third, 100).unwrap()));
    run_on(&world, 3);
    near.extend((0..80).map(|_| world.allocate(fourth, 100).unwrap()));
    stripes_by_node(&[(3, near), (0, far)]);
}

/// Threads come, go and move between nodes; blocks of every size, freed by any of them.
#[test]
fn every_invariant_holds_with_four_nodes() {
    for seed in 0..6 {
        let world = world(NumaPolicy::Auto);
        let mut model = Model::new(&world, 6);
        let mut random = Random::new(seed);
        let mut nodes = [0, 1, 2, 3, 1, 2];
        for step in 0..6000 {
            let actor = random.below(6);
            run_on(&world, nodes[actor]);
            match random.below(100) {
                0 => drop(model.replace_actor(actor)),
                1 => nodes[actor] = u32::try_from(random.below(4)).unwrap(),
                2..=50 => {
                    let most = [200, 5000, 60_000, 2_000_000, 20_000_000][random.below(50).saturating_sub(45)];
                    let _ = model.allocate(actor, random.below(most));
                }
                51..=55 => drop(model.reallocate(actor, random.below(1000), random.below(300_000))),
                _ => model.free(actor, random.below(1000)),
            }
            if step % 500 == 0 {
                model.check_invariants();
                model.check_contents();
            }
            if step % 1500 == 0 {
                world.purge_all(model.actors[0]);
            }
        }
        assert_eq!(stats(&world, model.actors[0]).len(), 4);
        model.free_all(0);
        model.detach_all();
        model.settle();
        let survey = model.check_invariants();
        assert_eq!((survey.small_spans, survey.resident_slices), (0, 0));
        assert!(stats(&world, model.actors[0]).iter().all(|stats| stats.used < 8 * SLICE_BYTES), "spans for emergencies");
    }
}
