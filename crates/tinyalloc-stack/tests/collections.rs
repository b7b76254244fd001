//! `&StackAllocator` as an `Allocator` of allocator-api2, 0.2 and 0.4 side by side.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

use std::alloc::{Layout, System};
use std::thread::scope;

use allocator_api2_02 as v02;
use allocator_api2_04 as v04;
use blink_alloc::BlinkAlloc;
use hashbrown::{DefaultHashBuilder, HashMap};
use tinyalloc_stack::StackAllocator;

#[test]
fn vectors_and_boxes_of_both_versions_share_a_buffer() {
    let stack = StackAllocator::<4096>::new();
    {
        let mut old = v02::vec::Vec::new_in(&stack);
        let mut new = v04::vec::Vec::new_in(&stack);
        for number in 0..100u32 {
            old.push(number);
            new.push(u64::from(number));
        }
        let boxes = (v02::boxed::Box::new_in([1u8; 10], &stack), v04::boxed::Box::new_in([2u8; 10], &stack));
        assert!(old.iter().zip(&new).all(|(old, new)| u64::from(*old) == *new));
        assert!(stack.contains(boxes.0.as_ptr()) && stack.contains(boxes.1.as_ptr()));
        old.shrink_to_fit();
        old.clear();
        old.shrink_to_fit();
        assert_eq!(old.capacity(), 0);
    }
    assert_eq!(stack.used(), 0);
}

#[test]
fn hash_maps_live_in_a_buffer() {
    let stack = StackAllocator::<16384>::new();
    let mut map = HashMap::with_hasher_in(DefaultHashBuilder::default(), &stack);
    (0..200u32).for_each(|number| _ = map.insert(number, number * number));
    assert!((0..200).all(|number| map.get(&number) == Some(&(number * number))));
    assert!(stack.contains((&raw const map[&7]).cast()));
    drop(map);
    assert_eq!(stack.used(), 0);
}

#[test]
fn an_arena_takes_its_chunks_from_a_buffer() {
    let stack = StackAllocator::<65536>::new();
    {
        let arena = BlinkAlloc::new_in(&stack);
        let mut numbers = v04::vec::Vec::new_in(&arena);
        numbers.extend(0..1000u32);
        assert!(stack.contains(numbers.as_ptr().cast()));
        assert_eq!(numbers.iter().sum::<u32>(), 499_500);
    }
    assert_eq!(stack.used(), 0);
}

#[test]
fn a_full_buffer_is_an_error_and_keeps_what_is_there() {
    let stack = StackAllocator::<128>::new();
    let mut bytes = v04::vec::Vec::new_in(&stack);
    bytes.extend([7u8; 100]);
    assert!(bytes.try_reserve(100).is_err());
    assert!(bytes.iter().all(|byte| *byte == 7));
    assert!(v02::boxed::Box::try_new_in([0u8; 100], &stack).is_err());
}

#[test]
fn what_overflows_is_served_by_the_second_allocator() {
    let stack = StackAllocator::<128, System>::with_overflow(System);
    let mut bytes = v04::vec::Vec::new_in(&stack);
    bytes.extend([7u8; 100]);
    assert!(stack.contains(bytes.as_ptr()));
    bytes.extend([7u8; 1000]);
    assert!(!stack.contains(bytes.as_ptr()));
    assert!(bytes.iter().all(|byte| *byte == 7));
    assert_eq!(stack.used(), 0);
}

#[test]
fn collections_may_move_to_other_threads_while_the_buffer_stays() {
    let stack = StackAllocator::<8192>::new();
    scope(|threads| {
        for thread in 0..4u8 {
            let mut bytes = v04::vec::Vec::new_in(&stack);
            bytes.push(thread);
            threads.spawn(move || {
                bytes.resize(1000, thread);
                assert!(bytes.iter().all(|byte| *byte == thread));
            });
        }
    });
    assert_eq!(stack.used(), 0);
}

/// What the traits say beyond what collections use.
macro_rules! promises_of_the_trait {
    ($tests:ident, $version:ident) => {
        mod $tests {
            use super::*;
            use allocator::Allocator;
            use $version::alloc as allocator;

            fn layout(bytes: usize, align: usize) -> Layout {
                Layout::from_size_align(bytes, align).unwrap()
            }

            #[test]
            fn a_block_may_change_its_alignment_as_it_grows_and_shrinks() {
                let stack = StackAllocator::<4096, System>::with_overflow(System);
                let allocator = &stack;
                for bytes in [40, 5000] {
                    let start = allocator.allocate(layout(bytes, 1)).unwrap().cast::<u8>();
                    // SAFETY: each block is used within its layout, and given up for the next.
                    unsafe {
                        start.write_bytes(7, bytes);
                        let grown = allocator.grow(start, layout(bytes, 1), layout(bytes + 20, 512)).unwrap();
                        assert!(grown.cast::<u8>().addr().get() % 512 == 0 && grown.len() == bytes + 20);
                        assert!(grown.as_ref()[..bytes].iter().all(|byte| *byte == 7));
                        let shrunk = allocator.shrink(grown.cast(), layout(bytes + 20, 512), layout(20, 2)).unwrap();
                        assert!(shrunk.as_ref().iter().all(|byte| *byte == 7) && shrunk.len() == 20);
                        allocator.deallocate(shrunk.cast(), layout(20, 2));
                    }
                    assert_eq!(stack.used(), 0);
                }
            }

            #[test]
            fn what_is_zeroed_is_zero_beyond_what_was_there() {
                let stack = StackAllocator::<256>::new();
                let allocator = &stack;
                let dirty = allocator.allocate(layout(200, 1)).unwrap().cast::<u8>();
                // SAFETY: each block is used within its layout, and given up for the next.
                unsafe {
                    dirty.write_bytes(9, 200);
                    allocator.deallocate(dirty, layout(200, 1));
                    let start = allocator.allocate(layout(10, 1)).unwrap().cast::<u8>();
                    let grown = allocator.grow_zeroed(start, layout(10, 1), layout(200, 1)).unwrap();
                    assert_eq!(grown.cast(), start);
                    assert_eq!(grown.as_ref()[..10], [9; 10]);
                    assert!(grown.as_ref()[10..].iter().all(|byte| *byte == 0));
                    allocator.deallocate(start, layout(200, 1));
                    assert!(allocator.allocate_zeroed(layout(240, 1)).unwrap().as_ref().iter().all(|byte| *byte == 0));
                }
            }

            #[test]
            fn empty_blocks_take_no_space() {
                let stack = StackAllocator::<256>::new();
                let allocator = &stack;
                let empty = allocator.allocate_zeroed(layout(0, 128)).unwrap();
                assert!(empty.is_empty() && empty.cast::<u8>().addr().get() % 128 == 0);
                assert_eq!(stack.used(), 0);
                // SAFETY: each block is used within its layout, and given up for the next.
                unsafe {
                    let grown = allocator.grow(empty.cast(), layout(0, 128), layout(10, 1)).unwrap();
                    assert!(stack.used() > 0);
                    let empty = allocator.shrink(grown.cast(), layout(10, 1), layout(0, 1)).unwrap();
                    allocator.deallocate(empty.cast(), layout(0, 1));
                }
                assert_eq!(stack.used(), 0);
            }
        }
    };
}

promises_of_the_trait!(of_version_02, v02);
promises_of_the_trait!(of_version_04, v04);
