//! Large blocks that threads keep: they take them again, trims take them away, other threads
//! free them, and threads end.

use crate::common::Actor;
use crate::config::tunables::PurgeMode;
use crate::stage::{Block, Running, Shelf, Stage, check, objection, start};
use crate::watch::{Access, Lost};

const BLOCK_BYTES: usize = 40_000;
const SCHEDULES: usize = 3000;
const BLOCKS: usize = 6;

/// Blocks of its own, one after the other; then some for the other one.
fn keeping(stage: &Stage, shelf: &Shelf<Block>) -> Running<()> {
    let (stage, shelf) = (stage.clone(), shelf.clone());
    start(move |actor| {
        for _ in 0..BLOCKS {
            let (first, second) = (stage.block(actor, BLOCK_BYTES), stage.block(actor, BLOCK_BYTES));
            first.free(&stage, actor);
            second.free(&stage, actor);
        }
        (0..4).for_each(|_| shelf.put(stage.block(actor, BLOCK_BYTES)));
        stage.leave(actor);
    })
}

fn consuming(stage: &Stage, shelf: &Shelf<Block>) -> Running<()> {
    let (stage, shelf) = (stage.clone(), shelf.clone());
    start(move |actor| {
        for _ in 0..4 {
            shelf.take().free(&stage, actor);
            stage.block(actor, BLOCK_BYTES).free(&stage, actor);
        }
        stage.leave(actor);
    })
}

fn trimming(stage: &Stage) -> Running<()> {
    let stage = stage.clone();
    start(move |actor| {
        for _ in 0..4 {
            stage.purge_all(actor);
            stage.block(actor, BLOCK_BYTES).free(&stage, actor);
        }
        stage.leave(actor);
    })
}

pub(crate) fn keepers() {
    let stage = Stage::new();
    // Without traps, blocks are kept from the second on.
    assert!(stage.tune(Actor::new(), |tunables| tunables.purge_mode = PurgeMode::Never));
    let shelf = Shelf::new();
    let threads = [keeping(&stage, &shelf), consuming(&stage, &shelf), trimming(&stage)];
    threads.into_iter().for_each(|thread| thread.join());
    stage.finish();
}

#[test]
fn a_trim_takes_what_a_thread_keeps_or_the_thread_does() {
    check(SCHEDULES, keepers);
}

/// The one who takes a block away writes to it.
#[test]
fn who_keeps_a_block_must_release_it() {
    assert!(objection("kept_blocks.rs", Access::CompareExchange, Lost::Release, keepers).contains("race"));
}

#[test]
fn who_takes_a_kept_block_must_acquire() {
    assert!(objection("kept_blocks.rs", Access::CompareExchange, Lost::Acquire, keepers).contains("race"));
}
