//! The defects of an earlier implementation, each as a test that ours does not have it.
#![cfg(feature = "global-alloc")]
#![allow(clippy::unwrap_used, reason = "tests may give up")]

use core::num::NonZeroU32;
use std::thread::scope;

use tinyalloc_embedded::global::AllocatorConfig;
use tinyalloc_embedded::prelude::*;

#[test]
fn one_a_length_of_more_than_eight_bits_is_kept() {
    let mut alloc = TinySlabAllocator::<1024, 2>::new();
    let (handle, block) = alloc.alloc_uninit(300).unwrap();
    assert_eq!(block.len(), 300);
    assert_eq!(alloc.get(handle).map(<[u8]>::len), Some(300));
    let mut large = TinySlabAllocator::<65_535, 1>::new();
    let (handle, _) = large.alloc_uninit(65_535).unwrap();
    assert_eq!(large.get(handle).map(<[u8]>::len), Some(65_535));
}

#[test]
fn two_a_made_up_handle_frees_nothing_and_costs_no_slot() {
    let mut alloc = TinySlabAllocator::<1024, 32>::new();
    for bits in (1..=70_000).chain((0..32).map(|shift| 1 << shift)).chain((0..32).map(|shift| u32::MAX << shift)) {
        let handle = Handle::from_bits(NonZeroU32::new(bits).unwrap());
        assert_eq!(alloc.free(handle), Err(AllocError::Foreign), "{bits:#x}");
        assert!(alloc.get(handle).is_none() && alloc.get_mut(handle).is_none());
    }
    let issued = (0..40).map_while(|_| alloc.alloc(32).ok()).count();
    assert_eq!(issued, 32);
    assert_eq!(alloc.check(), Ok(()));
}

#[test]
fn three_a_stale_handle_stays_stale_for_all_generations_of_its_slot() {
    const GENERATIONS: usize = (1 << 22) - 1;
    let mut alloc = TinySlabAllocator::<64, 2>::new();
    let first = alloc.alloc(1).unwrap();
    let kept = alloc.alloc(1).unwrap();
    alloc.free(first).unwrap();
    let mut last = first;
    for _ in 1..GENERATIONS {
        last = alloc.alloc(1).unwrap();
        assert!(alloc.get(first).is_none());
        alloc.free(last).unwrap();
    }
    assert_ne!(first, last);
    assert_eq!(alloc.alloc(1), Err(AllocError::OutOfSlots), "its slot retired, and no other context's was taken");
    assert_eq!((alloc.stats().retired, alloc.stats().free, alloc.stats().live), (1, 0, 1));
    assert_eq!([first, last].map(|handle| alloc.verify(handle)), [Err(AllocError::Stale); 2]);
    assert_eq!((alloc.verify(kept), alloc.check()), (Ok(()), Ok(())));
    alloc.renew_retired();
    assert!(alloc.alloc(1).is_ok());
    assert_eq!(alloc.check(), Ok(()));
}

#[test]
fn three_and_a_half_chunks_wear_no_generation() {
    let mut alloc = TinySlabAllocator::<16, 2>::new();
    let mut deque = ByteBufferDeque::new();
    let stale = alloc.alloc(8).unwrap();
    alloc.free(stale).unwrap();
    for byte in 0..1_000_000u32 {
        deque.push_back(&mut alloc, byte.to_le_bytes()[0]).unwrap();
        assert_eq!(deque.pop_front(&mut alloc), Some(byte.to_le_bytes()[0]));
    }
    let next = alloc.alloc(8).unwrap();
    assert_eq!(next.to_bits().get() - stale.to_bits().get(), 1 << 10, "the next generation, above ten bits of tag and index");
}

#[test]
fn four_initialising_again_changes_nothing_and_lends_nothing() {
    assert!(AllocatorConfig::Slab1K32.init());
    let mut buf = ByteBuffer::new();
    buf.extend(b"kept").unwrap();
    assert!(AllocatorConfig::Slab1K32.init(), "it is the program's slab already");
    assert!(!AllocatorConfig::Slab4K64.init(), "and no other can be");
    buf.extend(b"!").unwrap();
    let mut out = [0; 8];
    assert_eq!(buf.take(&mut out), 5);
    assert_eq!(&out[..5], b"kept!");
}

#[test]
fn five_the_queue_loses_and_mixes_up_nothing_between_contexts() {
    const BYTES: u32 = 200_000;
    static QUEUE: GlobalDeque<64> = GlobalDeque::new();
    scope(|scope| {
        scope.spawn(|| (0..BYTES).for_each(|byte| while QUEUE.push(byte.to_le_bytes()[0]).is_err() {}));
        for expected in 0..BYTES {
            let byte = loop {
                if let Some(byte) = QUEUE.pop() {
                    break byte;
                }
            };
            assert_eq!(byte, expected.to_le_bytes()[0]);
        }
    });
}

#[test]
fn six_a_block_that_does_not_fit_in_a_slot_is_refused() {
    let mut alloc = TinySlabAllocator::<1024, 32>::new();
    assert_eq!(alloc.alloc_uninit(64).err(), Some(AllocError::TooLarge));
    assert_eq!(alloc.alloc_uninit(usize::MAX).err(), Some(AllocError::TooLarge));
    assert_eq!(alloc.stats().live, 0);
}

#[test]
fn seven_there_are_alignment_errors_and_statistics() {
    let mut alloc = TinySlabAllocator::<1024, 8, 64>::new();
    let handles = [(); 3].map(|()| alloc.alloc(100).unwrap());
    assert!(handles.iter().all(|handle| alloc.get(*handle).unwrap().as_ptr().addr() % 64 == 0));
    alloc.free(handles[0]).unwrap();
    assert_eq!(alloc.free(handles[0]), Err(AllocError::Stale));
    let stats = SlabStats { slots: 8, slot_bytes: 128, live: 2, live_max: 3, retired: 0, free: 6 };
    assert_eq!(alloc.stats(), stats);
    assert!(alloc.handles().eq([handles[1], handles[2]]));
}
