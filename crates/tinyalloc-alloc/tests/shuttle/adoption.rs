//! Spans and heaps of threads that end, while others free into them, take them over, and refill
//! from them.

use crate::common::Actor;
use crate::stage::{Block, Running, Shelf, Stage, check, objection, start};
use crate::watch::{Access, Lost};

/// Large enough that a span has few slots, and several of them are in play.
const SLOT_BYTES: usize = 2048;
const SCHEDULES: usize = 2500;
const BLOCKS: usize = 10;
/// As many classes, and as many threads that take their spans.
const SIZES: [usize; 3] = [2048, 1024, 512];
const HANDED_ROUNDS: usize = 10;
const HANDED_SCHEDULES: usize = 400;

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

/// Takes a slot of each size, first of the one that is its own to begin with.
fn taking(stage: &Stage, first: usize) -> Running<()> {
    let stage = stage.clone();
    start(move |actor| {
        let small = stage.block(actor, 16);
        let sizes = SIZES.into_iter().cycle().skip(first).take(SIZES.len());
        let blocks: Vec<_> = sizes.map(|bytes| stage.block(actor, bytes)).collect();
        blocks.into_iter().for_each(|block| block.free(&stage, actor));
        small.free(&stage, actor);
        stage.leave(actor);
    })
}

/// Frees what the thread that ended has left.
fn returning(stage: &Stage, blocks: Vec<Block>) -> Running<()> {
    let stage = stage.clone();
    start(move |actor| {
        blocks.into_iter().for_each(|block| block.free(&stage, actor));
        stage.leave(actor);
    })
}

/// One thread takes a span of a pooled heap, a second one collects what was freed into that heap,
/// and a third one frees into the very span that changes hands: often enough that all three do so
/// at once.
pub(crate) fn handing_over() {
    let stage = Stage::new();
    let actors = [(); SIZES.len() + 1].map(|()| Actor::new());
    let small = actors.map(|actor| stage.block(actor, 16));
    let mut blocks: Vec<_> = (0..HANDED_ROUNDS).flat_map(|_| SIZES).map(|bytes| stage.block(actors[0], bytes)).collect();
    small.into_iter().zip(actors).for_each(|(block, actor)| block.free(&stage, actor));
    // The heap that has the spans is the last one in the pool. The others are for the threads that
    // take them: were there none, one thread would take it over as it is.
    actors.into_iter().for_each(|actor| stage.leave(actor));
    let later = blocks.split_off(blocks.len() / 2);
    let returning = [blocks, later].map(|blocks| returning(&stage, blocks));
    let taking = [0, 1, 2].map(|first| taking(&stage, first));
    returning.into_iter().chain(taking).for_each(|thread| thread.join());
    stage.finish();
}

#[test]
fn what_a_thread_leaves_is_taken_over_once() {
    check(SCHEDULES, adoption);
}

#[test]
fn a_span_that_changes_hands_is_the_takers_at_once() {
    check(HANDED_SCHEDULES, handing_over);
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
