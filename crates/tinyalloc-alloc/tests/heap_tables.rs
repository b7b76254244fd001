//! Each thread has a part in the heaps that it uses: whose it is, who gets it next, and what it may
//! keep. Tests for mutations that no test noticed.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::multiple_unsafe_ops_per_block, clippy::undocumented_unsafe_blocks, reason = "tests are read as a whole")]

mod common;

use std::alloc::{Layout, alloc_zeroed};
use std::ptr::{NonNull, copy_nonoverlapping};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{
    Bins, Checks, Heap, HeapMemory, HeapName, HeapOptions, HeapRef, HeapTable, Misuse, Mode, ThreadContext, ThreadId,
};
use tinyalloc_sys::{MapError, Mapper, Protection};

type Plain = LimitedMapper;

/// More than a thread stays attached to at a time.
const HEAPS: usize = 129;

fn named(name: &str) -> HeapOptions {
    HeapOptions { name: HeapName::new(name), ..HeapOptions::default() }
}

fn free<M: WorldMapper>(world: &World<M>, actor: Actor, start: NonNull<u8>) {
    // SAFETY: what is freed is not used any more.
    unsafe { world.free(actor, start.as_ptr()) };
}

fn parts(world: &World<Plain>, heap: HeapRef) -> usize {
    world.heap_stats(Actor::new(), heap).unwrap().heaps
}

#[test]
fn a_thread_that_entered_a_heap_has_one_part_in_it_whatever_it_uses_meanwhile() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heaps: Vec<_> = (0..HEAPS).map(|_| world.create_heap(actor, &named("one of many")).unwrap()).collect();
    assert!(world.push_heap(actor, Some(heaps[0])));
    // Takes the place of the entered heap, and that the place of this one.
    world.allocate_in(actor, heaps[HEAPS - 1], 50).unwrap();
    world.allocate_in(actor, heaps[0], 50).unwrap();
    assert!(world.push_heap(actor, None));
    world.allocate_in(actor, heaps[HEAPS - 1], 50).unwrap();
    world.allocate_in(actor, heaps[0], 50).unwrap();
    assert_eq!(parts(&world, heaps[0]), 1);
    world.check_invariants(actor).unwrap();
}

#[test]
fn in_a_child_the_parts_of_threads_that_are_gone_serve_those_that_are_there() {
    let (world, actor, gone, next) = (World::<Plain>::new(), Actor::new(), Actor::new(), Actor::new());
    let [heap, pushed] = ["used", "pushed"].map(|name| world.create_heap(actor, &named(name)).unwrap());
    world.allocate(actor, 64).unwrap();
    world.allocate_in(gone, heap, 64).unwrap();
    assert!(world.push_heap(gone, Some(pushed)));
    let made = world.stats(actor).heaps;
    world.prepare_fork(actor);
    world.resume_child(actor);
    world.allocate_in(actor, heap, 64).unwrap();
    world.allocate(next, 64).unwrap();
    assert_eq!((parts(&world, heap), world.stats(actor).heaps), (1, made), "nothing new was needed");
    // SAFETY: no thread uses the heap or its blocks afterwards.
    assert_eq!(
        unsafe { world.destroy_heap(actor, pushed, HeapMemory::Retained) },
        Ok(()),
        "no thread that is there has it current"
    );
}

#[test]
fn in_a_child_the_parts_of_the_thread_that_forked_stay_its_own() {
    let (world, actor, next) = (World::<Plain>::new(), Actor::new(), Actor::new());
    let heap = world.create_heap(actor, &named("used")).unwrap();
    world.allocate_in(actor, heap, 64).unwrap();
    world.prepare_fork(actor);
    world.resume_child(actor);
    world.allocate_in(next, heap, 64).unwrap();
    assert_eq!(parts(&world, heap), 2);
}

#[test]
fn at_its_limit_a_heap_has_what_threads_that_ended_keep() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &HeapOptions { limit_bytes: MIB / 2, ..named("small") }).unwrap();
    let ended = Actor::new();
    world.allocate_in(actor, heap, 16).unwrap();
    let blocks: Vec<_> = (0..400).map(|_| world.allocate_in(ended, heap, 1024).unwrap()).collect();
    blocks.into_iter().for_each(|block| free(&world, ended, block));
    world.detach(ended);
    assert!(world.heap_limit(heap).1 > MIB / 4, "the part that waits keeps empty spans, and they are charged");
    let mut bytes = 0;
    while world.allocate_in(actor, heap, 256).is_some() {
        bytes += 256;
    }
    assert!(bytes > MIB / 2 - 10_000, "{bytes} of {} bytes could be had", MIB / 2);
    world.check_invariants(actor).unwrap();
}

#[test]
fn what_lies_elsewhere_is_no_heap_though_it_looks_like_one() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("real")).unwrap();
    let layout = Layout::new::<Heap>();
    // SAFETY: the copy is made of a live heap, whose first word says where it lies; it is never
    // used as one.
    let copy = unsafe {
        let copy = alloc_zeroed(layout);
        copy_nonoverlapping(heap.as_ptr().as_ptr().cast::<u8>(), copy, layout.size());
        copy.cast::<*mut u8>().write(copy);
        HeapRef::from_ptr(NonNull::new(copy.cast::<Heap>()).unwrap())
    };
    assert!(world.is_heap(actor, heap));
    assert!(!world.is_heap(actor, copy));
}

/// A thread by another name than its actor's.
#[derive(Clone, Copy)]
struct Renamed(Actor, ThreadId);

// SAFETY: as `Actor`.
unsafe impl ThreadContext for Renamed {
    fn bins(self) -> NonNull<Bins> {
        self.0.bins()
    }
    fn set_bins(self, bins: NonNull<Bins>) {
        self.0.set_bins(bins);
    }
    fn heap_table(self) -> *const HeapTable {
        self.0.heap_table()
    }
    fn set_heap_table(self, heap_table: *const HeapTable) {
        self.0.set_heap_table(heap_table);
    }
    fn mode(self) -> Mode {
        self.0.mode()
    }
    fn set_mode(self, mode: Mode) {
        self.0.set_mode(mode);
    }
    fn id(self) -> ThreadId {
        self.1
    }
    fn arm_detach(self) {}
    fn report(self, misuse: Misuse) {
        self.0.report(misuse);
    }
}

#[test]
fn a_part_that_became_another_threads_is_returned_by_that_thread_alone() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("passed on")).unwrap();
    world.allocate_in(actor, heap, 64).unwrap();
    world.detach(Renamed(actor, ThreadId(0x1234)));
    world.allocate_in(Actor::new(), heap, 64).unwrap();
    assert_eq!(parts(&world, heap), 2, "the part is not the second thread's");
}

#[test]
fn a_run_beside_trapped_ones_in_a_huge_page_leaves_them_trapped() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("in the zone")).unwrap();
    let _low: Vec<_> = (0..40).map(|_| world.allocate(actor, MIB).unwrap()).collect();
    let pairs: Vec<_> =
        (0..20).map(|_| (world.allocate(actor, 300_000).unwrap(), world.allocate_in(actor, heap, 300_000).unwrap())).collect();
    // SAFETY: no thread uses the heap or its blocks afterwards.
    unsafe { world.destroy_heap(actor, heap, HeapMemory::Released) }.unwrap();
    world.check_invariants(actor).unwrap();
    free(&world, actor, pairs[7].0);
    world.check_invariants(actor).unwrap();
    world.allocate(actor, 200_000).unwrap();
    world.check_invariants(actor).unwrap();
}

/// The system's mapper, which runs something whenever a guard is taken away.
struct Hooked(LimitedMapper, std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl WorldMapper for Hooked {
    fn over(limited: LimitedMapper) -> Self {
        Hooked(limited, std::sync::Mutex::default())
    }

    fn limited(&self) -> &LimitedMapper {
        &self.0
    }
}

// SAFETY: as the mapper inside.
unsafe impl Mapper for Hooked {
    fn page_bytes(&self) -> usize {
        self.0.page_bytes()
    }
    fn address_space_bytes(&self) -> usize {
        self.0.address_space_bytes()
    }
    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.0.reserve(bytes, align)
    }
    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.0.map(bytes, align)
    }
    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.commit(start, bytes) }
    }
    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.decommit(start, bytes) }
    }
    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.trap(start, bytes) }
    }
    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        let hook = self.1.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        unsafe { self.0.untrap(start, bytes) }
    }
    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        unsafe { self.0.protect(start, bytes, protection) }
    }
    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.release(start, bytes) }
    }
    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        unsafe { self.0.remap(start, bytes, new_bytes) }
    }
    fn now_milliseconds(&self) -> u64 {
        self.0.now_milliseconds()
    }
    fn random(&self) -> u64 {
        self.0.random()
    }
}

/// An actor that passes to the thread that the test is run in.
struct Passed(Actor);

// SAFETY: no thread uses it in two threads at a time.
unsafe impl Send for Passed {}

/// Makes a guarded block; meanwhile, inside the lock of the guards, a signal handler forks. Then
/// the block is used as ever.
fn fork_inside_the_guards_lock(is_child: bool) {
    let (world, actor) = (World::<Hooked>::new(), Actor::new());
    assert!(world.tune(actor, |tunables| tunables.checks = Checks { guard_every: 1, ..Checks::NONE }));
    free(&world, actor, world.allocate(actor, 100).unwrap());
    let (allocator, passed) = (world.allocator(), Passed(actor));
    *world.mapper.1.lock().unwrap() = Some(Box::new(move || {
        let Passed(actor) = { passed };
        allocator.prepare_fork(actor);
        if is_child {
            allocator.resume_child(actor);
        } else {
            allocator.resume_parent(actor);
        }
        let unguarded = allocator.allocate(actor, 100).unwrap();
        assert_ne!(
            allocator.usable_bytes(actor, unguarded),
            Some(100),
            "the guards are half changed, for the handler's child, too"
        );
    }));
    let block = world.allocate(actor, 100).unwrap();
    assert!(world.mapper.1.lock().unwrap().is_none(), "the handler ran");
    assert_eq!(world.usable_bytes(actor, block), Some(100), "the block is guarded");
    free(&world, actor, block);
    assert_eq!(actor.misuses(), []);
    assert!(world.explain_trap(block.addr().get()).is_some());
}

#[test]
fn a_handler_that_forks_inside_the_lock_of_the_guards_does_not_wait() {
    for is_child in [false, true] {
        let (done, ends) = channel();
        let run = thread::spawn(move || {
            fork_inside_the_guards_lock(is_child);
            done.send(()).unwrap();
        });
        if ends.recv_timeout(Duration::from_secs(60)).is_err() {
            assert!(run.is_finished(), "the handler waits for the thread that it interrupted");
        }
        run.join().unwrap();
    }
}
