//! Free memory that is returned to the system while others want it.

use crate::common::Actor;
use crate::stage::{Block, Running, Stage, check, objection, start};
use crate::watch::{Access, Lost};

const SCHEDULES: usize = 3000;
const EPOCH_MILLISECONDS: u64 = 500;

/// Takes and returns what the others want as well: small, large and larger.
fn working(stage: &Stage, rounds: usize) -> Running<()> {
    let stage = stage.clone();
    start(move |actor| {
        for round in 0..rounds {
            let blocks = [30_000, 600 + round * 1000, 100_000, 1_200_000].map(|bytes| stage.block(actor, bytes));
            blocks.into_iter().for_each(|block| block.free(&stage, actor));
        }
        stage.leave(actor);
    })
}

/// What free memory is there goes back: all at once, what is old, and all again.
fn giving_back(stage: &Stage) -> Running<()> {
    let stage = stage.clone();
    start(move |actor| {
        for _ in 0..3 {
            stage.purge_all(actor);
            stage.wait(EPOCH_MILLISECONDS);
            stage.purge_by_time(actor);
        }
        stage.leave(actor);
    })
}

pub(crate) fn purging() {
    let stage = Stage::new();
    stage.mapper().slow_down();
    let threads = [working(&stage, 3), working(&stage, 3), giving_back(&stage)];
    threads.into_iter().for_each(|thread| thread.join());
    stage.finish();
}

#[test]
fn no_thread_takes_memory_that_is_being_decommitted() {
    check(SCHEDULES, purging);
}

/// "race: lock.rs (use what it protects) overwrites what lock.rs (the same) wrote"
#[test]
fn claiming_free_memory_must_keep_others_out() {
    assert!(objection("lock.rs", Access::CompareExchange, Lost::Comparison, purging).contains("race"));
}

/// "race: lock.rs (take a lock) overwrites what pool.rs (move a heap to the end of the pool) wrote"
#[test]
fn what_was_purged_must_be_released() {
    assert!(objection("lock.rs", Access::Store, Lost::Release, purging).contains("race"));
}
