//! Trims that reach into the heaps of live threads, while those allocate, free, end and are freed
//! for.

use crate::stage::{Block, Running, Shelf, Stage, check, objection, start};
use crate::watch::{Access, Lost};

/// Large enough that a span has few slots, and several of them are in play.
const SLOT_BYTES: usize = 2048;
const SCHEDULES: usize = 3000;
const BLOCKS: usize = 20;

/// Fills spans, leaves all of them to the other one, and goes on with blocks of its own.
fn producing(stage: &Stage, shelf: &Shelf<Block>) -> Running<()> {
    let (stage, shelf) = (stage.clone(), shelf.clone());
    start(move |actor| {
        (0..BLOCKS).for_each(|_| shelf.put(stage.block(actor, SLOT_BYTES)));
        for round in 0..3 {
            let blocks: Vec<_> = (0..4).map(|number| stage.block(actor, 1000 + number * round * 500)).collect();
            blocks.into_iter().for_each(|block| block.free(&stage, actor));
        }
        stage.leave(actor);
    })
}

fn consuming(stage: &Stage, shelf: &Shelf<Block>) -> Running<()> {
    let (stage, shelf) = (stage.clone(), shelf.clone());
    start(move |actor| {
        (0..BLOCKS).for_each(|_| shelf.take().free(&stage, actor));
        stage.leave(actor);
    })
}

fn trimming(stage: &Stage) -> Running<()> {
    let stage = stage.clone();
    start(move |actor| {
        for _ in 0..3 {
            stage.purge_all(actor);
            let block = stage.block(actor, SLOT_BYTES);
            block.free(&stage, actor);
        }
        stage.leave(actor);
    })
}

pub(crate) fn trims() {
    let stage = Stage::new();
    let shelf = Shelf::new();
    let threads = [producing(&stage, &shelf), consuming(&stage, &shelf), trimming(&stage)];
    threads.into_iter().for_each(|thread| thread.join());
    stage.finish();
}

#[test]
fn a_trim_takes_from_live_heaps_what_no_thread_has_a_slot_of() {
    check(SCHEDULES, trims);
}

/// Some schedule has the trim take a span of a live heap: otherwise the model shows nothing.
#[test]
fn the_trim_leaves_the_heap_with_a_release() {
    assert!(objection("state.rs", Access::Store, Lost::Release, trims).contains("race"));
}

#[test]
fn who_enters_a_heap_must_acquire() {
    assert!(objection("state.rs", Access::CompareExchange, Lost::Acquire, trims).contains("race"));
}
