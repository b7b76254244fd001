//! What a review of the isolated heaps found.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, clippy::multiple_unsafe_ops_per_block, reason = "tests are read as a whole")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "mappers that pass their callers' promises on")]
#![allow(clippy::double_ended_iterator_last, reason = "every round is to run")]

mod common;

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{HeapError, HeapMemory, HeapName, HeapOptions, HeapRef, Misuse};
use tinyalloc_sys::{Call, FailingMapper, MapError, Mapper, Protection};

type Plain = LimitedMapper;

fn named(name: &str) -> HeapOptions {
    HeapOptions { name: HeapName::new(name), ..HeapOptions::default() }
}

fn limited(limit_bytes: usize) -> HeapOptions {
    HeapOptions { limit_bytes, ..HeapOptions::default() }
}

fn destroy<M: WorldMapper>(world: &World<M>, actor: Actor, heap: HeapRef) -> Result<(), HeapError> {
    // SAFETY: no thread uses the heap or its blocks afterwards.
    unsafe { world.destroy_heap(actor, heap, HeapMemory::Released) }
}

fn free<M: WorldMapper>(world: &World<M>, actor: Actor, start: NonNull<u8>) {
    // SAFETY: what is freed is not used any more.
    unsafe { world.free(actor, start.as_ptr()) };
}

fn fill(start: NonNull<u8>, bytes: usize, tag: u8) {
    // SAFETY: the block holds that much.
    unsafe { start.write_bytes(tag, bytes) };
}

#[test]
fn a_heap_that_is_reset_over_and_over_keeps_its_metadata() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    for memory in [HeapMemory::Retained, HeapMemory::Released] {
        let heap = world.create_heap(actor, &named("again")).unwrap();
        let round = || {
            (0..200).for_each(|_| _ = world.allocate_in(actor, heap, 40_000).unwrap());
            // SAFETY: no thread uses the blocks afterwards.
            unsafe { world.reset_heap(actor, heap, memory) }.unwrap();
            world.heap_stats(actor, heap).unwrap().metadata
        };
        let first = round();
        let last = (0..50).map(|_| round()).last().unwrap();
        assert_eq!(first, last, "{memory:?}");
    }
}

#[test]
fn a_destroyed_heap_is_no_heap_whatever_its_page_is_used_for() {
    let (world, actor, other) = (World::<Plain>::new(), Actor::new(), Actor::new());
    let gone = world.create_heap(actor, &named("gone")).unwrap();
    let heap = world.create_heap(actor, &named("other")).unwrap();
    destroy(&world, actor, gone).unwrap();
    for _ in 0..5 {
        assert!(world.push_heap(other, Some(heap)));
    }
    assert!(!world.is_heap(actor, gone), "a page of a heap table was taken for a heap");
}

#[test]
fn in_a_child_the_heaps_that_other_threads_entered_can_be_destroyed() {
    let (world, actor, other) = (World::<Plain>::new(), Actor::new(), Actor::new());
    let heap = world.create_heap(actor, &named("left behind")).unwrap();
    assert!(world.push_heap(other, Some(heap)));
    world.allocate(actor, 1).unwrap();
    world.prepare_fork(actor);
    world.resume_child(actor);
    // In the child `other` is gone for good.
    assert_eq!(destroy(&world, actor, heap), Ok(()));
}

#[test]
fn what_was_freed_beside_a_fork_is_freed_before_its_heap_ends() {
    for ends in [
        |world: &World<Plain>, actor, heap| destroy(world, actor, heap),
        |world: &World<Plain>, actor, heap| {
            // SAFETY: no thread uses a block of the heap afterwards.
            unsafe { world.reset_heap(actor, heap, HeapMemory::Retained) }
        },
    ] {
        let (world, actor, forker) = (World::<Plain>::new(), Actor::new(), Actor::new());
        let heap = world.create_heap(actor, &named("ends")).unwrap();
        let block = world.allocate_in(actor, heap, 100_000).unwrap();
        world.allocate(forker, 1).unwrap();
        world.prepare_fork(forker);
        free(&world, actor, block);
        world.resume_parent(forker);
        assert_eq!(ends(&world, actor, heap), Ok(()));
        // What waits is freed with the next call, at the latest.
        world.allocate(actor, 200_000).unwrap();
        assert_eq!(actor.misuses(), []);
        world.check_invariants(actor).unwrap();
    }
}

#[test]
fn a_limit_is_there_for_any_size_once_all_is_freed() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &limited(16 * 1024)).unwrap();
    let blocks: Vec<_> = std::iter::from_fn(|| world.allocate_in(actor, heap, 4096)).collect();
    assert_eq!(blocks.len(), 4);
    blocks.into_iter().for_each(|block| free(&world, actor, block));
    assert!(world.allocate_in(actor, heap, 64).is_some(), "an empty heap has room for 64 bytes");
}

#[test]
fn purging_everything_purges_heaps_as_well() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("idle")).unwrap();
    let blocks: Vec<_> = (0..200).map(|_| world.allocate_in(actor, heap, 1000).unwrap()).collect();
    blocks.into_iter().for_each(|block| free(&world, actor, block));
    world.purge_all(actor);
    let stats = world.heap_stats(actor, heap).unwrap();
    assert_eq!((stats.allocated, stats.spans), (0, 0), "of the calling thread's part");
}

#[test]
fn purging_everything_purges_the_global_heap_whichever_is_current() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("current")).unwrap();
    let blocks: Vec<_> = (0..200).map(|_| world.allocate(actor, 1000).unwrap()).collect();
    blocks.into_iter().for_each(|block| free(&world, actor, block));
    assert!(world.push_heap(actor, Some(heap)));
    world.purge_all(actor);
    let before = world.stats(actor);
    world.pop_heap(actor);
    world.purge_all(actor);
    assert_eq!(before.spans, world.stats(actor).spans);
}

#[test]
fn a_live_block_that_holds_a_copy_of_a_free_one_is_freed_in_every_heap_of_the_thread() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("mine")).unwrap();
    for heap in [None, Some(heap)] {
        let allocate = || heap.map_or_else(|| world.allocate(actor, 64), |heap| world.allocate_in(actor, heap, 64)).unwrap();
        let block = allocate();
        free(&world, actor, block);
        // SAFETY: the memory is the heap's still; a program that does this is wrong, but the block
        // is live when it is freed below.
        let words = unsafe { block.cast::<[usize; 2]>().read() };
        let again = allocate();
        assert_eq!(again, block);
        // SAFETY: the block is live.
        unsafe { again.cast::<[usize; 2]>().write(words) };
        free(&world, actor, again);
        assert_eq!(actor.misuses(), [], "in {heap:?}");
    }
}

#[test]
fn a_refused_page_costs_no_further_reservation() {
    let (world, actor) = (World::<FailingMapper<LimitedMapper>>::new(), Actor::new());
    world.create_heap(actor, &named("first")).unwrap();
    let before = world.stats(actor).reserved;
    let mappings = world.mapper.inner().mappings();
    world.mapper.fail_every(Call::Commit);
    let mut heaps = 0;
    while world.create_heap(actor, &named("more")).is_some() {
        heaps += 1;
    }
    for _ in 0..10 {
        assert!(world.create_heap(actor, &named("refused")).is_none());
    }
    assert!(heaps > 0);
    assert_eq!((world.mapper.inner().mappings(), world.stats(actor).reserved), (mappings, before));
}

/// The system's mapper, of which every call to trap succeeds in part.
struct HalfTrapping(LimitedMapper, AtomicBool);

impl WorldMapper for HalfTrapping {
    fn over(limited: LimitedMapper) -> Self {
        HalfTrapping(limited, AtomicBool::new(false))
    }

    fn limited(&self) -> &LimitedMapper {
        &self.0
    }
}

macro_rules! forward {
    () => {
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
    };
}

// SAFETY: as the mapper inside.
unsafe impl Mapper for HalfTrapping {
    forward!();
    fn page_bytes(&self) -> usize {
        4096
    }
    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.decommit(start, bytes) }
    }
    unsafe fn trap(&self, start: NonNull<u8>, _bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.trap(start, 4096) }.and(Err(MapError::OutOfMemory))
    }
    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.1.store(true, Ordering::Relaxed);
        unsafe { self.0.untrap(start, bytes) }
    }
}

#[test]
fn memory_that_was_trapped_in_part_is_made_accessible_before_it_is_used() {
    let (world, actor) = (World::<HalfTrapping>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("half")).unwrap();
    let block = world.allocate_in(actor, heap, 100_000).unwrap();
    destroy(&world, actor, heap).unwrap();
    let again = world.allocate(actor, 100_000).unwrap();
    assert_eq!(block, again);
    // Without this, the write below faults.
    assert!(world.mapper.1.load(Ordering::Relaxed), "untrap was not called");
    fill(again, 100_000, 1);
}

/// Pages of 64 KiB.
struct LargePages(LimitedMapper, std::sync::Mutex<Vec<(usize, usize)>>);

impl WorldMapper for LargePages {
    fn over(limited: LimitedMapper) -> Self {
        LargePages(limited, std::sync::Mutex::default())
    }

    fn limited(&self) -> &LimitedMapper {
        &self.0
    }
}

// SAFETY: as the mapper inside.
unsafe impl Mapper for LargePages {
    forward!();
    fn page_bytes(&self) -> usize {
        65536
    }
    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.decommit(start, bytes) }
    }
    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        self.1.lock().unwrap().push((start.addr().get(), bytes));
        // As the kernel does it.
        if start.addr().get() % 65536 != 0 {
            return Err(MapError::Unavailable);
        }
        unsafe { self.0.trap(start, bytes.next_multiple_of(65536)) }
    }
}

#[test]
fn where_pages_are_large_whole_pages_are_trapped() {
    let (world, actor) = (World::<LargePages>::new(), Actor::new());
    let heaps: Vec<_> = (0..20).map(|_| world.create_heap(actor, &named("small")).unwrap()).collect();
    for heap in &heaps {
        world.allocate_in(actor, *heap, 16).unwrap();
        world.allocate(actor, 16 * 1024).unwrap();
    }
    heaps.into_iter().for_each(|heap| destroy(&world, actor, heap).unwrap());
    let trapped = world.mapper.1.lock().unwrap().clone();
    let whole = |(start, bytes): &(usize, usize)| start % 65536 == 0 && bytes % 65536 == 0;
    assert!(
        trapped.iter().all(whole),
        "{} of {} are not whole pages",
        trapped.iter().filter(|run| !whole(run)).count(),
        trapped.len()
    );
}

#[test]
fn where_pages_are_large_neighbours_of_a_destroyed_heap_live_on() {
    let (world, actor) = (World::<LargePages>::new(), Actor::new());
    let heaps: Vec<_> = (0..20).map(|_| world.create_heap(actor, &named("small")).unwrap()).collect();
    let mut blocks = Vec::new();
    for heap in &heaps {
        world.allocate_in(actor, *heap, 16).unwrap();
        blocks.push(world.allocate(actor, 16 * 1024).unwrap());
    }
    heaps.into_iter().for_each(|heap| destroy(&world, actor, heap).unwrap());
    blocks.into_iter().for_each(|block| fill(block, 16 * 1024, 1));
}

#[test]
fn units_that_cannot_be_decommitted_leave_trapped_slices_trapped() {
    let (world, actor) = (World::<FailingMapper<LimitedMapper>>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("above the zone's start")).unwrap();
    let low: Vec<_> = (0..48).map(|_| world.allocate(actor, MIB).unwrap()).collect();
    let kept: Vec<_> =
        (0..16).map(|_| (world.allocate_in(actor, heap, 500_000).unwrap(), world.allocate(actor, 500_000).unwrap())).collect();
    destroy(&world, actor, heap).unwrap();
    world.mapper.fail_every(Call::Decommit);
    kept.into_iter().for_each(|(_, block)| free(&world, actor, block));
    low.into_iter().for_each(|block| free(&world, actor, block));
    world.purge_all(actor);
    world.check_invariants(actor).unwrap();
}

#[test]
fn statistics_are_counted_while_other_threads_destroy_heaps() {
    let world = World::<Plain>::new();
    let allocator = world.allocator();
    let stop = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(move || {
                let actor = Actor::new();
                while !stop.load(Ordering::SeqCst) {
                    let _ = allocator.stats(actor);
                }
            });
        }
        for _ in 0..40 {
            let heaps: Vec<_> = (0..20).map(|_| allocator.create_heap(Actor::new(), &named("brief")).unwrap()).collect();
            let actor = Actor::new();
            for heap in &heaps {
                let blocks: Vec<_> = (0..1024).map(|_| allocator.allocate_in(actor, *heap, 16).unwrap()).collect();
                // SAFETY: no thread uses the blocks afterwards.
                blocks.into_iter().for_each(|block| unsafe { allocator.free_in(actor, *heap, block.as_ptr()) });
            }
            // The heap's part waits for a thread now: the thread that counts walks its bins.
            allocator.detach(actor);
            // SAFETY: no thread uses the heap or its blocks afterwards.
            heaps.iter().for_each(|heap| unsafe { allocator.destroy_heap(actor, *heap, HeapMemory::Released) }.unwrap());
        }
        stop.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_heap_may_be_destroyed_as_soon_as_no_thread_has_it_current() {
    let world = World::<Plain>::new();
    let allocator = world.allocator();
    let stop = &AtomicBool::new(false);
    let current = &std::sync::atomic::AtomicPtr::<tinyalloc_alloc::Heap>::new(std::ptr::null_mut());
    let ready = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let actor = Actor::new();
            while !stop.load(Ordering::SeqCst) {
                let Some(pointer) = NonNull::new(current.swap(std::ptr::null_mut(), Ordering::SeqCst)) else {
                    continue;
                };
                // SAFETY: it came from a heap.
                let heap = unsafe { HeapRef::from_ptr(pointer) };
                assert!(allocator.push_heap(actor, Some(heap)));
                allocator.allocate(actor, 100).unwrap();
                ready.store(true, Ordering::SeqCst);
                assert!(allocator.pop_heap(actor));
            }
            assert_eq!(actor.misuses(), []);
        });
        let busy = allocator.create_heap(Actor::new(), &named("busy")).unwrap();
        let actor = Actor::new();
        for _ in 0..2_000 {
            let heap = allocator.create_heap(actor, &named("passed on")).unwrap();
            ready.store(false, Ordering::SeqCst);
            current.store(heap.as_ptr().as_ptr(), Ordering::SeqCst);
            while !ready.load(Ordering::SeqCst) {
                std::hint::spin_loop();
            }
            // SAFETY: no thread uses the heap or its blocks afterwards.
            while unsafe { allocator.destroy_heap(actor, heap, HeapMemory::Retained) } == Err(HeapError::InUse) {}
            // Its page is used for something else at once.
            let next = Actor::new();
            (0..40).for_each(|_| assert!(allocator.push_heap(next, Some(busy))));
            allocator.detach(next);
        }
        stop.store(true, Ordering::SeqCst);
    });
    world.check_invariants(Actor::new()).unwrap();
}

/// Traps by access rights, as kernels before 6.13 do.
struct Rights(LimitedMapper);

impl WorldMapper for Rights {
    fn over(limited: LimitedMapper) -> Self {
        Rights(limited)
    }

    fn limited(&self) -> &LimitedMapper {
        &self.0
    }
}

// SAFETY: as the mapper inside.
unsafe impl Mapper for Rights {
    forward!();
    fn page_bytes(&self) -> usize {
        4096
    }
    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.decommit(start, bytes) }
    }
    unsafe fn trap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.decommit(start, bytes) }?;
        unsafe { self.0.protect(start, bytes, Protection::None) }
    }
    unsafe fn untrap(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        unsafe { self.0.protect(start, bytes, Protection::ReadWrite) }
    }
}

use std::cell::Cell;
use tinyalloc_alloc::{Bins, HeapTable, Mode, ThreadContext, ThreadId};

type Hook = Box<dyn FnOnce()>;

/// An actor with a number of one's choice, interrupted where it is next asked for.
#[derive(Clone, Copy)]
struct Twin(Actor, ThreadId, &'static Cell<Option<Hook>>);

impl Twin {
    fn new(number: usize) -> Twin {
        Twin(Actor::new(), ThreadId(number), Box::leak(Box::new(Cell::new(None))))
    }
}

// SAFETY: as `Actor`.
unsafe impl ThreadContext for Twin {
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
        if let Some(hook) = self.2.take() {
            hook();
        }
        self.1
    }
    fn arm_detach(self) {}
    fn report(self, misuse: Misuse) {
        self.0.report(misuse);
    }
}

#[test]
fn in_a_child_a_thread_with_the_number_of_a_lost_one_is_not_taken_for_it() {
    let world = World::<Plain>::new();
    let allocator = world.allocator();
    let (actor, lost) = (Actor::new(), Twin::new(0x1230));
    allocator.allocate(actor, 1).unwrap();
    let block = allocator.allocate(lost, 64).unwrap();
    // Inside the slow path, holding no lock, while another thread forks.
    lost.2.set(Some(Box::new(move || {
        allocator.prepare_fork(actor);
        allocator.resume_child(actor);
        panic!("this thread is not in the child");
    })));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| allocator.allocate(lost, 3000))).is_err());
    let next = Twin::new(0x1230);
    let heap = allocator.create_heap(next, &named("the child's")).unwrap();
    allocator.allocate_in(next, heap, 64).unwrap();
    // SAFETY: no thread uses the block afterwards.
    unsafe { allocator.free(next, block.as_ptr()) };
    assert_eq!(allocator.survey(next).unwrap().remote_slots, 1, "a lost heap is touched by no thread");
}
