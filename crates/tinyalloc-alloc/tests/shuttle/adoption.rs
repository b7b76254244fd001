//! Spans and heaps of threads that end, while others free into them, take them over, and refill
//! from them.

use crate::stage::{Block, Running, Shelf, Stage, check, objection, start};
use crate::watch::{Access, Lost};

/// Large enough that a span has few slots, and several of them are in play.
const SLOT_BYTES: usize = 2048;
const SCHEDULES: usize = 2500;
const BLOCKS: usize = 10;

/// Allocates, and ends once the others have heaps of their own: what it leaves is taken over span
/// by span. Half of it they are to free.
fn ending(stage: &Stage, shelf: &Shelf<Block>, ready: &Shelf<()>) -> Running<()> {
    let (stage, shelf, ready) = (stage.clone(), shelf.clone(), ready.clone());
    start(move |actor| {
        let blocks: Vec<_> = (0..BLOCKS).map(|_| stage.block(actor, SLOT_BYTES)).collect();
        (0..3).for_each(|_| ready.take());
        for (index, block) in blocks.into_iter().enumerate() {
            if index % 2 == 0 { block.free(&stage, actor) } else { shelf.put(block) }
        }
        stage.leave(actor);
    })
}

/// Frees what the other one has left.
fn freeing(stage: &Stage, shelf: &Shelf<Block>, ready: &Shelf<()>) -> Running<()> {
    let (stage, shelf, ready) = (stage.clone(), shelf.clone(), ready.clone());
    start(move |actor| {
        ready.put(());
        (0..BLOCKS / 2).for_each(|_| shelf.take().free(&stage, actor));
        stage.leave(actor);
    })
}

/// Allocates the same size.
fn adopting(stage: &Stage, ready: &Shelf<()>) -> Running<()> {
    let (stage, ready) = (stage.clone(), ready.clone());
    start(move |actor| {
        let small = stage.block(actor, 16);
        ready.put(());
        let blocks: Vec<_> = (0..BLOCKS).map(|_| stage.block(actor, SLOT_BYTES)).collect();
        blocks.into_iter().for_each(|block| block.free(&stage, actor));
        small.free(&stage, actor);
        stage.leave(actor);
    })
}

pub(crate) fn adoption() {
    let stage = Stage::new();
    let (shelf, ready) = (Shelf::new(), Shelf::new());
    let (leaves, frees) = (ending(&stage, &shelf, &ready), freeing(&stage, &shelf, &ready));
    [leaves, frees, adopting(&stage, &ready), adopting(&stage, &ready)].into_iter().for_each(|thread| thread.join());
    stage.finish();
}

#[test]
fn what_a_thread_leaves_is_taken_over_once() {
    check(SCHEDULES, adoption);
}

/// "race: lock.rs (take a lock) overwrites what pool.rs (move a heap to the end of the pool) wrote"
#[test]
fn taking_a_lock_must_acquire() {
    assert!(objection("lock.rs", Access::CompareExchange, Lost::Acquire, adoption).contains("race"));
}

/// "race: lock.rs (take a lock) overwrites what pool.rs (move a heap to the end of the pool) wrote"
#[test]
fn giving_a_lock_back_must_release() {
    assert!(objection("lock.rs", Access::Store, Lost::Release, adoption).contains("race"));
}

/// "race: lock.rs (use what it protects) overwrites what lock.rs (the same) wrote"
#[test]
fn a_lock_must_keep_others_out() {
    assert!(objection("lock.rs", Access::CompareExchange, Lost::Comparison, adoption).contains("race"));
}

/// "race: slot.rs (look at the signature) reads what slot.rs (sign) wrote": by a thread that took
/// the span over.
#[test]
fn taking_remote_frees_must_acquire() {
    assert!(objection("remote.rs", Access::Swap, Lost::Acquire, adoption).contains("race"));
}

/// "race: slot.rs (look at the signature) reads what slot.rs (sign) wrote": by a thread that took
/// the span over.
#[test]
fn freeing_remotely_must_release() {
    assert!(objection("remote.rs", Access::CompareExchange, Lost::Release, adoption).contains("race"));
}
