//! `TinyAlloc` as the global allocator of a Rust program: this one.

#![allow(
    clippy::disallowed_types,
    clippy::multiple_unsafe_ops_per_block,
    clippy::type_complexity,
    reason = "not the core: it measures and tests it"
)]

use std::alloc::{GlobalAlloc, Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::env::{current_exe, var_os};
use std::process::Command;
use std::ptr::null;
use std::sync::mpsc::channel;
use std::thread::spawn;
use std::time::Duration;

use tinyalloc::{HugePagePolicy, OptionError, PurgeMode, TinyAlloc};

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
    for align in (0..=21).map(|shift| 1usize << shift) {
        for bytes in [1, 7, 64, 1000, 4096, 40_000, 300_000] {
            let layout = Layout::from_size_align(bytes, align).expect("valid");
            // SAFETY: the layout is not empty, and each block is used within its layout and freed
            // once.
            unsafe {
                let block = alloc_zeroed(layout);
                assert!(!block.is_null() && block.addr() % align == 0);
                assert!((0..bytes).all(|at| block.add(at).read() == 0));
                block.write_bytes(7, bytes);
                let grown = realloc(block, layout, bytes * 3);
                assert!(!grown.is_null() && grown.addr() % align == 0);
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

/// Whether a block that gets another size stays where it is.
fn stays(bytes: usize, new_bytes: usize, align: usize) -> bool {
    let layout = Layout::from_size_align(bytes, align).expect("valid");
    // SAFETY: the layout is not empty, and the block is freed once, by its last size.
    unsafe {
        let block = alloc(layout);
        let moved = realloc(block, layout, new_bytes);
        assert!(moved.addr() % align == 0);
        dealloc(moved, Layout::from_size_align(new_bytes, align).expect("valid"));
        block == moved
    }
}

#[test]
fn a_block_stays_where_it_is_while_its_slot_would_do() {
    for align in [1, 16, 64, 512, 4096] {
        let slot_bytes = 8192.max(align);
        assert!(stays(slot_bytes - 7, slot_bytes, align), "{align}");
        assert!(stays(slot_bytes, slot_bytes - 7, align), "{align}");
        assert!(stays(slot_bytes, slot_bytes / 4 * 3, align), "smaller by less than half, at {align}");
        assert!(!stays(slot_bytes, slot_bytes * 2, align), "{align}");
    }
    for align in [8192, 1 << 16, 1 << 21] {
        assert!(stays(100_000, 90_000, align) && !stays(100_000, 10_000, align), "{align}");
    }
    assert!(stays(33, 48, 8) && !stays(33, 49, 8));
}

#[test]
fn a_block_takes_its_slot() {
    for (bytes, align, taken) in [(1, 1, 16), (33, 8, 48), (33, 64, 64), (4097, 8, 4608), (100_000, 8, 102_400)] {
        let layout = Layout::from_size_align(bytes, align).expect("valid");
        // SAFETY: the layout is not empty, and the block is freed once.
        unsafe {
            let block = alloc(layout);
            assert_eq!(GLOBAL.usable_size(block), taken);
            dealloc(block, layout);
        }
    }
    // SAFETY: null is allowed.
    assert_eq!(unsafe { GLOBAL.usable_size(null()) }, 0);
}

#[test]
fn typed_options_are_those_of_the_same_names() -> Result<(), OptionError> {
    let value = |name: &str| GLOBAL.option(name).map(|value| value.to_string()).unwrap_or_default();
    GLOBAL.set_purge_mode(PurgeMode::Never)?;
    GLOBAL.set_purge_delay(Duration::from_secs(2))?;
    GLOBAL.set_huge_pages(HugePagePolicy::Never)?;
    GLOBAL.set_region_size(1 << 32)?;
    assert_eq!([value("purge"), value("purge_delay")], ["never", "2000"]);
    assert_eq!([value("huge_pages"), value("region_size")], ["never", "4294967296"]);
    GLOBAL.set_purge_mode(PurgeMode::Decay)?;
    assert_eq!(GLOBAL.set_purge_delay(Duration::MAX), Err(OptionError::BadValue));
    Ok(())
}

// The other tests need less than the limit.
#[test]
fn beyond_the_limit_there_is_no_memory() -> Result<(), OptionError> {
    assert_eq!(GLOBAL.limit(), usize::MAX);
    GLOBAL.set_limit(512 << 20)?;
    assert_eq!(GLOBAL.limit(), 512 << 20);
    assert!(Vec::<u8>::new().try_reserve(768 << 20).is_err());
    GLOBAL.set_limit(usize::MAX)?;
    assert!(Vec::<u8>::new().try_reserve(768 << 20).is_ok());
    Ok(())
}

/// The tests of this file, but for those of options and exact sizes, in a process that wants checks
/// beyond the default.
fn all_pass_with(options: &str) {
    if var_os("TINYALLOC_OPTIONS").is_some() {
        return;
    }
    let tests = ["every_layout_is_honoured_over_its_whole_life", "blocks_travel_between_threads", "blocks_grow_byte_by_byte"];
    let ended =
        Command::new(current_exe().expect("itself")).arg("--exact").args(tests).env("TINYALLOC_OPTIONS", options).output();
    let ended = ended.expect("it starts");
    let passed = String::from_utf8_lossy(&ended.stdout).contains(&format!("{} passed", tests.len()));
    assert!(ended.status.success() && passed, "{options}: {ended:?}");
}

#[test]
fn every_layout_is_honoured_in_hardened_slots() {
    all_pass_with("hardened=on");
}

#[test]
fn every_layout_is_honoured_between_guards() {
    all_pass_with("guard=1");
}

// With a canary at the end of its slot, or a guard behind it, a block has less than its slot.
#[test]
fn blocks_grow_byte_by_byte() {
    for align in [1, 16, 32, 64, 1024] {
        let layout = |bytes| Layout::from_size_align(bytes, align).expect("valid");
        // SAFETY: the layouts are not empty, and the block is used within its layout and freed
        // once.
        unsafe {
            let mut block = alloc(layout(1));
            block.write(1);
            for bytes in 1..3000 {
                block = realloc(block, layout(bytes), bytes + 1);
                assert!(block.addr() % align == 0);
                block.add(bytes).write(1);
            }
            assert!((0..3000).all(|at| block.add(at).read() == 1));
            dealloc(block, layout(3000));
        }
    }
}
