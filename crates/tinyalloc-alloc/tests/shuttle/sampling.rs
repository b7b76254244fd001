//! Sampled blocks: threads that sample each of theirs, and free what the other one sampled, beside
//! a trim; and heaps that end with samples in them.

use crate::allocator::heaps::HeapMemory;
use crate::common::Actor;
use crate::heap::heap_record::{HeapOptions, HeapRef};
use crate::stage::{Block, Running, Shelf, Stage, check, start};

const SCHEDULES: usize = 2000;
const BLOCKS: usize = 4;
const BYTES: [usize; 2] = [100, 40_000];

fn giving(stage: &Stage, shelf: &Shelf<Block>) -> Running<()> {
    let (stage, shelf) = (stage.clone(), shelf.clone());
    start(move |actor| {
        for round in 0..BLOCKS {
            shelf.put(stage.block(actor, BYTES[round % 2]));
            stage.block(actor, BYTES[0]).free(&stage, actor);
        }
        stage.leave(actor);
    })
}

fn taking(stage: &Stage, shelf: &Shelf<Block>) -> Running<()> {
    let (stage, shelf) = (stage.clone(), shelf.clone());
    start(move |actor| {
        for _ in 0..BLOCKS {
            stage.block(actor, BYTES[0]).free(&stage, actor);
            shelf.take().free(&stage, actor);
        }
        stage.leave(actor);
    })
}

fn trimming(stage: &Stage) -> Running<()> {
    let stage = stage.clone();
    start(move |actor| {
        for _ in 0..2 {
            stage.purge_all(actor);
            stage.block(actor, BYTES[0]).free(&stage, actor);
        }
        stage.leave(actor);
    })
}

pub(crate) fn samplers() {
    let (stage, watcher) = (Stage::new(), Actor::new());
    assert!(stage.set_profile_interval(watcher, 1));
    let shelf = Shelf::new();
    let threads = [giving(&stage, &shelf), taking(&stage, &shelf), trimming(&stage)];
    threads.into_iter().for_each(|thread| thread.join());
    let summary = stage.profile_summary(watcher);
    assert_eq!((summary.live_bytes, summary.lost_samples, summary.lost_frees), (0, 0, 0));
    stage.finish();
}

#[test]
fn sampled_blocks_come_and_go_between_threads() {
    check(SCHEDULES, samplers);
}

fn block_in(stage: &Stage, actor: Actor, heap: HeapRef, bytes: usize) -> Block {
    Block::filled(stage.allocate_in(actor, heap, bytes).expect("there is memory"), bytes)
}

/// Samples in the heap, hands one block out, leaves others, and says when it is done.
fn sampling_in(stage: &Stage, heap: HeapRef, shelf: &Shelf<Block>, done: &Shelf<()>) -> Running<()> {
    let (stage, shelf, done) = (stage.clone(), shelf.clone(), done.clone());
    start(move |actor| {
        for bytes in BYTES {
            shelf.put(block_in(&stage, actor, heap, bytes));
            block_in(&stage, actor, heap, bytes).free(&stage, actor);
            let _ = block_in(&stage, actor, heap, bytes);
        }
        done.put(());
        stage.leave(actor);
    })
}

pub(crate) fn heaps_with_samples() {
    let (stage, watcher) = (Stage::new(), Actor::new());
    assert!(stage.set_profile_interval(watcher, 1));
    let heap = stage.create_heap(watcher, &HeapOptions::default()).expect("there is memory");
    let (shelf, done) = (Shelf::new(), Shelf::new());
    let threads = [sampling_in(&stage, heap, &shelf, &done), trimming(&stage)];
    BYTES.iter().for_each(|_| shelf.take().free(&stage, watcher));
    done.take();
    // SAFETY: the thread that used the heap has said that it is done.
    unsafe { stage.destroy_heap(watcher, heap, HeapMemory::Retained) }.expect("it is a heap");
    // A trim that met a heap finds it gone, or another one in its place.
    for memory in [HeapMemory::Retained, HeapMemory::Released] {
        let next = stage.create_heap(watcher, &HeapOptions::default()).expect("there is memory");
        block_in(&stage, watcher, next, BYTES[0]).free(&stage, watcher);
        // SAFETY: no block of it is used any more.
        unsafe { stage.destroy_heap(watcher, next, memory) }.expect("it is a heap");
    }
    threads.into_iter().for_each(|thread| thread.join());
    let summary = stage.profile_summary(watcher);
    assert_eq!((summary.live_bytes, summary.lost_samples, summary.lost_frees), (0, 0, 0));
    stage.leave(watcher);
    stage.finish();
}

#[test]
fn a_heap_ends_with_its_samples_beside_a_trim() {
    check(SCHEDULES, heaps_with_samples);
}
