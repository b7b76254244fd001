//! `MAlloc` as the global allocator of a Rust program: this one.
#![allow(clippy::disallowed_types, clippy::multiple_unsafe_ops_per_block, reason = "not the core: it tests it")]

use std::alloc::{GlobalAlloc, Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{scope, spawn};

use proptest::collection::vec as vec_of;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use tinyalloc::mmap::MAlloc;

#[global_allocator]
static GLOBAL: MAlloc = MAlloc::new();

const MIB: usize = 1 << 20;

/// Tests that look at how much disk the file takes want it for themselves.
static DISK: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    DISK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that belong to a place and a round.
fn byte(place: usize, round: usize) -> u8 {
    u8::try_from((place * 31 + round * 17) % 251).unwrap_or(0)
}

#[test]
fn blocks_travel_between_threads() {
    let _alone = alone();
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
    let _alone = alone();
    for align in (0..=16).map(|shift| 1usize << shift) {
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
fn threads_come_and_go_and_what_they_kept_is_whole() {
    let _alone = alone();
    let kept = Mutex::new(Vec::new());
    for round in 0..8 {
        scope(|threads| {
            for thread in 0..4 {
                let kept = &kept;
                threads.spawn(move || {
                    let mut own: HashMap<usize, Vec<u8>> = HashMap::new();
                    for place in 0..400 {
                        own.insert(place, vec![byte(place, round); place * 13 % 5000]);
                        own.remove(&(place / 2));
                    }
                    assert!(own.iter().all(|(place, block)| block.iter().all(|found| *found == byte(*place, round))));
                    kept.lock()
                        .expect("no panic")
                        .extend(own.into_iter().take(20).map(|(place, block)| (thread, place, round, block)));
                });
            }
        });
    }
    let kept = kept.into_inner().expect("no panic");
    assert_eq!(kept.len(), 8 * 4 * 20);
    assert!(kept.iter().all(|(_, place, round, block)| block.iter().all(|found| *found == byte(*place, *round))));
}

#[test]
fn a_vector_grows_far_beyond_what_is_mapped_at_first() {
    let _alone = alone();
    let mut numbers: Vec<usize> = Vec::new();
    let mut walls = Vec::new();
    for number in 0..96 * MIB / size_of::<usize>() {
        if number.is_power_of_two() {
            walls.push(vec![1u8; 33 * MIB.min(number)]);
        }
        numbers.push(number);
    }
    numbers.shrink_to_fit();
    assert!(numbers.iter().enumerate().all(|(index, number)| index == *number));
    assert!(walls.iter().all(|wall| wall.iter().step_by(4096).all(|byte| *byte == 1)));
}

#[test]
fn what_is_freed_leaves_the_file() {
    let _alone = alone();
    GLOBAL.purge();
    let before = GLOBAL.disk_bytes();
    let large: Vec<_> = (0..4).map(|mark| vec![mark; 40 * MIB]).collect();
    let small: Vec<_> = (0..40_000usize).map(|place| vec![byte(place, 0); 1000]).collect();
    let full = GLOBAL.disk_bytes();
    assert!(full >= before + 4 * 40 * MIB + 40 * 1000 * 1000, "{before} and then {full} bytes");
    assert!(GLOBAL.stats().allocated >= 200 * MIB);
    drop(large);
    let after_large = GLOBAL.disk_bytes();
    assert!(full - after_large >= 4 * 40 * MIB, "{full} and then {after_large} bytes: a mapping of its own goes at once");
    drop(small);
    assert!(GLOBAL.purge());
    let after = GLOBAL.disk_bytes();
    assert!(after_large - after >= 30 * MIB, "{after_large} and then {after} bytes");
    let again: Vec<_> = (0..40_000).map(|place| vec![0u8; 1000 + place % 7]).collect();
    assert!(again.iter().all(|block| block.iter().all(|byte| *byte == 0)));
}

#[test]
fn memory_of_the_same_size_is_used_over_and_over() {
    let _alone = alone();
    let round = |mark: u8| drop((0..64).map(|_| vec![mark; MIB]).collect::<Vec<_>>());
    round(0);
    let after_one = GLOBAL.disk_bytes();
    (1..20).for_each(round);
    let after_twenty = GLOBAL.disk_bytes();
    assert!(after_twenty <= after_one + 64 * MIB, "{after_one} and then {after_twenty} bytes");
}

#[test]
fn absurd_sizes_are_refused() {
    let _alone = alone();
    let layout = Layout::from_size_align(isize::MAX as usize - 4095, 1).expect("valid");
    // SAFETY: the layout is not empty.
    assert!(unsafe { GLOBAL.alloc(layout) }.is_null());
    assert!(Vec::<u8>::new().try_reserve_exact(1 << 60).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn collections_hold_what_was_put_into_them(
        steps in vec_of((any::<u16>(), 0usize..70_000, any::<u8>()), 1..200)
    ) {
        let _alone = alone();
        let mut blocks: BTreeMap<u16, (Vec<u8>, u8)> = BTreeMap::new();
        for (place, bytes, mark) in steps {
            let place = place % 32;
            match mark % 4 {
                0 => drop(blocks.remove(&place)),
                1 => {
                    if let Some((block, mark)) = blocks.get_mut(&place) {
                        let mark = *mark;
                        block.resize(bytes, mark);
                        block.shrink_to_fit();
                    }
                }
                _ => drop(blocks.insert(place, (vec![mark; bytes], mark))),
            }
            for (block, mark) in blocks.values() {
                prop_assert!(block.iter().all(|byte| byte == mark));
            }
        }
        let sizes: usize = blocks.values().map(|(block, _)| block.len()).sum();
        prop_assert_eq!(sizes, blocks.into_values().map(|(block, _)| block.into_boxed_slice().len()).sum::<usize>());
    }
}
