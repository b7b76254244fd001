//! Partitions: what served a block of one never serves one of another, nor one without a token.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "tests are read as a whole")]

mod common;

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use common::{Actor, LimitedMapper, MIB, World};
use proptest::prelude::*;
use tinyalloc_alloc::{BlockOwner, Checks, HUGE_BYTES_MIN, HeapMemory, HeapOptions, HeapRef, NumaPolicy, SLICE_BYTES};

const ACTORS: usize = 3;

/// What keeps blocks apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Apart {
    Partitions,
    /// Heaps of the program, which share the slices of regions: what partitions would be without
    /// their rule.
    Heaps,
}

#[derive(Clone, Debug)]
enum Op {
    Allocate { actor: usize, token: usize, bytes: usize },
    AllocateZeroed { actor: usize, token: usize, bytes: usize },
    AllocateAligned { actor: usize, token: usize, bytes: usize, shift: u32 },
    Reallocate { actor: usize, block: usize, token: usize, bytes: usize },
    Free { actor: usize, block: usize },
    FreeAll { actor: usize, token: usize },
    ThreadEnds { actor: usize },
    PurgeAll { actor: usize },
    Wait,
}

fn bytes() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0usize..600, 3 => 600usize..40_000, 2 => 40_000usize..3 * MIB, 1 => 20 * MIB..34 * MIB]
}

fn op() -> impl Strategy<Value = Op> {
    let index = 0usize..64;
    let place = || (0usize..ACTORS, 0usize..9);
    prop_oneof![
        12 => (place(), bytes()).prop_map(|((actor, token), bytes)| Op::Allocate { actor, token, bytes }),
        2 => (place(), bytes()).prop_map(|((actor, token), bytes)| Op::AllocateZeroed { actor, token, bytes }),
        2 => (place(), bytes(), 4u32..18).prop_map(|((actor, token), bytes, shift)| Op::AllocateAligned { actor, token, bytes, shift }),
        4 => (place(), index.clone(), bytes()).prop_map(|((actor, token), block, bytes)| Op::Reallocate { actor, block, token, bytes }),
        8 => (0usize..ACTORS, index).prop_map(|(actor, block)| Op::Free { actor, block }),
        3 => place().prop_map(|(actor, token)| Op::FreeAll { actor, token }),
        1 => (0usize..ACTORS).prop_map(|actor| Op::ThreadEnds { actor }),
        2 => (0usize..ACTORS).prop_map(|actor| Op::PurgeAll { actor }),
        1 => Just(Op::Wait),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Block {
    start: NonNull<u8>,
    usable: usize,
    tag: u8,
    /// Whose it is: the partition of that number, or no partition's if there are no more.
    owner: usize,
}

/// Who had each slice so far, and the blocks that live.
struct Model<'world> {
    world: &'world World<LimitedMapper>,
    apart: Apart,
    partitions: usize,
    actors: Vec<Actor>,
    heaps: Vec<HeapRef>,
    blocks: Vec<Block>,
    owners: BTreeMap<usize, usize>,
    shared: Option<String>,
    tags: u8,
}

impl<'world> Model<'world> {
    fn new(world: &'world World<LimitedMapper>, apart: Apart, partitions: u8) -> Model<'world> {
        let actors: Vec<Actor> = (0..ACTORS).map(|_| Actor::new()).collect();
        let on = if apart == Apart::Partitions { partitions } else { 0 };
        assert!(world.tune(actors[0], |tunables| tunables.partitions = on));
        let partitions = usize::from(partitions);
        let create = |_| world.create_heap(actors[0], &HeapOptions::default()).unwrap();
        let heaps = if apart == Apart::Heaps { (0..partitions).map(create).collect() } else { Vec::new() };
        let (blocks, owners) = (Vec::new(), BTreeMap::new());
        Model { world, apart, partitions, actors, heaps, blocks, owners, shared: None, tags: 0 }
    }

    /// Every slice of the block was its owner's before, or had none. Blocks with a mapping of their
    /// own lie where the system has them.
    fn enter(&mut self, start: Option<NonNull<u8>>, actor: usize, owner: usize) {
        let Some(start) = start else {
            return;
        };
        let usable = self.world.usable_bytes(self.actors[actor], start).unwrap();
        self.tags = self.tags.wrapping_add(1);
        let block = Block { start, usable, tag: self.tags, owner };
        // SAFETY: the block holds that much.
        unsafe { start.write_bytes(block.tag, usable.min(64)) };
        self.blocks.push(block);
        let address = start.addr().get();
        if usable >= HUGE_BYTES_MIN || usable == 0 {
            return;
        }
        for slice in address / SLICE_BYTES..(address + usable).div_ceil(SLICE_BYTES) {
            let before = *self.owners.entry(slice).or_insert(owner);
            if before != owner {
                self.shared.get_or_insert(format!("{usable} bytes for {owner} at {address:x}, which were {before}'s"));
            }
        }
    }

    fn allocate(&mut self, actor: usize, token: usize, bytes: usize) {
        let (world, context) = (self.world, self.actors[actor]);
        let owner = token.min(self.partitions);
        let start = match (self.apart, owner < self.partitions) {
            (_, false) => world.allocate(context, bytes),
            (Apart::Partitions, true) => {
                world.allocate_typed_hit(context, owner, bytes).or_else(|| world.allocate_typed(context, owner, bytes, 1))
            }
            (Apart::Heaps, true) => world.allocate_in(context, self.heaps[owner], bytes),
        };
        self.enter(start, actor, owner);
    }

    fn allocate_zeroed(&mut self, actor: usize, token: usize, bytes: usize) {
        let (world, context) = (self.world, self.actors[actor]);
        let owner = token.min(self.partitions);
        let start = match (self.apart, owner < self.partitions) {
            (_, false) => world.allocate_zeroed(context, bytes),
            (Apart::Partitions, true) => world.allocate_zeroed_typed(context, owner, bytes),
            (Apart::Heaps, true) => world.allocate_zeroed_in(context, self.heaps[owner], bytes),
        };
        if let Some(start) = start {
            // SAFETY: the block holds that much.
            assert!((0..bytes.min(64)).all(|at| unsafe { start.add(at).read() } == 0));
        }
        self.enter(start, actor, owner);
    }

    fn allocate_aligned(&mut self, actor: usize, token: usize, bytes: usize, align: usize) {
        let (world, context) = (self.world, self.actors[actor]);
        let owner = token.min(self.partitions);
        let start = match (self.apart, owner < self.partitions) {
            (_, false) => world.allocate_aligned(context, bytes, align),
            (Apart::Partitions, true) => world.allocate_typed(context, owner, bytes, align),
            (Apart::Heaps, true) => world.allocate_aligned_in(context, self.heaps[owner], bytes, align),
        };
        assert!(start.is_none_or(|start| start.addr().get() % align == 0));
        self.enter(start, actor, owner);
    }

    /// With a token, the block moves to its partition; without, it stays in its own.
    fn reallocate(&mut self, actor: usize, block: usize, token: usize, bytes: usize) {
        let Some(block) = self.take(block) else {
            return;
        };
        let context = self.actors[actor];
        let is_typed = self.apart == Apart::Partitions && token < self.partitions;
        let owner = if is_typed { token } else { block.owner };
        let moved = if is_typed {
            // SAFETY: the block is live, and not used any more if it moved.
            unsafe { self.world.reallocate_typed(context, token, block.start, bytes.max(1)) }
        } else {
            // SAFETY: as above.
            unsafe { self.world.reallocate(context, block.start, bytes.max(1)) }
        };
        match moved {
            Some(moved) => {
                let kept = block.usable.min(bytes).min(64);
                // SAFETY: the block holds that much.
                assert!((0..kept).all(|at| unsafe { moved.add(at).read() } == block.tag));
                self.enter(Some(moved), actor, owner);
            }
            None => self.blocks.push(block),
        }
    }

    fn take(&mut self, block: usize) -> Option<Block> {
        if self.blocks.is_empty() { None } else { Some(self.blocks.swap_remove(block % self.blocks.len())) }
    }

    fn free(&self, actor: usize, block: Block) {
        // SAFETY: the block holds that much.
        assert!((0..block.usable.min(64)).all(|at| unsafe { block.start.add(at).read() } == block.tag));
        // SAFETY: the block is live, and not used any more.
        unsafe { self.world.free(self.actors[actor], block.start.as_ptr()) };
    }

    fn run(&mut self, op: &Op) {
        match *op {
            Op::Allocate { actor, token, bytes } => self.allocate(actor, token, bytes),
            Op::AllocateZeroed { actor, token, bytes } => self.allocate_zeroed(actor, token, bytes),
            Op::AllocateAligned { actor, token, bytes, shift } => self.allocate_aligned(actor, token, bytes, 1 << shift),
            Op::Reallocate { actor, block, token, bytes } => self.reallocate(actor, block, token, bytes),
            Op::Free { actor, block } => {
                if let Some(block) = self.take(block) {
                    self.free(actor, block);
                }
            }
            Op::FreeAll { actor, token } => {
                let owner = token.min(self.partitions);
                let (freed, kept) = self.blocks.drain(..).partition(|block| block.owner == owner);
                self.blocks = kept;
                let freed: Vec<Block> = freed;
                freed.into_iter().for_each(|block| self.free(actor, block));
            }
            Op::ThreadEnds { actor } => {
                self.world.detach(self.actors[actor]);
                self.actors[actor] = Actor::new();
            }
            Op::PurgeAll { actor } => {
                let _ = self.world.purge_all(self.actors[actor]);
            }
            Op::Wait => self.world.wait(500),
        }
    }

    fn end(self) -> Option<String> {
        assert!(self.actors.iter().all(|actor| actor.misuses().is_empty()));
        self.world.survey(self.actors[0]).unwrap();
        self.shared
    }
}

fn shared(world: &World<LimitedMapper>, apart: Apart, partitions: u8, ops: &[Op]) -> Option<String> {
    let mut model = Model::new(world, apart, partitions);
    ops.iter().for_each(|op| model.run(op));
    model.end()
}

/// Every partition has much, which is freed and purged, before the next has as much.
fn one_after_the_other() -> Vec<Op> {
    let mut ops = Vec::new();
    for token in 0..9 {
        for bytes in [100, 5000, 100_000, MIB] {
            ops.extend((0..40).map(|_| Op::Allocate { actor: 0, token, bytes }));
        }
        ops.extend([Op::FreeAll { actor: 1, token }, Op::ThreadEnds { actor: 0 }, Op::PurgeAll { actor: 1 }, Op::Wait]);
    }
    ops
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 1 } else { 48 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_slice_has_two_owners(partitions in 2u8..=8, ops in proptest::collection::vec(op(), 1..300)) {
        let world = World::<LimitedMapper>::new();
        prop_assert_eq!(shared(&world, Apart::Partitions, partitions, &ops), None);
    }

    #[test]
    fn no_slice_of_a_small_region_has_two_owners(partitions in 2u8..=8, ops in proptest::collection::vec(op(), 1..300)) {
        let world = World::<LimitedMapper>::with_limits(usize::MAX, 128 * MIB);
        prop_assert_eq!(shared(&world, Apart::Partitions, partitions, &ops), None);
    }

    #[test]
    fn no_slice_has_two_owners_where_every_block_is_checked(partitions in 2u8..=8, ops in proptest::collection::vec(op(), 1..200)) {
        let world = World::<LimitedMapper>::new();
        let checks = Checks { hardened: true, ..Checks::NONE };
        assert!(world.tune(Actor::new(), |tunables| tunables.checks = checks));
        prop_assert_eq!(shared(&world, Apart::Partitions, partitions, &ops), None);
    }

    #[test]
    fn no_slice_has_two_owners_on_several_nodes(
        policy in prop_oneof![Just(NumaPolicy::Auto), Just(NumaPolicy::Interleave)],
        ops in proptest::collection::vec((op(), 0u32..3), 1..300),
    ) {
        let world = World::<LimitedMapper>::new();
        world.mapper.nodes.store(0b111, Ordering::Relaxed);
        assert!(world.tune(Actor::new(), |tunables| tunables.numa = policy));
        let mut model = Model::new(&world, Apart::Partitions, 3);
        for (op, node) in &ops {
            world.mapper.node.store(*node, Ordering::Relaxed);
            model.run(op);
        }
        prop_assert_eq!(model.end(), None);
    }
}

#[test]
fn heaps_without_the_rule_share_slices() {
    let ops = one_after_the_other();
    assert!(shared(&World::new(), Apart::Heaps, 8, &ops).is_some(), "the test sees what is shared");
    assert_eq!(shared(&World::new(), Apart::Partitions, 8, &ops), None);
}

#[test]
fn without_the_option_tokens_change_nothing() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    let first = world.allocate_typed(actor, 0, 100, 1).unwrap();
    // SAFETY: it is not used any more.
    unsafe { world.free(actor, first.as_ptr()) };
    assert_eq!(world.allocate_typed(actor, 1, 100, 1), Some(first));
    assert!(!world.may_have_partitions());
    assert_eq!(world.stats(actor).isolated_heaps, 0);
    world.survey(actor).unwrap();
}

#[test]
fn a_heap_that_a_thread_entered_comes_first() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    assert!(world.tune(actor, |tunables| tunables.partitions = 2));
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    let outside = world.allocate_typed(actor, 1, 100, 1).unwrap();
    assert!(world.push_heap(actor, Some(heap)));
    let inside = world.allocate_typed(actor, 1, 100, 1).unwrap();
    assert_eq!(world.allocate_typed_hit(actor, 1, 100), None);
    // SAFETY: the block is live, and the model knows what becomes of it.
    let moved = unsafe { world.reallocate_typed(actor, 1, inside, 5000) }.unwrap();
    assert_eq!(world.owner_of(actor, moved.addr().get()), Some(BlockOwner::Heap(heap)));
    assert!(world.pop_heap(actor));
    // A block of a program's heap stays in it, whatever the token.
    // SAFETY: as above.
    let moved = unsafe { world.reallocate_typed(actor, 0, moved, 50) }.unwrap();
    assert_eq!(world.owner_of(actor, moved.addr().get()), Some(BlockOwner::Heap(heap)));
    // To the program, a partition is the global heap.
    assert_eq!(world.owner_of(actor, outside.addr().get()), Some(BlockOwner::Global));
    // SAFETY: nothing of the heap is used any more.
    unsafe { world.destroy_heap(actor, heap, HeapMemory::Released) }.unwrap();
    // SAFETY: it is not used any more.
    unsafe { world.free(actor, outside.as_ptr()) };
    world.survey(actor).unwrap();
}

#[test]
fn a_thread_that_has_ended_still_has_its_partitions() {
    let world = World::<LimitedMapper>::new();
    let [actor, other] = [(); 2].map(|()| Actor::new());
    assert!(world.tune(actor, |tunables| tunables.partitions = 2));
    let first = world.allocate_typed(actor, 0, 100, 1).unwrap();
    world.detach(actor);
    let late = world.allocate_typed(actor, 0, 100, 1).unwrap();
    // The next thread takes over what this one left.
    let next = world.allocate_typed(other, 0, 100, 1).unwrap();
    let span = |block: NonNull<u8>| block.addr().get() / SLICE_BYTES;
    assert_eq!([span(late), span(next)], [span(first); 2]);
    let far = world.allocate_typed(other, 1, 100, 1).unwrap();
    assert_ne!(span(far), span(first));
    world.survey(other).unwrap();
}

#[test]
fn a_huge_block_that_shrinks_goes_back_to_the_partitions_addresses() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    assert!(world.tune(actor, |tunables| tunables.partitions = 2));
    // As `realloc` does it, with a token and without.
    for is_typed in [true, false] {
        let huge = world.allocate_typed(actor, 0, 40 * MIB, 1).unwrap();
        // SAFETY: the block is live, and used only as what it became.
        let small = unsafe {
            match is_typed {
                true => world.reallocate_typed(actor, 0, huge, 20 * MIB),
                false => world.reallocate(actor, huge, 20 * MIB),
            }
        };
        let small = small.unwrap();
        assert_ne!(small, huge);
        assert_eq!(world.stats(actor).huge_blocks, 0);
        // SAFETY: it is not used any more.
        unsafe { world.free(actor, small.as_ptr()) };
    }
    world.survey(actor).unwrap();
}

#[test]
fn what_is_in_partitions_is_the_global_heaps_in_its_statistics() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    assert!(world.tune(actor, |tunables| tunables.partitions = 2));
    let blocks: Vec<_> = (0..1000).map(|number| world.allocate_typed(actor, number % 2, 1000, 1).unwrap()).collect();
    assert!(world.global_heap_stats(actor).allocated >= 1_000_000);
    assert_eq!(world.stats(actor).isolated_heaps, 0);
    // SAFETY: they are not used any more.
    blocks.into_iter().for_each(|block| unsafe { world.free(actor, block.as_ptr()) });
    world.survey(actor).unwrap();
}
