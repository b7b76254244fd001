//! Heaps and buffers as the standard library's allocators: on a stable compiler with
//! `RUSTC_BOOTSTRAP=1`.
#![feature(allocator_api)]
#![allow(clippy::disallowed_types, reason = "the core's rule")]

use std::alloc::{Allocator, Layout};
use std::collections::VecDeque;
use std::sync::Arc;

use tinyalloc::Heap;
use tinyalloc::stack::StackAllocator;

#[test]
fn collections_of_the_standard_library_live_in_a_heap() {
    let heap = Heap::new().unwrap();
    let mut numbers = Vec::new_in(&heap);
    numbers.extend(0..1000_u32);
    let shared = Arc::new_in([7_u64; 20], &heap);
    let mut queue: VecDeque<Box<u8, &Heap>, &Heap> = VecDeque::new_in(&heap);
    queue.push_front(Box::new_in(3_u8, &heap));
    assert!(heap.contains(numbers.as_ptr().cast::<u8>()) && heap.contains((&raw const *shared).cast::<u8>()));
    assert_eq!((numbers.iter().sum::<u32>(), shared[19], **queue.front().unwrap()), (499_500, 7, 3));
    drop((numbers, shared, queue));
    assert_eq!(heap.stats().allocated, 0);
}

#[test]
fn a_vector_lives_in_a_buffer() {
    let stack = StackAllocator::<4096>::new();
    let mut numbers = Vec::with_capacity_in(10, &stack);
    numbers.extend(0..100_u16);
    assert!(stack.contains(numbers.as_ptr().cast::<u8>()));
    assert_eq!(numbers.len(), 100);
}

#[test]
fn a_block_says_how_large_it_is() {
    let heap = Heap::new().unwrap();
    let layout = Layout::from_size_align(33, 8).unwrap();
    let block = Allocator::allocate(&&heap, layout).unwrap();
    assert_eq!(block.len(), 48);
    let all = Layout::from_size_align(block.len(), 8).unwrap();
    // SAFETY: the block is of this layout, too.
    unsafe { Allocator::deallocate(&&heap, block.cast(), all) };
    assert_eq!(Allocator::allocate_zeroed(&&heap, layout).unwrap().len(), 33);
}
