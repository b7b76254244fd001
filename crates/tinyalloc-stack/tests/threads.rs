//! Threads that allocate, resize, and free their own blocks and each other's.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "each block is used within its layout, and freed once")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{scope, yield_now};

use tinyalloc_stack::StackAllocator;

const THREADS: usize = 4;
const ROUNDS: usize = 20_000;
const HELD_MOST: usize = 8;

type Stack = StackAllocator<16384>;

struct Block {
    start: *mut u8,
    layout: Layout,
    tag: u8,
}

// SAFETY: a block is used by one thread at a time.
unsafe impl Send for Block {}

impl Block {
    fn new(stack: &Stack, bytes: usize, tag: u8) -> Option<Block> {
        let layout = Layout::from_size_align(bytes, 1 << (bytes % 6)).unwrap();
        // SAFETY: see above.
        unsafe {
            let start = stack.alloc(layout);
            (!start.is_null()).then(|| start.write_bytes(tag, bytes))?;
            Some(Block { start, layout, tag })
        }
    }

    fn resize(self, stack: &Stack, bytes: usize) -> Block {
        self.check();
        // SAFETY: see above.
        unsafe {
            let start = stack.realloc(self.start, self.layout, bytes);
            if start.is_null() {
                return self;
            }
            let kept = self.layout.size().min(bytes);
            assert!((0..kept).all(|at| start.add(at).read() == self.tag));
            start.write_bytes(self.tag, bytes);
            Block { start, layout: Layout::from_size_align(bytes, self.layout.align()).unwrap(), ..self }
        }
    }

    fn check(&self) {
        // SAFETY: see above.
        assert!((0..self.layout.size()).all(|at| unsafe { self.start.add(at).read() } == self.tag), "no thread wrote to it");
    }

    fn free(self, stack: &Stack) {
        self.check();
        // SAFETY: see above.
        unsafe { stack.dealloc(self.start, self.layout) };
    }
}

/// Allocates, resizes, passes on and frees at random; returns how often it was refused.
fn work(stack: &Stack, seed: usize, inbox: &Receiver<Block>, next: &Sender<Block>) -> usize {
    let mut state = seed as u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let (mut held, mut refused) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        match Block::new(stack, 1 + below(200), u8::try_from(round % 251).unwrap()) {
            Some(block) => held.push(block),
            None => refused += 1,
        }
        if !held.is_empty() && below(3) == 0 {
            let block = held.swap_remove(below(held.len()));
            held.push(block.resize(stack, 1 + below(300)));
        }
        if !held.is_empty() && below(3) == 0 {
            next.send(held.swap_remove(below(held.len()))).unwrap();
        }
        while held.len() > HELD_MOST {
            held.swap_remove(below(held.len())).free(stack);
        }
        inbox.try_iter().for_each(|block| block.free(stack));
        // So that the buffer is empty now and then, which is when the lowest blocks are reclaimed.
        if below(50) == 0 {
            held.drain(..).for_each(|block| block.free(stack));
            yield_now();
        }
    }
    held.into_iter().for_each(|block| block.free(stack));
    refused
}

#[test]
fn what_threads_allocate_and_free_for_each_other_stays_whole_and_is_all_reclaimed() {
    let stack = Stack::new();
    let refused = AtomicUsize::new(0);
    let (senders, inboxes): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| channel()).unzip();
    scope(|threads| {
        for (index, inbox) in inboxes.into_iter().enumerate() {
            let (next, stack, refused) = (senders[(index + 1) % THREADS].clone(), &stack, &refused);
            threads.spawn(move || {
                refused.fetch_add(work(stack, index + 1, &inbox, &next), Ordering::Relaxed);
                drop(next);
                inbox.iter().for_each(|block| block.free(stack));
            });
        }
        drop(senders);
    });
    assert_eq!(stack.used(), 0);
    assert!(refused.into_inner() < THREADS * ROUNDS, "some were served");
}

#[test]
fn threads_that_free_at_the_same_time_leave_nothing_behind() {
    let stack = Stack::new();
    for _ in 0..2_000 {
        let blocks: Vec<_> = (0..8).map(|tag| Block::new(&stack, 16, tag).unwrap()).collect();
        let (even, odd): (Vec<_>, Vec<_>) = blocks.into_iter().partition(|block| block.tag % 2 == 0);
        scope(|threads| {
            let stack = &stack;
            threads.spawn(move || even.into_iter().for_each(|block| block.free(stack)));
            odd.into_iter().for_each(|block| block.free(stack));
        });
        assert_eq!(stack.used(), 0);
    }
}
