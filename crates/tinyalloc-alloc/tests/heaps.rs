//! Isolated heaps: apart from each other and from the global heap, whichever thread uses them, and
//! destroyed whole.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_possible_truncation, clippy::multiple_unsafe_ops_per_block, reason = "tests are read as a whole")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::ptr::NonNull;

use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use proptest::prelude::*;
use tinyalloc_alloc::{BlockOwner, HeapError, HeapMemory, HeapName, HeapOptions, HeapRef, Misuse, Mode, ThreadContext};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Plain = LimitedMapper;
type Counting = CountingMapper<LimitedMapper>;
type Failing = FailingMapper<LimitedMapper>;

const ACTORS: usize = 3;
const PAGE_BYTES: usize = 4096;

fn named(name: &str) -> HeapOptions {
    HeapOptions { name: HeapName::new(name), ..HeapOptions::default() }
}

fn limited(limit_bytes: usize) -> HeapOptions {
    HeapOptions { limit_bytes, ..HeapOptions::default() }
}

/// The heap of a world without threads.
fn destroy<M: WorldMapper>(world: &World<M>, actor: Actor, heap: HeapRef) -> Result<(), HeapError> {
    // SAFETY: no thread uses the heap or its blocks afterwards.
    unsafe { world.destroy_heap(actor, heap, HeapMemory::Released) }
}

fn reset<M: WorldMapper>(world: &World<M>, actor: Actor, heap: HeapRef, memory: HeapMemory) {
    // SAFETY: no thread uses the heap's blocks afterwards.
    unsafe { world.reset_heap(actor, heap, memory) }.unwrap();
}

fn free<M: WorldMapper>(world: &World<M>, actor: Actor, start: NonNull<u8>) {
    // SAFETY: what is freed is not used any more.
    unsafe { world.free(actor, start.as_ptr()) };
}

fn fill(start: NonNull<u8>, bytes: usize, tag: u8) {
    // SAFETY: the block holds that much.
    unsafe { start.write_bytes(tag, bytes) };
}

fn holds(start: NonNull<u8>, bytes: usize, tag: u8) -> bool {
    // SAFETY: the block holds that much.
    unsafe { std::slice::from_raw_parts(start.as_ptr(), bytes) }.iter().all(|byte| *byte == tag)
}

#[derive(Clone, Debug)]
enum Op {
    Create { limit: Option<usize> },
    Destroy { heap: usize, keep: bool },
    Reset { heap: usize, releases: bool },
    Allocate { actor: usize, heap: usize, bytes: usize },
    AllocateCurrent { actor: usize, bytes: usize },
    AllocateAligned { actor: usize, heap: usize, bytes: usize, shift: u32 },
    AllocateZeroed { actor: usize, heap: usize, bytes: usize },
    Reallocate { actor: usize, block: usize, bytes: usize, named: bool },
    Free { actor: usize, block: usize, named: bool },
    Enter { actor: usize, heap: usize },
    Leave { actor: usize },
    ThreadEnds { actor: usize },
    PurgeHeap { actor: usize, heap: usize },
    PurgeAll { actor: usize },
    Wait,
}

fn bytes() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0usize..600, 3 => 600usize..40_000, 1 => 40_000usize..3 * MIB, 1 => Just(33 * MIB)]
}

fn op() -> impl Strategy<Value = Op> {
    let index = 0usize..64;
    prop_oneof![
        2 => prop_oneof![Just(None), (0usize..2 * MIB).prop_map(Some)].prop_map(|limit| Op::Create { limit }),
        1 => (index.clone(), any::<bool>()).prop_map(|(heap, keep)| Op::Destroy { heap, keep }),
        1 => (index.clone(), any::<bool>()).prop_map(|(heap, releases)| Op::Reset { heap, releases }),
        12 => (index.clone(), index.clone(), bytes()).prop_map(|(actor, heap, bytes)| Op::Allocate { actor, heap, bytes }),
        4 => (index.clone(), bytes()).prop_map(|(actor, bytes)| Op::AllocateCurrent { actor, bytes }),
        1 => (index.clone(), index.clone(), bytes(), 4u32..20)
            .prop_map(|(actor, heap, bytes, shift)| Op::AllocateAligned { actor, heap, bytes, shift }),
        2 => (index.clone(), index.clone(), bytes()).prop_map(|(actor, heap, bytes)| Op::AllocateZeroed { actor, heap, bytes }),
        3 => (index.clone(), index.clone(), bytes(), any::<bool>())
            .prop_map(|(actor, block, bytes, named)| Op::Reallocate { actor, block, bytes, named }),
        10 => (index.clone(), index.clone(), any::<bool>()).prop_map(|(actor, block, named)| Op::Free { actor, block, named }),
        2 => (index.clone(), index.clone()).prop_map(|(actor, heap)| Op::Enter { actor, heap }),
        2 => index.clone().prop_map(|actor| Op::Leave { actor }),
        1 => index.clone().prop_map(|actor| Op::ThreadEnds { actor }),
        1 => (index.clone(), index.clone()).prop_map(|(actor, heap)| Op::PurgeHeap { actor, heap }),
        1 => index.prop_map(|actor| Op::PurgeAll { actor }),
        1 => Just(Op::Wait),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Block {
    start: NonNull<u8>,
    usable: usize,
    tag: u8,
    heap: Option<HeapRef>,
}

struct Model<'world> {
    world: &'world World<Plain>,
    actors: Vec<Actor>,
    pushed: Vec<Vec<Option<HeapRef>>>,
    heaps: Vec<HeapRef>,
    limits: BTreeMap<usize, usize>,
    blocks: Vec<Block>,
    tags: u8,
}

impl<'world> Model<'world> {
    fn new(world: &'world World<Plain>) -> Model<'world> {
        Model {
            world,
            actors: (0..ACTORS).map(|_| Actor::new()).collect(),
            pushed: vec![Vec::new(); ACTORS],
            heaps: Vec::new(),
            limits: BTreeMap::new(),
            blocks: Vec::new(),
            tags: 0,
        }
    }

    fn heap(&self, index: usize) -> Option<HeapRef> {
        (!self.heaps.is_empty()).then(|| self.heaps[index % self.heaps.len()])
    }

    fn current(&self, actor: usize) -> Option<HeapRef> {
        self.pushed[actor].last().copied().flatten()
    }

    fn adopt(&mut self, actor: usize, start: Option<NonNull<u8>>, bytes: usize, heap: Option<HeapRef>) {
        let Some(start) = start else {
            let limited = heap.is_some_and(|heap| self.limits.contains_key(&heap.as_ptr().addr().get()));
            assert!(limited, "{bytes} bytes are there in a heap without a limit");
            return;
        };
        let usable = self.world.usable_bytes(self.actors[actor], start).unwrap();
        assert!(usable >= bytes);
        assert!(self.blocks.iter().all(|other| {
            let (low, high) = (start.addr().get(), start.addr().get() + usable);
            high <= other.start.addr().get() || low >= other.start.addr().get() + other.usable
        }));
        self.tags = self.tags.wrapping_add(1);
        fill(start, usable.min(MIB), self.tags);
        self.blocks.push(Block { start, usable, tag: self.tags, heap });
        let owner = self.world.owner_of(self.actors[actor], start.addr().get());
        assert_eq!(owner, Some(heap.map_or(BlockOwner::Global, BlockOwner::Heap)));
    }

    #[allow(clippy::too_many_lines, reason = "an arm for every operation")]
    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Create { limit } => self.create(limit),
            Op::Destroy { heap, keep } => self.destroy(heap, keep),
            Op::Reset { heap, releases } => self.reset(heap, releases),
            Op::Allocate { actor, heap, bytes } => self.allocate(actor % ACTORS, heap, |world, actor, heap| match heap {
                Some(heap) => (world.allocate_in(actor, heap, bytes), bytes),
                None => (world.allocate(actor, bytes), bytes),
            }),
            Op::AllocateAligned { actor, heap, bytes, shift } => {
                self.allocate(actor % ACTORS, heap, |world, actor, heap| {
                    let start = match heap {
                        Some(heap) => world.allocate_aligned_in(actor, heap, bytes, 1 << shift),
                        None => world.allocate_aligned(actor, bytes, 1 << shift),
                    };
                    assert!(start.is_none_or(|start| start.addr().get() % (1 << shift) == 0));
                    (start, bytes)
                });
            }
            Op::AllocateZeroed { actor, heap, bytes } => self.allocate(actor % ACTORS, heap, |world, actor, heap| {
                let start = match heap {
                    Some(heap) => world.allocate_zeroed_in(actor, heap, bytes),
                    None => world.allocate_zeroed(actor, bytes),
                };
                assert!(start.is_none_or(|start| holds(start, bytes.min(MIB), 0)));
                (start, bytes)
            }),
            Op::AllocateCurrent { actor, bytes } => {
                let actor = actor % ACTORS;
                let start = self.world.allocate(self.actors[actor], bytes);
                self.adopt(actor, start, bytes, self.current(actor));
            }
            Op::Reallocate { actor, block, bytes, named } => self.reallocate(actor % ACTORS, block, bytes, named),
            Op::Free { actor, block, named } => self.free(actor % ACTORS, block, named),
            Op::Enter { actor, heap } => self.enter(actor % ACTORS, heap),
            Op::Leave { actor } => {
                let left = self.pushed[actor % ACTORS].pop().is_some();
                assert_eq!(self.world.pop_heap(self.actors[actor % ACTORS]), left);
            }
            Op::ThreadEnds { actor } => {
                self.world.detach(self.actors[actor % ACTORS]);
                self.actors[actor % ACTORS] = Actor::new();
                self.pushed[actor % ACTORS].clear();
            }
            Op::PurgeHeap { actor, heap } => {
                if let Some(heap) = self.heap(heap) {
                    self.world.purge_heap(self.actors[actor % ACTORS], heap);
                }
            }
            Op::PurgeAll { actor } => _ = self.world.purge_all(self.actors[actor % ACTORS]),
            Op::Wait => self.world.wait(500),
        }
        for (actor, pushed) in self.actors.iter().zip(&self.pushed) {
            assert_eq!(actor.misuses(), []);
            assert_eq!(self.world.current_heap(*actor), pushed.last().copied().flatten());
        }
    }

    fn create(&mut self, limit: Option<usize>) {
        let heap = self.world.create_heap(self.actors[0], &limited(limit.unwrap_or(usize::MAX))).unwrap();
        self.heaps.push(heap);
        self.limits.remove(&heap.as_ptr().addr().get());
        if let Some(limit) = limit {
            self.limits.insert(heap.as_ptr().addr().get(), limit);
        }
    }

    fn destroy(&mut self, index: usize, keep: bool) {
        let Some(heap) = self.heap(index) else {
            return;
        };
        let memory = if keep { HeapMemory::Retained } else { HeapMemory::Released };
        // SAFETY: no thread uses the heap or its blocks afterwards.
        let destroyed = unsafe { self.world.destroy_heap(self.actors[index % ACTORS], heap, memory) };
        if self.pushed.iter().flatten().any(|pushed| *pushed == Some(heap)) {
            return assert_eq!(destroyed, Err(HeapError::InUse));
        }
        destroyed.unwrap();
        assert!(!self.world.is_heap(self.actors[0], heap));
        self.heaps.retain(|other| *other != heap);
        self.blocks.retain(|block| block.heap != Some(heap));
    }

    fn reset(&mut self, index: usize, releases: bool) {
        let Some(heap) = self.heap(index) else {
            return;
        };
        let memory = if releases { HeapMemory::Released } else { HeapMemory::Retained };
        reset(self.world, self.actors[index % ACTORS], heap, memory);
        self.blocks.retain(|block| block.heap != Some(heap));
        let stats = self.world.heap_stats(self.actors[0], heap).unwrap();
        assert_eq!((stats.allocated, stats.live_slots, stats.large_blocks, stats.huge_blocks), (0, 0, 0, 0));
    }

    fn allocate(
        &mut self,
        actor: usize,
        index: usize,
        allocate: impl FnOnce(&World<Plain>, Actor, Option<HeapRef>) -> (Option<NonNull<u8>>, usize),
    ) {
        let heap = if index % 4 == 0 { None } else { self.heap(index) };
        let (start, bytes) = allocate(self.world, self.actors[actor], heap);
        let owner = if heap.is_none() { self.current(actor) } else { heap };
        self.adopt(actor, start, bytes, owner);
    }

    fn reallocate(&mut self, actor: usize, index: usize, bytes: usize, named: bool) {
        if self.blocks.is_empty() {
            return;
        }
        let index = index % self.blocks.len();
        let block = self.blocks[index];
        // SAFETY: the block is live, and its old start is not used after a move.
        let moved = unsafe {
            match named {
                true => self.world.reallocate_in(self.actors[actor], block.heap, block.start, bytes),
                false => self.world.reallocate(self.actors[actor], block.start, bytes),
            }
        };
        let Some(moved) = moved else {
            return assert!(holds(block.start, block.usable.min(MIB), block.tag), "a refused block is as it was");
        };
        assert!(holds(moved, block.usable.min(bytes).min(MIB), block.tag));
        self.blocks.swap_remove(index);
        self.adopt(actor, Some(moved), bytes, block.heap);
    }

    fn free(&mut self, actor: usize, index: usize, named: bool) {
        if self.blocks.is_empty() {
            return;
        }
        let block = self.blocks.swap_remove(index % self.blocks.len());
        assert!(holds(block.start, block.usable.min(MIB), block.tag), "a block holds what was written to it");
        // SAFETY: the block is live, and not used any more.
        unsafe {
            match block.heap.filter(|_| named) {
                Some(heap) => self.world.free_in(self.actors[actor], heap, block.start.as_ptr()),
                None => self.world.free(self.actors[actor], block.start.as_ptr()),
            }
        }
    }

    fn enter(&mut self, actor: usize, index: usize) {
        let heap = if index % 4 == 0 { None } else { self.heap(index) };
        if self.world.push_heap(self.actors[actor], heap) {
            self.pushed[actor].push(heap);
        } else {
            assert!(self.pushed[actor].len() >= 48, "a live heap can be pushed");
        }
    }

    /// Every invariant; which blocks live; and no page in two heaps.
    fn check(&self) {
        let survey = self.world.survey(self.actors[0]).unwrap();
        assert_eq!(survey.live_bytes, self.blocks.iter().map(|block| block.usable).sum::<usize>());
        let mut owners = BTreeMap::new();
        for block in self.blocks.iter().filter(|block| block.usable > 0) {
            assert!(holds(block.start, block.usable.min(MIB), block.tag), "a block holds what was written to it");
            let first = block.start.addr().get() / PAGE_BYTES;
            let last = (block.start.addr().get() + block.usable - 1) / PAGE_BYTES;
            for page in (first..=last).step_by(1.max((last - first) / 64)) {
                assert_eq!(*owners.entry(page).or_insert(block.heap), block.heap, "a page is one heap's");
            }
        }
        for heap in &self.heaps {
            self.check_heap(*heap);
        }
    }

    fn check_heap(&self, heap: HeapRef) {
        let mut found = BTreeSet::new();
        // SAFETY: no thread uses the heap meanwhile.
        let all = unsafe { self.world.walk_heap(heap, |start, bytes| found.insert((start, bytes))) };
        assert!(all, "no block is met twice");
        let known = self.blocks.iter().filter(|block| block.heap == Some(heap)).map(|block| (block.start, block.usable));
        assert_eq!(found, known.collect(), "a walk meets what lives, and nothing else");
        if let Some(limit) = self.limits.get(&heap.as_ptr().addr().get()) {
            let bytes: usize = found.iter().map(|(_, bytes)| bytes).sum();
            assert!(bytes <= *limit, "{bytes} bytes live in a heap of {limit}");
        }
    }

    fn end(mut self) {
        for heap in std::mem::take(&mut self.heaps) {
            while self.actors.iter().any(|actor| self.world.pop_heap(*actor)) {}
            destroy(self.world, self.actors[0], heap).unwrap();
        }
        self.blocks.retain(|block| block.heap.is_none());
        while !self.blocks.is_empty() {
            self.free(0, 0, false);
        }
        for actor in self.actors.iter().chain(&self.actors) {
            self.world.purge_all(*actor);
        }
        let stats = self.world.stats(self.actors[0]);
        assert_eq!((stats.allocated, stats.isolated_heaps), (0, 0));
        self.world.check_invariants(self.actors[0]).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn heaps_never_disturb_each_other(ops in prop::collection::vec(op(), 1..150)) {
        let world = World::<Plain>::new();
        let mut model = Model::new(&world);
        for op in &ops {
            model.apply(op);
            model.check();
        }
        model.end();
    }
}

#[test]
fn a_block_of_another_heap_is_reported_with_both_names() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let [left, right] = ["left", "right"].map(|name| world.create_heap(actor, &named(name)).unwrap());
    let block = world.allocate_in(actor, left, 100).unwrap();
    let address = block.addr().get();
    // SAFETY: the calls are refused.
    unsafe {
        world.free_in(actor, right, block.as_ptr());
        world.free_in_slow(actor, None, block.as_ptr());
        assert_eq!(world.reallocate_in(actor, Some(right), block, 200), None);
    }
    let wrong = |heap| Misuse::WrongHeap { address, heap, owner: Some(left.label()) };
    assert_eq!(actor.misuses(), [wrong(Some(right.label())), wrong(None), wrong(Some(right.label()))]);
    assert!(wrong(Some(right.label())).to_string().ends_with(r#"in heap "right": it is a block of heap "left""#));
    // SAFETY: the block is live still.
    unsafe { world.free_in(actor, left, block.as_ptr()) };
    assert_eq!(actor.misuses(), []);
}

#[test]
fn mistakes_in_a_heap_are_reported_as_everywhere() {
    let (world, actor, other) = (World::<Plain>::new(), Actor::new(), Actor::new());
    let heap = world.create_heap(actor, &named("mine")).unwrap();
    let block = world.allocate_in(actor, heap, 100).unwrap();
    let inside = NonNull::new(block.as_ptr().wrapping_add(16)).unwrap();
    for thread in [actor, other] {
        free(&world, thread, inside);
        assert!(matches!(thread.misuses()[..], [Misuse::Interior { .. }]));
    }
    free(&world, other, block);
    free(&world, actor, block);
    assert!(matches!(actor.misuses()[..], [Misuse::DoubleFree { .. }]));
    let large = world.allocate_in(actor, heap, MIB).unwrap();
    destroy(&world, actor, heap).unwrap();
    for gone in [block, large] {
        free(&world, actor, gone);
        assert!(matches!(actor.misuses()[..], [Misuse::FreedBefore { .. }]));
    }
}

#[test]
fn a_destroyed_heap_is_refused_everywhere() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("gone")).unwrap();
    world.allocate_in(actor, heap, 100).unwrap();
    destroy(&world, actor, heap).unwrap();
    assert_eq!(destroy(&world, actor, heap), Err(HeapError::NotAHeap));
    assert_eq!(world.allocate_in(actor, heap, 100), None);
    assert!(!world.push_heap(actor, Some(heap)) && world.heap_stats(actor, heap).is_none());
    // SAFETY: the call is refused.
    assert_eq!(unsafe { world.reset_heap(actor, heap, HeapMemory::Retained) }, Err(HeapError::NotAHeap));
}

#[test]
fn a_heap_made_on_the_page_of_a_destroyed_one_is_another_heap() {
    let (world, actor, other) = (World::<Plain>::new(), Actor::new(), Actor::new());
    let first = world.create_heap(actor, &named("first")).unwrap();
    world.allocate_in(actor, first, 64).unwrap();
    world.allocate_in(other, first, 64).unwrap();
    destroy(&world, other, first).unwrap();
    let heaps: Vec<_> = (0..40).map(|_| world.create_heap(other, &named("second")).unwrap()).collect();
    let second = *heaps.iter().find(|heap| **heap == first).expect("pages are reused");
    let theirs = world.allocate_in(other, second, 64).unwrap();
    fill(theirs, 64, 1);
    let ours = world.allocate_in(actor, second, 64).unwrap();
    fill(ours, 64, 2);
    assert!(theirs != ours && holds(theirs, 64, 1));
    world.check_invariants(actor).unwrap();
    heaps.into_iter().for_each(|heap| destroy(&world, actor, heap).unwrap());
    world.check_invariants(actor).unwrap();
}

/// As a purge of everything does that met the heap before another thread destroyed it.
#[test]
fn purging_a_destroyed_heap_touches_nothing_that_lies_on_its_page_now() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let gone = world.create_heap(actor, &named("gone")).unwrap();
    world.allocate_in(actor, gone, 64).unwrap();
    destroy(&world, actor, gone).unwrap();
    let others: Vec<_> = (0..8).map(|_| Actor::new()).collect();
    for other in &others {
        let heap = world.create_heap(*other, &named("on its page")).unwrap();
        fill(world.allocate_in(*other, heap, 64).unwrap(), 64, 1);
        world.purge_heap(actor, gone);
        world.purge_heap(*other, gone);
        destroy(&world, *other, heap).unwrap();
        world.purge_heap(*other, gone);
        world.check_invariants(actor).unwrap();
    }
}

#[test]
fn a_limit_is_spent_to_the_last_slot_and_given_back() {
    let (world, actor, other) = (World::<Plain>::new(), Actor::new(), Actor::new());
    let heap = world.create_heap(actor, &limited(100_000)).unwrap();
    let mut blocks: Vec<_> = std::iter::from_fn(|| world.allocate_in(actor, heap, 1000)).collect();
    assert_eq!(blocks.len(), 100_000 / 1024);
    assert_eq!(world.allocate_in(other, heap, 1000), None, "the limit is the heap's, not a thread's");
    assert_eq!(world.allocate_in(actor, heap, 40_000), None);
    assert!(world.heap_refusals(heap) > 0 && world.allocate(actor, 40_000).is_some());
    blocks.drain(..).for_each(|block| free(&world, actor, block));
    let large = world.allocate_in(actor, heap, 90_000).expect("what was freed can be had in another size");
    assert_eq!(world.allocate_in(actor, heap, 40_000), None);
    free(&world, other, large);
    world.set_heap_limit(heap, 200_000);
    assert!(world.allocate_in(actor, heap, 150_000).is_some());
    world.check_invariants(actor).unwrap();
}

#[test]
fn a_heap_at_its_limit_uses_every_free_slot() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &limited(MIB)).unwrap();
    let blocks: Vec<_> = std::iter::from_fn(|| world.allocate_in(actor, heap, 40)).collect();
    assert!(blocks.len() > 21_000);
    let freed: Vec<_> = blocks.into_iter().step_by(100).collect();
    freed.iter().for_each(|block| free(&world, actor, *block));
    let again = std::iter::from_fn(|| world.allocate_in(actor, heap, 40)).count();
    assert_eq!(again, freed.len());
    world.check_invariants(actor).unwrap();
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap")]
fn growing_and_shrinking_count_towards_the_limit() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &limited(79 * MIB)).unwrap();
    let block = world.allocate_in(actor, heap, 40 * MIB).unwrap();
    // SAFETY: the block is live, and used by its last address only.
    unsafe {
        assert_eq!(world.reallocate(actor, block, 90 * MIB), None);
        // A sixteenth more, where the limit allows for it.
        let block = world.reallocate(actor, block, 61 * MIB).unwrap();
        assert_eq!(world.heap_limit(heap), (79 * MIB, 62 * MIB));
        let block = world.reallocate(actor, block, 78 * MIB).unwrap();
        assert_eq!(world.heap_limit(heap), (79 * MIB, 78 * MIB));
        let block = world.reallocate(actor, block, MIB).unwrap();
        assert_eq!(world.heap_limit(heap).1, MIB);
        world.free(actor, block.as_ptr());
    }
    assert_eq!(world.heap_limit(heap).1, 0);
}

#[test]
fn a_thread_uses_more_heaps_than_it_can_stay_attached_to() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heaps: Vec<_> = (0..300).map(|_| world.create_heap(actor, &named("one of many")).unwrap()).collect();
    for round in 0..3u8 {
        let blocks: Vec<_> = heaps.iter().map(|heap| (world.allocate_in(actor, *heap, 200).unwrap(), *heap)).collect();
        blocks.iter().for_each(|(block, _)| fill(*block, 200, round));
        for (block, heap) in blocks {
            assert!(holds(block, 200, round));
            assert_eq!(world.owner_of(actor, block.addr().get()), Some(BlockOwner::Heap(heap)));
            free(&world, actor, block);
        }
    }
    assert_eq!(actor.misuses(), []);
    world.check_invariants(actor).unwrap();
    assert!(heaps.iter().all(|heap| world.heap_stats(actor, *heap).unwrap().heaps == 1), "one thread is one thread heap");
}

#[test]
fn a_heap_that_was_entered_stays_attached_whatever_else_is_used() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heaps: Vec<_> = (0..300).map(|_| world.create_heap(actor, &named("one of many")).unwrap()).collect();
    assert!(world.push_heap(actor, Some(heaps[0])) && world.push_heap(actor, Some(heaps[1])));
    for heap in &heaps {
        world.allocate_in(actor, *heap, 50).unwrap();
        let block = world.allocate(actor, 50).unwrap();
        assert_eq!(world.owner_of(actor, block.addr().get()), Some(BlockOwner::Heap(heaps[1])));
    }
    assert!(world.pop_heap(actor));
    let block = world.allocate(actor, 50).unwrap();
    assert_eq!(world.owner_of(actor, block.addr().get()), Some(BlockOwner::Heap(heaps[0])));
    world.detach(actor);
    assert_eq!(actor.mode(), Mode::Detached);
    assert!(heaps.iter().all(|heap| destroy(&world, Actor::new(), *heap).is_ok()), "who ended has left");
    world.check_invariants(Actor::new()).unwrap();
}

#[test]
fn a_thread_that_is_ending_may_use_heaps() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("late")).unwrap();
    world.allocate(actor, 1).unwrap();
    world.detach(actor);
    for bytes in [10, 1000, 100_000, 40 * MIB] {
        let block = world.allocate_in(actor, heap, bytes).unwrap();
        assert_eq!(world.owner_of(actor, block.addr().get()), Some(BlockOwner::Heap(heap)));
        free(&world, actor, block);
    }
    assert_eq!((world.heap_stats(actor, heap).unwrap().heaps, actor.misuses()), (1, vec![]));
    world.check_invariants(actor).unwrap();
}

#[test]
fn what_a_destroyed_heap_held_is_trapped_and_comes_back_as_zero() {
    let (world, actor) = (World::<Counting>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("secret")).unwrap();
    let blocks: Vec<_> = (0..64).map(|_| world.allocate_in(actor, heap, 16 * 1024).unwrap()).collect();
    blocks.iter().for_each(|block| fill(*block, 16 * 1024, 0xa5));
    destroy(&world, actor, heap).unwrap();
    assert!((1..=4).contains(&world.mapper.calls(Call::Trap)), "neighbours are trapped together");
    assert_eq!(world.stats(actor).resident_free, 0);
    for _ in 0..100 {
        let block = world.allocate_zeroed(actor, 32 * 1024).unwrap();
        assert!(holds(block, 32 * 1024, 0));
        fill(block, 32 * 1024, 1);
    }
    assert!(world.mapper.calls(Call::Untrap) > 0, "trapped memory is used again");
    world.check_invariants(actor).unwrap();
}

#[test]
fn a_hundred_thousand_heaps_leave_no_more_metadata_than_one() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let once = |count: usize| {
        let heaps: Vec<_> = (0..count).map(|_| world.create_heap(actor, &named("brief")).unwrap()).collect();
        for heap in heaps {
            for bytes in [16, 64, 300] {
                fill(world.allocate_in(actor, heap, bytes).unwrap(), bytes, 1);
            }
            destroy(&world, actor, heap).unwrap();
        }
        world.stats(actor)
    };
    let before = once(50);
    (0..200).for_each(|_| _ = once(10));
    let after = once(3000);
    assert_eq!((after.allocated, after.metadata), (before.allocated, before.metadata));
    assert!(after.resident <= before.resident, "{} and {} bytes are resident", before.resident, after.resident);
    world.check_invariants(actor).unwrap();
}

#[test]
fn an_empty_heap_is_one_page() {
    let (world, actor) = (World::<Plain>::new(), Actor::new());
    let heap = world.create_heap(actor, &named("empty")).unwrap();
    let stats = world.heap_stats(actor, heap).unwrap();
    assert_eq!((stats.metadata, stats.spans, stats.committed), (PAGE_BYTES, 0, PAGE_BYTES));
}

#[test]
fn any_refused_call_leaves_every_heap_as_it_was() {
    let mut refusals = 0;
    for round in 2..60 {
        let (world, actor) = (World::<Failing>::new(), Actor::new());
        match round % 2 {
            0 => world.mapper.fail_nth(round / 2),
            _ => world.mapper.fail_from(round / 2),
        }
        let heaps: Vec<_> = (0..3).filter_map(|_| world.create_heap(actor, &named("poor"))).collect();
        let mut blocks = Vec::new();
        for bytes in [10, 5000, 60_000, 2 * MIB, 40 * MIB] {
            for heap in &heaps {
                blocks.extend(world.allocate_in(actor, *heap, bytes).map(|start| (start, bytes.min(5000))));
            }
        }
        blocks.iter().for_each(|(start, bytes)| fill(*start, *bytes, 3));
        refusals += usize::from(blocks.len() < 15);
        assert!(blocks.iter().all(|(start, bytes)| holds(*start, *bytes, 3)));
        heaps.iter().for_each(|heap| destroy(&world, actor, *heap).unwrap());
        world.mapper.succeed();
        world.check_invariants(actor).unwrap();
        let heap = world.create_heap(actor, &named("rich")).unwrap();
        assert!(world.allocate_in(actor, heap, MIB).is_some(), "all is well once calls succeed");
        assert_eq!(actor.misuses(), []);
    }
    assert!(refusals > 10, "only {refusals} refusals were felt");
}
