//! Each promise of the stack allocator by itself.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(
    clippy::multiple_unsafe_ops_per_block,
    reason = "each block is used within its layout, and freed once, unless it says otherwise"
)]

use std::alloc::{GlobalAlloc, Layout, System};

use tinyalloc_stack::{Nothing, StackAllocator};

const HEADER_BYTES: usize = 8;

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).unwrap()
}

#[test]
fn the_topmost_block_grows_and_shrinks_in_place() {
    let stack = StackAllocator::<1024>::new();
    // SAFETY: see above.
    unsafe {
        let block = stack.alloc(layout(100));
        assert_eq!(stack.used(), HEADER_BYTES + 100);
        assert_eq!(stack.realloc(block, layout(100), 900), block);
        assert_eq!(stack.used(), HEADER_BYTES + 900);
        assert_eq!(stack.realloc(block, layout(900), 10), block);
        assert_eq!(stack.used(), HEADER_BYTES + 10);
        assert_eq!(stack.realloc(block, layout(10), 1016), block, "to the last byte");
        assert!(stack.realloc(block, layout(1016), 1017).is_null(), "and no further");
        stack.dealloc(block, layout(1016));
    }
    assert_eq!((stack.used(), stack.high_water(), stack.capacity()), (0, 1024, 1024));
}

#[test]
fn a_block_freed_below_others_is_reclaimed_with_the_last_of_them() {
    let stack = StackAllocator::<1024>::new();
    // SAFETY: see above.
    unsafe {
        let blocks = [(); 4].map(|()| stack.alloc(layout(56)));
        stack.dealloc(blocks[1], layout(56));
        stack.dealloc(blocks[2], layout(56));
        assert_eq!(stack.used(), 4 * 64);
        stack.dealloc(blocks[3], layout(56));
        assert_eq!(stack.used(), 64);
        assert_eq!(stack.alloc(layout(56)), blocks[1]);
    }
}

#[test]
fn padding_is_reclaimed_with_its_block() {
    let stack = StackAllocator::<4096>::new();
    let aligned = Layout::from_size_align(1, 1024).unwrap();
    // SAFETY: see above.
    unsafe {
        let below = stack.alloc(layout(1));
        let used = stack.used();
        let above = stack.alloc(aligned);
        assert!(above.addr() % 1024 == 0);
        stack.dealloc(above, aligned);
        assert_eq!(stack.used(), used);
        stack.dealloc(below, layout(1));
    }
}

#[test]
fn what_cannot_fit_is_refused_and_changes_nothing() {
    let stack = StackAllocator::<256>::new();
    let absurd = [(isize::MAX as usize - 7, 8), (1, 1 << (usize::BITS - 2)), (249, 1), (usize::MAX >> 1, 1)];
    for (bytes, align) in absurd {
        let layout = Layout::from_size_align(bytes, align).unwrap();
        // SAFETY: see above.
        assert!(unsafe { stack.alloc(layout) }.is_null(), "{layout:?}");
        // SAFETY: see above.
        assert!(unsafe { stack.alloc_zeroed(layout) }.is_null(), "{layout:?}");
    }
    assert_eq!((stack.used(), stack.high_water()), (0, 0));
}

#[test]
fn an_empty_buffer_refuses_everything() {
    let stack = StackAllocator::<0>::new();
    // SAFETY: see above.
    assert!(unsafe { stack.alloc(layout(1)) }.is_null());
    assert!(!stack.contains((&raw const stack).cast()));
}

#[test]
fn empty_layouts_take_no_space_and_may_grow() {
    let stack = StackAllocator::<256>::new();
    let empty = Layout::from_size_align(0, 64).unwrap();
    // SAFETY: see above; this allocator takes empty layouts.
    unsafe {
        let nothing = stack.alloc(empty);
        assert!(!nothing.is_null() && nothing.addr() % 64 == 0);
        assert_eq!(stack.used(), 0);
        let something = stack.realloc(nothing, empty, 10);
        assert!(stack.contains(something) && something.addr() % 64 == 0);
        let nothing = stack.realloc(something, Layout::from_size_align(10, 64).unwrap(), 0);
        assert!(!nothing.is_null());
        assert_eq!(stack.used(), 0);
        stack.dealloc(nothing, empty);
    }
}

#[test]
fn zeroed_blocks_are_zero_where_others_were() {
    let stack = StackAllocator::<256>::new();
    // SAFETY: see above.
    unsafe {
        let block = stack.alloc(layout(64));
        block.write_bytes(0xff, 64);
        stack.dealloc(block, layout(64));
        let again = stack.alloc_zeroed(layout(64));
        assert_eq!(again, block);
        assert!((0..64).all(|at| again.add(at).read() == 0));
    }
}

#[test]
fn what_overflows_is_freed_to_whom_it_came_from() {
    let stack = StackAllocator::<256, StackAllocator<1024>>::with_overflow(StackAllocator::new());
    // SAFETY: see above.
    unsafe {
        let here = stack.alloc(layout(200));
        let there = stack.alloc(layout(100));
        assert!(stack.contains(here) && !stack.contains(there) && stack.overflow().contains(there));
        assert_eq!(stack.overflow().used(), HEADER_BYTES + 100);
        let grown = stack.realloc(there, layout(100), 200);
        assert_eq!((grown, stack.overflow().used()), (there, HEADER_BYTES + 200));
        stack.dealloc(grown, layout(200));
        assert_eq!((stack.used(), stack.overflow().used()), (HEADER_BYTES + 200, 0));
        here.write_bytes(7, 200);
        let moved = stack.realloc(here, layout(200), 300);
        assert!(stack.overflow().contains(moved));
        assert!((0..200).all(|at| moved.add(at).read() == 7), "it took its contents along");
        assert_eq!(stack.used(), 0);
        assert!(stack.alloc(layout(2000)).is_null(), "neither has that much");
        stack.dealloc(moved, layout(300));
        assert_eq!(stack.overflow().used(), 0);
    }
}

#[test]
fn a_reset_buffer_is_empty() {
    let stack = StackAllocator::<256>::new();
    // SAFETY: see above; the blocks are given up.
    unsafe {
        let first = stack.alloc(layout(8));
        stack.alloc(layout(8));
        assert!(stack.reset());
        assert_eq!(stack.used(), 0);
        assert_eq!(stack.alloc(layout(8)), first);
    }
}

#[test]
fn it_costs_a_few_words_beside_its_buffer() {
    assert!(size_of::<StackAllocator<4096>>() <= 4096 + 16);
    assert_eq!(align_of::<StackAllocator<1, System>>(), 16);
    assert_eq!(size_of::<Nothing>(), 0);
    assert!(format!("{:?}", StackAllocator::<10>::new()).contains("capacity: 10"));
}
