//! What only a test inside can see: the lock while a thread holds it.

use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::ptr::NonNull;

use super::{Blocks, Buffer, Inside};

#[repr(align(16))]
struct Memory(UnsafeCell<[u8; 256]>);

const LAYOUT: Layout = Layout::new::<[u64; 2]>();

fn buffer(memory: &Memory) -> Buffer {
    // SAFETY: F1: the test keeps it in place, and looks at it through the buffer only.
    unsafe { Buffer::new(NonNull::from_ref(&memory.0).cast(), 256) }
}

/// As a handler meets it that interrupted the holder.
fn held(blocks: &Blocks, buffer: Buffer) -> Inside<'_> {
    blocks.enter(buffer).expect("no thread holds it")
}

#[test]
fn who_interrupted_the_holder_is_refused() {
    let (memory, blocks) = (Memory(UnsafeCell::new([0; 256])), Blocks::new());
    let buffer = buffer(&memory);
    let block = blocks.allocate(buffer, LAYOUT).expect("there is room");
    let inside = held(&blocks, buffer);
    assert_eq!(blocks.allocate(buffer, LAYOUT), None);
    // SAFETY: the block is live, and used by no other thread.
    assert!(!unsafe { blocks.resize(buffer, block, 32) });
    // SAFETY: it does nothing.
    assert!(!unsafe { blocks.forget(buffer) });
    drop(inside);
    assert!(blocks.allocate(buffer, LAYOUT).is_some());
}

#[test]
fn what_is_freed_while_the_lock_is_held_is_reclaimed_by_the_holder() {
    let (memory, blocks) = (Memory(UnsafeCell::new([0; 256])), Blocks::new());
    let buffer = buffer(&memory);
    let [below, above] = [(); 2].map(|()| blocks.allocate(buffer, LAYOUT).expect("there is room"));
    let used = blocks.used();
    let inside = held(&blocks, buffer);
    // SAFETY: the block is live, and used by no other thread.
    assert!(unsafe { blocks.free(buffer, below) }.is_ok());
    // SAFETY: as above.
    assert!(unsafe { blocks.free(buffer, above) }.is_ok());
    assert_eq!(blocks.used(), used);
    drop(inside);
    assert_eq!(blocks.used(), 0);
}

#[test]
fn what_is_not_a_live_block_is_noticed() {
    let (memory, blocks) = (Memory(UnsafeCell::new([0; 256])), Blocks::new());
    let buffer = buffer(&memory);
    let [below, above] = [(); 2].map(|()| blocks.allocate(buffer, LAYOUT).expect("there is room"));
    // SAFETY: the block is live, and used by no other thread.
    assert!(unsafe { blocks.free(buffer, below) }.is_ok());
    // SAFETY: what follows are no live blocks, and their headers are in the buffer.
    assert!(unsafe { blocks.free(buffer, below) }.is_err(), "it is free, and waits for the one above");
    // SAFETY: as above; it is inside a live block.
    let odd = unsafe { above.add(1) };
    // SAFETY: as above.
    assert!(unsafe { blocks.free(buffer, odd) }.is_err(), "no block begins there");
    // SAFETY: as above.
    let beyond = unsafe { above.add(128) };
    // SAFETY: as above.
    assert!(unsafe { blocks.free(buffer, beyond) }.is_err(), "it lies above all blocks");
    // SAFETY: the block is live, and used by no other thread.
    assert!(unsafe { blocks.free(buffer, above) }.is_ok());
    // SAFETY: as above.
    assert!(unsafe { blocks.free(buffer, above) }.is_err(), "it did once, and does no more");
}
