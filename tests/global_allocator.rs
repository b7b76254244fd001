//! `TinyAlloc` as the global allocator of a Rust program: this one.

#![allow(
    clippy::disallowed_types,
    clippy::multiple_unsafe_ops_per_block,
    clippy::type_complexity,
    reason = "not the core: it measures and tests it"
)]

use std::alloc::{GlobalAlloc, Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::sync::mpsc::channel;
use std::thread::spawn;

use tinyalloc::TinyAlloc;

#[global_allocator]
static GLOBAL: TinyAlloc = TinyAlloc;

#[test]
fn blocks_travel_between_threads() {
    let (sender, receiver) = channel::<Vec<u8>>();
    let senders: Vec<_> = (0..4u8)
        .map(|mark| {
            let sender = sender.clone();
            spawn(move || (1..2000).for_each(|bytes| sender.send(vec![mark; bytes]).expect("the receiver waits")))
        })
        .collect();
    drop(sender);
    let received = receiver.iter().filter(|block| block.iter().all(|byte| *byte == block[0])).count();
    senders.into_iter().for_each(|sender| sender.join().expect("no panic"));
    assert_eq!(received, 4 * 1999);
}

#[test]
fn every_layout_is_honoured_over_its_whole_life() {
    for align in (0..=16).map(|shift| 1usize << shift) {
        for bytes in [1, 7, 64, 1000, 4096, 40_000, 300_000] {
            let layout = Layout::from_size_align(bytes, align).expect("valid");
            // SAFETY: the layout is not empty, and each block is used within its layout and freed once.
            unsafe {
                let block = alloc_zeroed(layout);
                assert!(!block.is_null() && block.addr().is_multiple_of(align));
                assert!((0..bytes).all(|at| block.add(at).read() == 0));
                block.write_bytes(7, bytes);
                let grown = realloc(block, layout, bytes * 3);
                assert!(!grown.is_null() && grown.addr().is_multiple_of(align));
                assert!((0..bytes).all(|at| grown.add(at).read() == 7));
                dealloc(grown, Layout::from_size_align(bytes * 3, align).expect("valid"));
                dealloc(alloc(layout), layout);
            }
        }
    }
}

#[test]
fn absurd_sizes_are_refused() {
    let layout = Layout::from_size_align(isize::MAX as usize - 4095, 1).expect("valid");
    // SAFETY: the layout is not empty.
    assert!(unsafe { GLOBAL.alloc(layout) }.is_null());
}
