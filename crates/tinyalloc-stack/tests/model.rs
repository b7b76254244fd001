//! The whole interface against a model: alignment, overlap, contents, what is reclaimed and when.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::slice::{from_raw_parts, from_raw_parts_mut};

use proptest::prelude::*;
use tinyalloc_stack::StackAllocator;

const BYTES: usize = 4096;

#[derive(Clone, Debug)]
enum Op {
    Allocate(usize, u32),
    Zeroed(usize, u32),
    Reallocate(usize, usize),
    Free(usize),
    FreeTop,
}

fn op() -> impl Strategy<Value = Op> {
    let (bytes, shift) =
        (prop_oneof![6 => 0..100usize, 2 => 0..1000usize, 1 => 0..2 * BYTES], prop_oneof![6 => 0..5u32, 1 => 0..12u32]);
    prop_oneof![
        4 => (bytes.clone(), shift.clone()).prop_map(|(bytes, shift)| Op::Allocate(bytes, shift)),
        1 => (bytes.clone(), shift).prop_map(|(bytes, shift)| Op::Zeroed(bytes, shift)),
        3 => (any::<usize>(), bytes).prop_map(|(block, bytes)| Op::Reallocate(block, bytes)),
        3 => any::<usize>().prop_map(Op::Free),
        2 => Just(Op::FreeTop),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Block {
    start: *mut u8,
    layout: Layout,
    tag: u8,
}

impl Block {
    fn range(&self) -> (usize, usize) {
        (self.start.addr(), self.start.addr() + self.layout.size())
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the block is live.
        unsafe { from_raw_parts(self.start, self.layout.size()) }
    }
}

/// Drives the allocator and checks every answer. Blocks stand in the order in which they were
/// placed.
struct Model<'stack, A> {
    stack: &'stack A,
    blocks: Vec<Block>,
    tags: u8,
}

impl<A: GlobalAlloc> Model<'_, A> {
    fn allocate(&mut self, bytes: usize, shift: u32, zeroed: bool) -> bool {
        let layout = Layout::from_size_align(bytes, 1 << shift).unwrap();
        let allocate = if zeroed { A::alloc_zeroed } else { A::alloc };
        // SAFETY: this allocator takes empty layouts.
        let start = unsafe { allocate(self.stack, layout) };
        if start.is_null() {
            return false;
        }
        let block = self.enter(start, layout);
        assert!(!zeroed || block.bytes().iter().all(|byte| *byte == 0));
        self.fill(block);
        true
    }

    fn enter(&mut self, start: *mut u8, layout: Layout) -> Block {
        assert!(start.addr() % layout.align() == 0, "{layout:?} is honoured");
        self.tags = self.tags % 250 + 1;
        let block = Block { start, layout, tag: self.tags };
        let overlaps =
            |other: &&Block| layout.size() > 0 && other.range().0 < block.range().1 && block.range().0 < other.range().1;
        assert_eq!(self.blocks.iter().find(overlaps).map(Block::range), None, "{:?} belongs to no other thread", block.range());
        self.blocks.push(block);
        block
    }

    fn fill(&self, block: Block) {
        // SAFETY: the block is live.
        unsafe { from_raw_parts_mut(block.start, block.layout.size()) }.fill(block.tag);
    }

    fn reallocate(&mut self, index: usize, bytes: usize) -> bool {
        let Some(block) = self.pick(index) else {
            return true;
        };
        // SAFETY: the block is live; this allocator takes empty sizes.
        let start = unsafe { self.stack.realloc(block.start, block.layout, bytes) };
        if start.is_null() {
            self.check();
            return false;
        }
        self.blocks.retain(|other| other.start != block.start || other.tag != block.tag);
        let layout = Layout::from_size_align(bytes, block.layout.align()).unwrap();
        let moved = self.enter(start, layout);
        assert!(moved.bytes().iter().take(block.layout.size()).all(|byte| *byte == block.tag), "contents are kept");
        self.fill(moved);
        true
    }

    fn free(&mut self, index: usize) {
        let Some(block) = self.pick(index) else {
            return;
        };
        assert!(block.bytes().iter().all(|byte| *byte == block.tag), "no other thread wrote to it");
        self.blocks.retain(|other| other.start != block.start || other.tag != block.tag);
        // SAFETY: the block is live, and used no more.
        unsafe { self.stack.dealloc(block.start, block.layout) };
    }

    fn pick(&self, index: usize) -> Option<Block> {
        self.blocks.get(index.checked_rem(self.blocks.len())?).copied()
    }

    fn check(&self) {
        assert!(self.blocks.iter().all(|block| block.bytes().iter().all(|byte| *byte == block.tag)));
    }

    fn run(&mut self, op: &Op) -> bool {
        match *op {
            Op::Allocate(bytes, shift) => self.allocate(bytes, shift, false),
            Op::Zeroed(bytes, shift) => self.allocate(bytes, shift, true),
            Op::Reallocate(block, bytes) => self.reallocate(block, bytes),
            Op::Free(block) => {
                self.free(block);
                true
            }
            Op::FreeTop => {
                self.free(self.blocks.len().wrapping_sub(1));
                true
            }
        }
    }

    fn free_all(&mut self) {
        while !self.blocks.is_empty() {
            self.free(self.blocks.len() / 2);
        }
    }
}

fn model<A>(stack: &A) -> Model<'_, A> {
    Model { stack, blocks: Vec::new(), tags: 0 }
}

/// The end of the highest block that lives in the buffer: what `used` is when everything above is
/// reclaimed.
fn highest_end(stack: &StackAllocator<BYTES>, blocks: &[Block]) -> usize {
    let base = (&raw const *stack).addr();
    let ends = blocks.iter().filter(|block| block.layout.size() > 0).map(|block| block.range().1 - base);
    ends.max().unwrap_or(0)
}

proptest! {
    #[test]
    fn every_history_keeps_blocks_apart_and_their_contents(ops in prop::collection::vec(op(), 1..200)) {
        let stack = StackAllocator::<BYTES>::new();
        let mut model = model(&stack);
        for op in &ops {
            model.run(op);
            let end = highest_end(&stack, &model.blocks);
            // A block that shrank below others keeps its bytes until it is the topmost again and
            // freed.
            prop_assert!(stack.used() >= end);
            prop_assert!(stack.used() <= stack.high_water() && stack.high_water() <= stack.capacity());
        }
        model.check();
        model.free_all();
        prop_assert_eq!(stack.used(), 0);
    }

    #[test]
    fn without_shrinking_what_is_used_ends_with_the_highest_live_block(
        ops in prop::collection::vec(op().prop_filter("no resize", |op| !matches!(op, Op::Reallocate(..))), 1..200),
    ) {
        let stack = StackAllocator::<BYTES>::new();
        let mut model = model(&stack);
        for op in &ops {
            model.run(op);
            prop_assert_eq!(stack.used(), highest_end(&stack, &model.blocks));
        }
    }

    #[test]
    fn with_an_overflow_nothing_is_refused(ops in prop::collection::vec(op(), 1..300)) {
        let stack = StackAllocator::<512, System>::with_overflow(System);
        let mut model = model(&stack);
        for op in &ops {
            prop_assert!(model.run(op), "{:?}", op);
        }
        model.check();
        model.free_all();
        prop_assert_eq!(stack.used(), 0);
    }
}
