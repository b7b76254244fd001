//! Isolated heaps that are destroyed or emptied, while threads that used them end, and others
//! return all they can find.

use crate::allocator::heaps::{HeapError, HeapMemory};
use crate::common::{Actor, MIB};
use crate::heap::heap_record::{HeapOptions, HeapRef};
use crate::stage::{Block, Running, Shelf, Stage, check, objection, start};
use crate::watch::{Access, Lost, yield_now};

const SLOT_BYTES: usize = 2048;
const LARGE_BYTES: usize = 40_000;
/// More than a region commits ahead: no free run is as long but the one of an ended block.
const LONG_BYTES: usize = 6 * MIB;
const SCHEDULES: usize = 1500;

fn block_in(stage: &Stage, actor: Actor, heap: HeapRef, bytes: usize) -> Block {
    Block::filled(stage.allocate_in(actor, heap, bytes).expect("there is memory"), bytes)
}

fn create(stage: &Stage, actor: Actor) -> HeapRef {
    stage.create_heap(actor, &HeapOptions::default()).expect("there is memory")
}

fn destroy(stage: &Stage, actor: Actor, heap: HeapRef, memory: HeapMemory) -> Result<(), HeapError> {
    // SAFETY: the thread that used the heap has said that it is done.
    unsafe { stage.destroy_heap(actor, heap, memory) }
}

/// A heap like any other: what was destroyed before does not matter.
fn use_new_heap(stage: &Stage, actor: Actor) {
    let heap = create(stage, actor);
    let blocks = [SLOT_BYTES, LARGE_BYTES, SLOT_BYTES].map(|bytes| block_in(stage, actor, heap, bytes));
    blocks.into_iter().for_each(|block| block.free(stage, actor));
    destroy(stage, actor, heap, HeapMemory::Retained).expect("it is a heap");
}

/// Allocates in the heap, hands out half of it, says when it is done, and ends.
fn allocating(stage: &Stage, heap: HeapRef, shelf: &Shelf<Block>, done: &Shelf<()>) -> Running<()> {
    let (stage, shelf, done) = (stage.clone(), shelf.clone(), done.clone());
    start(move |actor| {
        for bytes in [SLOT_BYTES, LARGE_BYTES] {
            shelf.put(block_in(&stage, actor, heap, bytes));
            block_in(&stage, actor, heap, bytes).free(&stage, actor);
        }
        // Never freed.
        let _ = block_in(&stage, actor, heap, SLOT_BYTES);
        done.put(());
        stage.leave(actor);
    })
}

/// Frees what the other thread allocated, allocates as well, says when it is done, and ends.
fn freeing(stage: &Stage, heap: HeapRef, shelf: &Shelf<Block>, done: &Shelf<()>) -> Running<()> {
    let (stage, shelf, done) = (stage.clone(), shelf.clone(), done.clone());
    start(move |actor| {
        shelf.take().free(&stage, actor);
        let own = block_in(&stage, actor, heap, SLOT_BYTES);
        shelf.take().free(&stage, actor);
        own.free(&stage, actor);
        done.put(());
        stage.leave(actor);
    })
}

fn purging(stage: &Stage) -> Running<()> {
    let stage = stage.clone();
    start(move |actor| {
        for _ in 0..3 {
            stage.purge_all(actor);
        }
        stage.leave(actor);
    })
}

fn users(stage: &Stage, heap: HeapRef) -> [Running<()>; 3] {
    let (shelf, done) = (Shelf::new(), Shelf::new());
    let threads = [allocating(stage, heap, &shelf, &done), freeing(stage, heap, &shelf, &done), purging(stage)];
    (0..2).for_each(|_| done.take());
    threads
}

fn destruction_of(memory: HeapMemory) {
    let stage = Stage::new();
    let actor = Actor::new();
    let heap = create(&stage, actor);
    let threads = users(&stage, heap);
    destroy(&stage, actor, heap, memory).expect("it is a heap");
    use_new_heap(&stage, actor);
    threads.into_iter().for_each(|thread| thread.join());
    assert!(!stage.is_heap(actor, heap));
    stage.leave(actor);
    stage.finish();
}

pub(crate) fn destruction() {
    destruction_of(HeapMemory::Released);
    destruction_of(HeapMemory::Retained);
}

pub(crate) fn reset() {
    let stage = Stage::new();
    let actor = Actor::new();
    let heap = create(&stage, actor);
    let threads = users(&stage, heap);
    for memory in [HeapMemory::Retained, HeapMemory::Released] {
        // SAFETY: the thread that used the heap has said that it is done.
        unsafe { stage.reset_heap(actor, heap, memory) }.expect("it is a heap");
        assert_eq!(stage.heap_limit(heap).1, 0);
        block_in(&stage, actor, heap, SLOT_BYTES).free(&stage, actor);
    }
    threads.into_iter().for_each(|thread| thread.join());
    destroy(&stage, actor, heap, HeapMemory::Released).expect("it is a heap");
    stage.leave(actor);
    stage.finish();
}

/// A heap is destroyed as soon as no thread is in it.
pub(crate) fn leaving() {
    let stage = Stage::new();
    let actor = Actor::new();
    let heap = create(&stage, actor);
    let pushed = Shelf::new();
    let threads = [0, 1].map(|_| {
        let (stage, pushed) = (stage.clone(), pushed.clone());
        start(move |actor| {
            assert!(stage.push_heap(actor, Some(heap)));
            pushed.put(());
            let block = stage.block(actor, SLOT_BYTES);
            block.free(&stage, actor);
            assert!(stage.pop_heap(actor));
            stage.block(actor, SLOT_BYTES).free(&stage, actor);
            stage.leave(actor);
        })
    });
    (0..2).for_each(|_| pushed.take());
    while destroy(&stage, actor, heap, HeapMemory::Released) == Err(HeapError::InUse) {
        yield_now();
    }
    use_new_heap(&stage, actor);
    threads.into_iter().for_each(|thread| thread.join());
    stage.leave(actor);
    stage.finish();
}

/// The memory of a destroyed heap is taken by a thread that waits for it.
pub(crate) fn reuse() {
    let stage = Stage::new();
    let actor = Actor::new();
    let heap = create(&stage, actor);
    // Never freed.
    let _ = block_in(&stage, actor, heap, LONG_BYTES);
    stage.mapper().slow_down();
    let taking = {
        let stage = stage.clone();
        start(move |actor| {
            for _ in 0..3 {
                stage.block(actor, LONG_BYTES).free(&stage, actor);
            }
            stage.leave(actor);
        })
    };
    destroy(&stage, actor, heap, HeapMemory::Released).expect("it is a heap");
    taking.join();
    stage.leave(actor);
    stage.finish();
}

#[test]
fn the_memory_of_a_destroyed_heap_is_trapped_before_others_take_it() {
    check(SCHEDULES, reuse);
}

#[test]
fn a_heap_is_destroyed_while_its_threads_end_and_others_purge() {
    check(SCHEDULES, destruction);
}

#[test]
fn a_heap_is_emptied_while_its_threads_end_and_others_purge() {
    check(SCHEDULES, reset);
}

#[test]
fn a_heap_is_destroyed_as_soon_as_no_thread_is_in_it() {
    check(SCHEDULES, leaving);
}

/// "race: the test (fill a block) overwrites what slot.rs (unsign) wrote": in the
/// memory of the heap that was destroyed.
#[test]
fn leaving_a_heap_must_release() {
    assert!(objection("attach.rs", Access::CompareExchange, Lost::Release, leaving).contains("race"));
}

/// "race: the test (fill a block) overwrites what slot.rs (unsign) wrote": in the
/// memory of the heap that was destroyed.
#[test]
fn the_look_whether_anybody_is_in_a_heap_must_acquire() {
    assert!(objection("heaps.rs", Access::Load, Lost::Acquire, leaving).contains("race"));
}

/// "race: lock.rs (use what it protects) overwrites what lock.rs (the same) wrote"
#[test]
fn destroying_a_heap_must_keep_others_out() {
    assert!(objection("lock.rs", Access::CompareExchange, Lost::Comparison, destruction).contains("race"));
}
