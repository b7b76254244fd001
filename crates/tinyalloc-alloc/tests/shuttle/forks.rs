//! Forks: real ones. Shuttle runs every thread of a model on one thread of the system, so the child
//! of a fork has the whole model in its memory, with every other thread where it was, and no thread
//! to move it on: as after any fork of a process with threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use shuttle::rand::{Rng, thread_rng};

use crate::allocator::heaps::HeapMemory;
use crate::allocator::thread_context::{Mode, ThreadContext};
use crate::common::Actor;
use crate::heap::heap_record::{HeapOptions, HeapRef};
use crate::stage::{Block, Running, Shelf, Stage, check, objection, start};
use crate::watch::{Access, Lost, be_alone, is_alone, leave_child, on_interrupt};

const SIZES: [usize; 4] = [16, 2048, 40_000, 1_200_000];
/// A mapping of its own.
const HUGE_BYTES: usize = 33 << 20;
const SCHEDULES: usize = 60;
const HOLED_BLOCKS: usize = 40;
const HOLED_SCHEDULES: usize = 400;
/// A child that takes so long hangs.
const CHILD_SECONDS: u32 = 20;

/// What is common to the process that forks and its children.
#[derive(Clone)]
struct Scene {
    stage: Stage,
    shelf: Shelf<Block>,
    heap: HeapRef,
    /// How many threads are in the midst of something.
    amid: Arc<AtomicUsize>,
    /// Whether the last fork interrupted nothing, as a signal handler's may.
    at_rest: Arc<AtomicBool>,
}

impl Scene {
    fn new() -> Scene {
        let stage = Stage::new();
        let actor = Actor::new();
        let heap = stage.create_heap(actor, &HeapOptions::default()).expect("there is memory");
        stage.leave(actor);
        Scene { stage, shelf: Shelf::new(), heap, amid: Arc::default(), at_rest: Arc::default() }
    }

    /// One block after the other changes hands.
    fn step(&self, actor: Actor, bytes: usize) {
        self.amid.fetch_add(1, Ordering::Relaxed);
        let is_pushed = bytes == SIZES[1] && self.stage.push_heap(actor, Some(self.heap));
        self.shelf.put(self.stage.block(actor, bytes));
        if is_pushed {
            assert!(self.stage.pop_heap(actor));
        }
        let own = Block::filled(self.stage.allocate_in(actor, self.heap, bytes).expect("there is memory"), bytes);
        if let Some(block) = self.shelf.try_take() {
            block.free(&self.stage, actor);
        }
        own.free(&self.stage, actor);
        if bytes == SIZES[2] {
            self.stage.purge_all(actor);
        }
        self.amid.fetch_sub(1, Ordering::Relaxed);
    }

    /// As the handlers of a program do.
    fn fork(&self, actor: Actor) {
        self.stage.prepare_fork(actor);
        let is_at_rest = self.stage.space().is_held_for_fork_by(actor.id()) && actor.mode() != Mode::InSlowPath;
        self.at_rest.store(is_at_rest, Ordering::Relaxed);
        // SAFETY: the child does nothing but what the model says.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "the system allows another process");
        if child == 0 {
            be_alone();
            // SAFETY: no thread relies on the alarm.
            unsafe { libc::alarm(CHILD_SECONDS) };
            return self.stage.resume_child(actor);
        }
        self.stage.resume_parent(actor);
        let mut status = 0;
        // SAFETY: it is our child.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child lives and ends well");
    }

    /// The child uses everything, and ends.
    fn live_alone(&self, actor: Actor) -> ! {
        let was_quiet = self.amid.load(Ordering::Relaxed) == 0;
        let life = catch_unwind(AssertUnwindSafe(|| {
            SIZES.iter().chain(&SIZES).for_each(|bytes| self.step(actor, *bytes));
            while let Some(block) = self.shelf.try_take() {
                block.free(&self.stage, actor);
            }
            // SAFETY: no other thread is left to use it.
            let destroyed = unsafe { self.stage.destroy_heap(actor, self.heap, HeapMemory::Released) };
            // Only after a fork that interrupted nothing it was counted anew who is in which heap.
            assert!(destroyed.is_ok() || !self.at_rest.load(Ordering::Relaxed), "no thread is in the heap");
            self.stage.purge_all(actor);
            self.stage.leave(actor);
            if was_quiet {
                self.stage.check_invariants(Actor::new()).expect("every invariant holds");
            }
        }));
        if let Err(reason) = life {
            let text = reason.downcast_ref::<String>().map(String::as_str).or_else(|| reason.downcast_ref::<&str>().copied());
            leave_child(text.unwrap_or("the child of a fork fails"));
        }
        // SAFETY: the child ends here, without what the harness would do at the end.
        unsafe { libc::_exit(0) }
    }
}

fn working(scene: &Scene) -> Running<()> {
    let scene = scene.clone();
    start(move |actor| {
        SIZES.iter().for_each(|bytes| scene.step(actor, *bytes));
        scene.amid.fetch_add(1, Ordering::Relaxed);
        scene.stage.leave(actor);
        scene.amid.fetch_sub(1, Ordering::Relaxed);
    })
}

fn forking(scene: &Scene) -> Running<()> {
    let scene = scene.clone();
    start(move |actor| {
        for bytes in [SIZES[1], SIZES[2]] {
            scene.fork(actor);
            if is_alone() {
                scene.live_alone(actor);
            }
            scene.step(actor, bytes);
        }
        scene.stage.leave(actor);
    })
}

fn finish(scene: &Scene) {
    let actor = Actor::new();
    while let Some(block) = scene.shelf.try_take() {
        block.free(&scene.stage, actor);
    }
    // SAFETY: no thread uses it any more.
    unsafe { scene.stage.destroy_heap(actor, scene.heap, HeapMemory::Retained) }.expect("no thread is in it");
    scene.stage.leave(actor);
    scene.stage.finish();
}

pub(crate) fn forks() {
    let scene = Scene::new();
    let threads = [working(&scene), working(&scene), forking(&scene)];
    threads.into_iter().for_each(|thread| thread.join());
    finish(&scene);
}

/// A signal handler allocates and frees, wherever it interrupts its thread.
fn interrupted(scene: &Scene, handler: fn(&Scene, Actor)) -> Running<()> {
    let scene = scene.clone();
    start(move |actor| {
        let scene_of_handler = scene.clone();
        on_interrupt(Some(Box::new(move || handler(&scene_of_handler, actor))));
        SIZES.iter().for_each(|bytes| {
            scene.step(actor, *bytes);
            if is_alone() {
                scene.live_alone(actor);
            }
        });
        on_interrupt(None);
        scene.amid.fetch_add(1, Ordering::Relaxed);
        scene.stage.leave(actor);
        scene.amid.fetch_sub(1, Ordering::Relaxed);
    })
}

fn allocate_and_free(scene: &Scene, actor: Actor) {
    let bytes = SIZES[thread_rng().gen_range(0..3)];
    if let Some(start) = scene.stage.allocate(actor, bytes) {
        Block::filled(start, bytes).free(&scene.stage, actor);
    }
}

pub(crate) fn interruptions() {
    let scene = Scene::new();
    let threads = [interrupted(&scene, allocate_and_free), interrupted(&scene, allocate_and_free), forking(&scene)];
    threads.into_iter().for_each(|thread| thread.join());
    finish(&scene);
}

pub(crate) fn interrupting_forks() {
    let scene = Scene::new();
    let threads = [working(&scene), interrupted(&scene, Scene::fork)];
    threads.into_iter().for_each(|thread| thread.join());
    finish(&scene);
}

/// Holes while another thread forks: the child could not use a heap that is being dug.
pub(crate) fn forks_beside_holes() {
    let scene = Scene::new();
    let (digging, begun) = (scene.clone(), Shelf::new());
    let begins = begun.clone();
    let digs = start(move |actor| {
        let blocks: Vec<Block> = (0..HOLED_BLOCKS).map(|_| digging.stage.block(actor, SIZES[1])).collect();
        let (kept, gone): (Vec<_>, Vec<_>) = blocks.into_iter().enumerate().partition(|(index, _)| index % 8 == 0);
        gone.into_iter().for_each(|(_, block)| block.free(&digging.stage, actor));
        begins.put(());
        digging.stage.purge_all(actor);
        kept.into_iter().for_each(|(_, block)| block.free(&digging.stage, actor));
        digging.stage.leave(actor);
    });
    let actor = Actor::new();
    begun.take();
    (0..3).for_each(|_| {
        scene.stage.prepare_fork(actor);
        assert_eq!(scene.stage.mapper().decommits(), 0, "no thread is half-way through a decommit");
        scene.stage.resume_parent(actor);
    });
    digs.join();
    scene.stage.leave(actor);
    finish(&scene);
}

#[test]
fn no_fork_comes_while_a_heap_is_dug_for_holes() {
    check(HOLED_SCHEDULES, forks_beside_holes);
}

/// Between its handlers, a fork waits for a lock of the C library's. The thread that has that one
/// allocates and frees everything meanwhile, without the mapper's lock, which the fork has, too.
pub(crate) fn forks_that_wait() {
    let scene = Scene::new();
    let (locked, sizes) = (Shelf::new(), SIZES.into_iter().chain([HUGE_BYTES]));
    let (with_lock, locked_by_it) = (scene.clone(), locked.clone());
    let working = start(move |actor| {
        let new = |bytes| with_lock.stage.block(actor, bytes);
        let mut blocks: Vec<Block> = sizes.clone().map(new).collect();
        locked_by_it.put(());
        for _ in 0..2 {
            blocks.extend(sizes.clone().map(new));
            blocks.drain(..SIZES.len() + 1).for_each(|block| block.free(&with_lock.stage, actor));
        }
        locked_by_it.put(());
        blocks.into_iter().for_each(|block| block.free(&with_lock.stage, actor));
        with_lock.stage.leave(actor);
    });
    let actor = Actor::new();
    locked.take();
    scene.stage.prepare_fork(actor);
    scene.stage.mapper().hold(true);
    locked.take();
    scene.stage.mapper().hold(false);
    scene.stage.resume_parent(actor);
    working.join();
    scene.stage.leave(actor);
    finish(&scene);
}

#[test]
fn a_fork_that_waits_keeps_no_thread_waiting() {
    check(SCHEDULES, forks_that_wait);
}

#[test]
fn the_child_of_a_fork_goes_on_alone() {
    check(SCHEDULES, forks);
}

#[test]
fn a_signal_handler_may_interrupt_the_holder_of_a_lock() {
    check(SCHEDULES, interruptions);
}

#[test]
fn a_signal_handler_may_fork_while_it_interrupts_the_allocator() {
    check(SCHEDULES, interrupting_forks);
}

/// "race: lock.rs (use what it protects) overwrites what lock.rs (the same) wrote": who forks finds
/// a thread inside. Or its child finds what a thread left half done.
#[test]
fn who_forks_must_keep_others_out() {
    let said = objection("lock.rs", Access::CompareExchange, Lost::Comparison, forks);
    assert!(said.contains("race") || said.contains("the child lives"), "{said}");
}
