//! Tests for mutations that no test noticed.
#![allow(clippy::double_ended_iterator_last, reason = "every round is to run")]
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, clippy::multiple_unsafe_ops_per_block, reason = "tests are read as a whole")]

mod common;

use std::ptr::NonNull;

use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{HeapMemory, HeapName, HeapOptions, HeapRef};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Plain = LimitedMapper;

fn named(name: &str) -> HeapOptions {
    HeapOptions { name: HeapName::new(name), ..HeapOptions::default() }
}

fn destroy<M: WorldMapper>(world: &World<M>, actor: Actor, heap: HeapRef) {
    // SAFETY: no thread uses the heap or its blocks afterwards.
    unsafe { world.destroy_heap(actor, heap, HeapMemory::Released) }.unwrap();
}

fn free<M: WorldMapper>(world: &World<M>, actor: Actor, start: NonNull<u8>) {
    // SAFETY: what is freed is not used any more.
    unsafe { world.free(actor, start.as_ptr()) };
}

#[test]
fn a_spare_span_that_serves_another_class_is_not_charged_twice() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("recut")).unwrap();
    for bytes in [64, 80, 96, 112, 128, 192, 256] {
        let blocks: Vec<_> = (0..600).map(|_| world.allocate_in(actor, heap, bytes).unwrap()).collect();
        world.check_invariants(actor).unwrap();
        blocks.into_iter().for_each(|block| free(&world, actor, block));
        world.check_invariants(actor).unwrap();
    }
}

#[test]
fn a_large_block_that_was_refused_is_not_charged() {
    let (world, actor) = (World::<FailingMapper<LimitedMapper>>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("poor")).unwrap();
    world.mapper.fail_from(1);
    assert_eq!(world.allocate_in(actor, heap, 40 * MIB), None);
    assert_eq!(world.heap_limit(heap).1, 0);
    world.mapper.succeed();
    let block = world.allocate_in(actor, heap, MIB).unwrap();
    world.mapper.fail_from(1);
    // SAFETY: the block is live, and stays where it is.
    assert_eq!(unsafe { world.reallocate(actor, block, 60 * MIB) }, None);
    assert_eq!(world.heap_limit(heap).1, MIB);
}

#[test]
fn a_heap_that_was_entered_twice_stays_this_threads_until_it_was_left_twice() {
    let (world, actor, other) = (World::<Plain>::new(), Actor::new(), Actor::new());
    let heaps: Vec<_> = (0..129).map(|_| world.create_heap(actor, &named("one of many")).unwrap()).collect();
    assert!(world.push_heap(actor, Some(heaps[0])) && world.push_heap(actor, Some(heaps[0])));
    // Takes the place of the entered heap.
    world.allocate_in(actor, heaps[128], 50).unwrap();
    assert!(world.pop_heap(actor));
    let theirs = world.allocate_in(other, heaps[0], 50).unwrap();
    let ours = world.allocate(actor, 50).unwrap();
    assert_ne!(ours, theirs);
    assert_eq!(world.heap_stats(other, heaps[0]).unwrap().heaps, 2, "each thread has its own part");
    world.check_invariants(actor).unwrap();
}

#[test]
fn a_block_grows_in_place_into_what_was_trapped() {
    let (world, actor) = (World::<CountingMapper<LimitedMapper>>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("next door")).unwrap();
    let block = world.allocate(actor, MIB).unwrap();
    let next_door = world.allocate_in(actor, heap, MIB).unwrap();
    assert_eq!(next_door.addr().get() - block.addr().get(), MIB);
    destroy(&world, actor, heap);
    // SAFETY: the block is live, and stays where it is.
    assert_eq!(unsafe { world.reallocate(actor, block, 2 * MIB) }, Some(block));
    assert_eq!(world.mapper.calls(Call::Untrap), 1);
    // SAFETY: the block holds that much.
    unsafe { block.write_bytes(1, 2 * MIB) };
    world.check_invariants(actor).unwrap();
}

#[test]
fn records_of_freed_blocks_are_used_again() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("busy")).unwrap();
    for _ in 0..1000 {
        let block = world.allocate_in(actor, heap, 100_000).unwrap();
        free(&world, actor, block);
    }
    assert_eq!(world.heap_stats(actor, heap).unwrap().metadata, 4096);
}

#[test]
fn pages_of_destroyed_heaps_are_used_again() {
    let (world, actor) = (World::<CountingMapper<LimitedMapper>>::new(), Actor::new());
    let round = || {
        let heaps: Vec<_> = (0..1000).map(|_| world.create_heap(actor, &named("brief")).unwrap()).collect();
        heaps.into_iter().for_each(|heap| destroy(&world, actor, heap));
        world.mapper.bytes_committed()
    };
    let first = round();
    assert_eq!((0..5).map(|_| round()).last(), Some(first));
}
