//! What contexts share, between threads.
#![cfg(feature = "global-alloc")]
#![allow(clippy::unwrap_used, clippy::disallowed_types, reason = "tests may allocate and give up")]

use core::fmt::Write;
use std::sync::Mutex;
use std::thread::{scope, spawn, yield_now};

use tinyalloc_embedded::global::{AllocatorConfig, block, stats};
use tinyalloc_embedded::prelude::*;

/// One slab serves the program: these tests count what is in it.
static TURNS: Mutex<()> = Mutex::new(());

fn insist<R, E>(mut step: impl FnMut() -> Result<R, E>) -> R {
    loop {
        match step() {
            Ok(result) => return result,
            Err(_) => yield_now(),
        }
    }
}

#[test]
fn blocks_of_different_threads_do_not_overlap_and_all_come_back() {
    static SLAB: SharedSlab<512, 8, 4> = SharedSlab::new();
    scope(|scope| {
        for mark in 1..=3u8 {
            scope.spawn(move || {
                for round in 0..3000 {
                    let mut block = insist(|| SLAB.block(round % 65));
                    block.fill(mark);
                    assert!(block.iter().all(|byte| *byte == mark));
                }
            });
        }
    });
    let stats = insist(|| SLAB.stats());
    assert!(stats.live == 0 && stats.live_max <= 8);
    assert_eq!(insist(|| SLAB.check()), Ok(()));
}

#[test]
fn a_block_travels_to_another_thread_and_is_resized_there() {
    static SLAB: SharedSlab<64, 2> = SharedSlab::new();
    let mut block = SLAB.block(5).unwrap();
    block.copy_from_slice(b"hello");
    scope(|scope| {
        scope.spawn(move || {
            block.resize(4).unwrap();
            assert_eq!(&*block, b"hell");
            assert_eq!(block.resize(33), Err(AllocError::TooLarge));
        });
    });
    assert_eq!(SLAB.stats().unwrap().live, 0);
    let both = [(); 2].map(|()| SLAB.block(32).unwrap());
    assert_eq!(SLAB.block(0).err(), Some(AllocError::OutOfSlots));
    assert_eq!(SLAB.block(33).err(), Some(AllocError::TooLarge));
    drop(both);
}

#[test]
fn the_closure_that_has_a_value_is_the_only_one() {
    static NUMBER: Shared<u32> = Shared::new(0);
    NUMBER
        .with(|number| {
            *number += 1;
            assert_eq!(NUMBER.with(|again| *again), Err(AllocError::Busy));
        })
        .unwrap();
    scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..5000).for_each(|_| insist(|| NUMBER.with(|number| *number += 1))));
        }
    });
    assert_eq!(NUMBER.with(|number| *number), Ok(15_001));
}

#[test]
fn a_value_is_released_when_its_closure_panics() {
    static NUMBER: Shared<u32> = Shared::new(7);
    let panicked = spawn(|| NUMBER.with(|_| panic!("on purpose"))).join();
    assert!(panicked.is_err());
    assert_eq!(NUMBER.with(|number| *number), Ok(7));
}

#[test]
fn buffers_on_the_programs_slab_give_their_chunks_back_on_drop() {
    let _turn = TURNS.lock().unwrap();
    AllocatorConfig::Slab1K32.init();
    let before = stats().unwrap().live;
    let mut buf = ByteBuffer::new();
    write!(buf, "{:70}", "three chunks").unwrap();
    let mut deque = ByteBufferDeque::new();
    deque.extend(b"fifo").unwrap();
    deque.push(b'!').unwrap();
    assert_eq!((stats().unwrap().live, deque.pop()), (before + 4, Some(b'f')));
    assert_eq!(buf.with(|buf| buf.chunks().map(<[u8]>::len).max()), Ok(Some(32)));
    assert_eq!(buf.extend(&[0; 2000]), Err(ByteBufferError::AllocationFailed));
    assert_eq!(buf.len(), 70);
    drop(buf);
    deque.discard().unwrap();
    assert_eq!(stats().unwrap().live, before);
}

#[test]
fn blocks_of_the_programs_slab_give_their_slots_back_on_drop() {
    let _turn = TURNS.lock().unwrap();
    AllocatorConfig::Slab1K32.init();
    let before = stats().unwrap().live;
    let held = block(32).unwrap();
    assert_eq!((held.len(), held.as_ptr().addr() % 4, stats().unwrap().live), (32, 0, before + 1));
    assert_eq!(block(33).err(), Some(AllocError::TooLarge));
    drop(held);
    assert_eq!(stats().unwrap().live, before);
}

#[test]
fn a_buffer_stays_with_the_slab_that_it_began_on() {
    let _turn = TURNS.lock().unwrap();
    AllocatorConfig::Slab1K32.init();
    let (mut slab, mut buf, mut own) = (TinySlabAllocator::<1024, 32>::new(), ByteBuffer::new(), ByteBuffer::new());
    buf.extend(b"the program's").unwrap();
    own.write(&mut slab, b"ours").unwrap();
    assert_eq!(buf.write(&mut slab, b"x"), Err(ByteBufferError::Foreign));
    assert_eq!((own.extend(b"x"), own.discard()), (Err(ByteBufferError::Foreign), Err(ByteBufferError::Foreign)));
    drop(own);
    assert_eq!(slab.stats().live, 1, "its slab is not there when it is dropped");
}

#[test]
fn buffers_of_many_threads_share_the_programs_slab() {
    let _turn = TURNS.lock().unwrap();
    AllocatorConfig::Slab1K32.init();
    let before = insist(stats).live;
    scope(|scope| {
        for mark in 1..=3u8 {
            scope.spawn(move || {
                for _ in 0..300 {
                    let mut buf = ByteBuffer::new();
                    let data = [mark; 200];
                    insist(|| buf.extend(&data));
                    let mut out = [0; 200];
                    let mut read = 0;
                    while read < 200 {
                        read += buf.take(&mut out[read..]);
                    }
                    assert_eq!(out, data);
                    insist(|| buf.extend(&data[..100]));
                }
            });
        }
    });
    assert_eq!(insist(stats).live, before);
}

/// Chunks of the first slab that the second one has as well, with links that end elsewhere.
fn broken(end: impl FnOnce(&mut ByteBuffer, &mut TinySlabAllocator<1024, 32>)) -> ByteBuffer {
    let [mut ours, mut theirs] = [const { TinySlabAllocator::<1024, 32>::new() }; 2];
    let (mut buf, mut other) = (ByteBuffer::new(), ByteBuffer::new());
    buf.write(&mut ours, &[1; 70]).unwrap();
    other.write(&mut theirs, b"the first chunk, and no other").unwrap();
    end(&mut buf, &mut theirs);
    buf
}

#[test]
fn a_buffer_that_was_led_astray_does_not_get_into_other_owners_blocks() {
    let _turn = TURNS.lock().unwrap();
    AllocatorConfig::Slab1K32.init();
    let mut blocks: Vec<_> = (0..20).map_while(|_| block(32).ok()).collect();
    assert!(blocks.len() > 4);
    blocks.iter_mut().for_each(|block| block.fill(0xAA));
    let cleared = broken(|buf, theirs| assert!(buf.clear(theirs).is_ok()));
    let read = broken(|buf, theirs| assert_eq!(buf.read(theirs, &mut [0; 70]), 32));
    let skipped = broken(|buf, theirs| buf.attach(theirs).skip(32));
    for mut buf in [cleared, read, skipped] {
        assert!(buf.is_empty() && buf.extend(b"in a chunk of its own").is_ok());
        assert!(blocks.iter().all(|block| block.iter().all(|byte| *byte == 0xAA)));
        let mut out = [0; 30];
        assert_eq!((buf.take(&mut out), &out[..21]), (21, &b"in a chunk of its own"[..]));
    }
}
