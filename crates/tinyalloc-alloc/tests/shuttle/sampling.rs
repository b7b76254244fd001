//! Sampled blocks: threads that sample each of theirs, and free what the other one sampled, beside
//! a trim.

use crate::common::Actor;
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
