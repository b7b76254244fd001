//! Real threads: blocks change hands, threads come and go, and every block keeps its contents.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, reason = "tags may wrap")]

mod common;

use std::ptr::NonNull;
use std::sync::Mutex;
use std::thread;

use common::model::Random;
use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_alloc::Allocator;

const THREADS: usize = 4;
const WAVES: usize = 6;
const STEPS: usize = 2500;
const EXCHANGED: usize = 256;

/// A block that may change hands.
struct Parcel {
    start: NonNull<u8>,
    bytes: usize,
    tag: u8,
}

// SAFETY: the thread that has the parcel has the block.
unsafe impl Send for Parcel {}

impl Parcel {
    fn fill(&self) {
        // SAFETY: the block is live and that large.
        unsafe { self.start.as_ptr().write_bytes(self.tag, self.bytes) };
    }

    fn check(&self) {
        // SAFETY: the block is live and that large.
        let bytes = unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) };
        assert!(bytes.iter().all(|byte| *byte == self.tag), "a block keeps its contents");
    }
}

type Shelf = [Mutex<Option<Parcel>>];

fn work<M: tinyalloc_sys::Mapper>(allocator: &Allocator<M>, shelf: &Shelf, seed: usize) {
    let actor = Actor::new();
    let mut random = Random::new(seed as u64);
    for step in 0..STEPS {
        let bytes = random.bytes() / 4;
        let start = match step % 7 {
            0 => allocator.allocate_zeroed(actor, bytes),
            1 => allocator.allocate_aligned(actor, bytes, 1 << random.below(13)),
            _ => allocator.allocate(actor, bytes),
        };
        let mut parcel = Parcel { start: start.expect("there is memory"), bytes, tag: (step + seed) as u8 };
        parcel.fill();
        if step % 5 == 0 {
            let bytes = random.bytes() / 4;
            // SAFETY: the block is live, and only the returned one is used.
            parcel.start = unsafe { allocator.reallocate(actor, parcel.start, bytes) }.expect("there is memory");
            parcel.bytes = parcel.bytes.min(bytes);
            parcel.check();
            parcel.bytes = bytes;
            parcel.fill();
        }
        let before = shelf[random.below(shelf.len())].lock().unwrap().replace(parcel);
        if let Some(parcel) = before {
            parcel.check();
            // SAFETY: the thread that took the parcel gives it up.
            unsafe { allocator.free(actor, parcel.start.as_ptr()) };
        }
        if step % 1000 == 999 {
            allocator.purge_all(actor);
        }
    }
    allocator.detach(actor);
    assert_eq!(actor.misuses(), []);
}

fn run_waves(limits: (usize, usize)) {
    let world = World::<LimitedMapper>::with_limits(limits.0, limits.1);
    let shelf: Vec<_> = (0..EXCHANGED).map(|_| Mutex::new(None)).collect();
    let observer = Actor::new();
    for wave in 0..WAVES {
        let allocator = world.allocator();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let shelf = &shelf;
                scope.spawn(move || work(allocator, shelf, wave * 100 + thread));
            }
        });
        world.wait(500);
        world.check_invariants(observer).expect("every invariant holds");
    }
    assert!(world.stats(observer).heaps <= THREADS + 1, "heaps are taken over");
    for parcel in shelf.iter().filter_map(|place| place.lock().unwrap().take()) {
        parcel.check();
        // SAFETY: no thread uses the block any more.
        unsafe { world.free(observer, parcel.start.as_ptr()) };
    }
    world.purge_all(observer);
    world.purge_all(observer);
    let survey = world.survey(observer).expect("every invariant holds");
    assert_eq!((survey.live_bytes, survey.remote_slots, survey.resident_slices), (0, 0, 0));
    assert_eq!(observer.misuses(), []);
}

#[test]
fn threads_that_exchange_blocks_find_them_as_they_were() {
    run_waves((common::ADDRESS_SPACE_BYTES, usize::MAX));
}

#[test]
fn threads_that_exchange_blocks_across_many_regions_find_them_as_they_were() {
    run_waves((usize::MAX, 4 * MIB));
}

#[test]
fn one_thread_allocates_and_another_frees() {
    let world = World::<LimitedMapper>::new();
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Parcel>(512);
    let allocator = world.allocator();
    thread::scope(|scope| {
        scope.spawn(move || {
            let (actor, mut random) = (Actor::new(), Random::new(7));
            for step in 0..60_000usize {
                let bytes = random.below(400);
                let start = allocator.allocate(actor, bytes).expect("there is memory");
                let parcel = Parcel { start, bytes, tag: step as u8 };
                parcel.fill();
                sender.send(parcel).unwrap();
            }
            allocator.detach(actor);
            assert_eq!(actor.misuses(), []);
        });
        scope.spawn(move || {
            let actor = Actor::new();
            for parcel in receiver {
                parcel.check();
                // SAFETY: the thread that took the parcel gives it up.
                unsafe { allocator.free(actor, parcel.start.as_ptr()) };
            }
            assert_eq!(actor.times_armed(), 0, "a thread that only frees gets no heap");
            assert_eq!(actor.misuses(), []);
        });
    });
    let observer = Actor::new();
    world.purge_all(observer);
    world.purge_all(observer);
    let survey = world.survey(observer).expect("every invariant holds");
    assert_eq!(survey.live_bytes, 0);
    assert!(world.stats(observer).committed < 4 * MIB, "remote frees come back before more is taken");
}
