//! A signal handler that interrupts the allocator at any system call, and allocates and frees
//! itself.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small")]

mod common;

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use common::model::Random;
use common::{Actor, LimitedMapper, MIB, Shared, World, WorldMapper};
use tinyalloc_alloc::ThreadContext;
use tinyalloc_alloc::{Allocator, Mode};
use tinyalloc_sys::{MapError, Mapper, Protection};

/// A mapper whose every call is interrupted, before and after.
struct Interrupted(LimitedMapper);

thread_local! {
    static HANDLER: Cell<Option<fn()>> = const { Cell::new(None) };
    static SCENE: RefCell<Option<Scene>> = const { RefCell::new(None) };
}

fn interrupt() {
    // A handler is not interrupted by itself.
    if let Some(handler) = HANDLER.take() {
        handler();
        HANDLER.set(Some(handler));
    }
}

impl Interrupted {
    fn call<R>(&self, call: impl FnOnce(&LimitedMapper) -> R) -> R {
        interrupt();
        let result = call(&self.0);
        interrupt();
        result
    }
}

impl WorldMapper for Interrupted {
    fn over(limited: LimitedMapper) -> Self {
        Interrupted(limited)
    }

    fn limited(&self) -> &LimitedMapper {
        &self.0
    }
}

// SAFETY: as the mapper inside.
unsafe impl Mapper for Interrupted {
    const RECOMMITS: bool = LimitedMapper::RECOMMITS;
    const REMAPS: bool = LimitedMapper::REMAPS;

    fn page_bytes(&self) -> usize {
        self.0.page_bytes()
    }

    fn address_space_bytes(&self) -> usize {
        self.0.address_space_bytes()
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.call(|inner| inner.reserve(bytes, align))
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.call(|inner| inner.map(bytes, align))
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        self.call(|inner| unsafe { inner.commit(start, bytes) })
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        self.call(|inner| unsafe { inner.decommit(start, bytes) })
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        self.call(|inner| unsafe { inner.protect(start, bytes, protection) })
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        self.call(|inner| unsafe { inner.release(start, bytes) })
    }

    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        // SAFETY: the caller's promise.
        self.call(|inner| unsafe { inner.remap(start, bytes, new_bytes) })
    }

    fn now_milliseconds(&self) -> u64 {
        self.0.now_milliseconds()
    }

    fn random(&self) -> u64 {
        self.0.random()
    }
}

#[derive(Clone, Copy)]
struct Block {
    start: NonNull<u8>,
    bytes: usize,
    tag: u8,
}

/// What the program and its handler share.
struct Scene {
    allocator: &'static Allocator<Shared<Interrupted>>,
    actor: Actor,
    random: Random,
    /// Blocks that anyone may free, each with what is in it.
    blocks: Vec<Block>,
    handled: usize,
    refused: usize,
}

/// The scene is never borrowed while the allocator runs: its calls may be interrupted.
fn scene<R>(look: impl FnOnce(&mut Scene) -> R) -> R {
    SCENE.with_borrow_mut(|scene| look(scene.as_mut().unwrap()))
}

fn allocate(bytes: usize) -> bool {
    let (allocator, actor) = scene(|scene| (scene.allocator, scene.actor));
    let start = if bytes % 3 == 0 { allocator.allocate_zeroed(actor, bytes) } else { allocator.allocate(actor, bytes) };
    assert_eq!(actor.misuses(), []);
    let Some(start) = start else {
        return false;
    };
    assert!(allocator.usable_bytes(actor, start).unwrap() >= bytes);
    scene(|scene| {
        let tag = (scene.blocks.len() + bytes) as u8;
        // SAFETY: the block is live and that large.
        unsafe { start.as_ptr().write_bytes(tag, bytes) };
        scene.blocks.push(Block { start, bytes, tag });
    });
    true
}

fn free_one() {
    let taken = scene(|scene| {
        let count = scene.blocks.len();
        (count > 0).then(|| scene.random.below(count.max(1))).map(|index| scene.blocks.swap_remove(index))
    });
    let Some(block) = taken else {
        return;
    };
    // SAFETY: the block is live and that large.
    let bytes = unsafe { std::slice::from_raw_parts(block.start.as_ptr(), block.bytes) };
    assert!(bytes.iter().all(|byte| *byte == block.tag), "a block keeps its contents");
    let (allocator, actor) = scene(|scene| (scene.allocator, scene.actor));
    // SAFETY: no thread uses the block any more.
    unsafe { allocator.free(actor, block.start.as_ptr()) };
    assert_eq!(actor.misuses(), []);
}

fn handle() {
    let bytes = scene(|scene| {
        scene.handled += 1;
        [scene.random.below(100), scene.random.below(4000), scene.random.below(60_000)]
    });
    for bytes in bytes {
        let served = allocate(bytes);
        scene(|scene| scene.refused += usize::from(!served));
    }
    (0..4).for_each(|_| free_one());
}

fn handle_small() {
    let served = allocate(50);
    scene(|scene| {
        scene.handled += 1;
        scene.refused += usize::from(!served);
    });
}

fn handle_aligned() {
    let (allocator, actor) = scene(|scene| {
        scene.handled += 1;
        (scene.allocator, scene.actor)
    });
    for (bytes, align) in (6..=16).flat_map(|shift| [(1, 1 << shift), (3 << shift, 1 << shift)]) {
        let start = allocator.allocate_aligned(actor, bytes, align).unwrap();
        assert!(start.addr().get() % align == 0, "{start:?} for {bytes} bytes aligned to {align}");
        // SAFETY: no thread uses the block.
        unsafe { allocator.free(actor, start.as_ptr()) };
    }
    assert_eq!(actor.misuses(), []);
}

#[test]
fn what_a_handler_gets_is_aligned_as_it_asked() {
    let world = World::<Interrupted>::new();
    let (allocator, actor) = (world.allocator(), Actor::new());
    SCENE.set(Some(Scene { allocator, actor, random: Random::new(5), blocks: Vec::new(), handled: 0, refused: 0 }));
    HANDLER.set(Some(handle_aligned));
    (0..200).for_each(|step| assert!(allocate(1000 * (step % 30))));
    HANDLER.set(None);
    let handled = scene(|scene| scene.handled);
    assert!(handled > 10, "{handled} calls were interrupted");
    while scene(|scene| !scene.blocks.is_empty()) {
        free_one();
    }
    SCENE.set(None);
}

#[test]
fn a_handler_in_a_thread_that_has_no_heap_yet_is_served() {
    let world = World::<Interrupted>::new();
    let (allocator, actor) = (world.allocator(), Actor::new());
    SCENE.set(Some(Scene { allocator, actor, random: Random::new(7), blocks: Vec::new(), handled: 0, refused: 0 }));
    HANDLER.set(Some(handle_small));
    // A large request needs no heap, but the lock, which the handler then finds taken by its own
    // thread.
    assert!(allocate(300_000));
    HANDLER.set(None);
    let (handled, refused) = scene(|scene| (scene.handled, scene.refused));
    assert!(handled > 2 && refused == 0, "of {handled} handlers {refused} were refused");
    while scene(|scene| !scene.blocks.is_empty()) {
        free_one();
    }
}

#[test]
fn a_handler_that_interrupts_any_system_call_allocates_and_frees() {
    let world = World::<Interrupted>::new();
    let (allocator, actor) = (world.allocator(), Actor::new());
    SCENE.set(Some(Scene { allocator, actor, random: Random::new(99), blocks: Vec::new(), handled: 0, refused: 0 }));
    HANDLER.set(Some(handle));
    for step in 0..3000 {
        let bytes = scene(|scene| scene.random.bytes());
        assert!(allocate(if step % 500 == 0 { 33 * MIB } else { bytes }), "the program itself is served");
        if scene(|scene| scene.blocks.len()) > 300 {
            (0..3).for_each(|_| free_one());
        }
        if step % 200 == 0 {
            allocator.purge_all(actor);
        }
        if step % 50 == 0 {
            allocator.check_invariants(actor).expect("every invariant holds");
        }
    }
    HANDLER.set(None);
    let (handled, refused) = scene(|scene| (scene.handled, scene.refused));
    assert!(handled > 100, "{handled} calls were interrupted");
    assert!(refused * 20 <= handled, "of {handled} handlers {refused} requests were refused");
    assert_eq!(actor.mode(), Mode::Attached);
    while scene(|scene| !scene.blocks.is_empty()) {
        free_one();
    }
    // A large request takes care of what handlers left.
    assert!(allocate(100_000));
    free_one();
    allocator.purge_all(actor);
    allocator.purge_all(actor);
    let survey = allocator.survey(actor).expect("every invariant holds");
    assert_eq!((survey.live_bytes, survey.remote_slots, survey.large_blocks), (0, 0, 0));
    SCENE.set(None);
}
