//! Slabs of every shape.
#![cfg(feature = "bytebuffer")]
#![allow(clippy::unwrap_used, clippy::disallowed_types, reason = "tests may allocate and give up")]

use tinyalloc_embedded::prelude::*;

const _: () = {
    assert!(size_of::<Handle>() == 4 && size_of::<Option<Handle>>() == 4);
    assert!(size_of::<Typed<u64>>() == 4 && size_of::<Option<Typed<u64>>>() == 4);
    assert!(size_of::<Option<ChunkId>>() == 2);
    // 3 bytes a slot, 2 a block, and 12 for all.
    assert!(size_of::<TinySlabAllocator<1024, 8>>() == 1024 + 8 * (3 + 2) + 12);
    assert!(size_of::<TinySlabAllocator<8160, 255>>() <= 8160 + 255 * (3 + 2) + 13);
    assert!(size_of::<TinySlabAllocator<65_535, 65_535>>() <= 65_535 + 65_535 * (3 + 2) + 14);
};

/// Takes all slots, fills them, checks every byte, returns them.
fn use_up<const BYTES: usize, const SLOTS: usize, const ALIGN: usize>() -> usize
where
    Align<ALIGN>: Alignment,
{
    let mut alloc = Box::new(TinySlabAllocator::<BYTES, SLOTS, ALIGN>::new());
    let slot_bytes = TinySlabAllocator::<BYTES, SLOTS, ALIGN>::SLOT_BYTES;
    let mark = |slot: usize| slot.to_le_bytes()[0] ^ 0x5A;
    let handles: Vec<Handle> = (0..SLOTS)
        .map(|slot| {
            let (handle, block) = alloc.alloc_uninit(slot_bytes).unwrap();
            assert_eq!(block.as_ptr().addr() % ALIGN, 0);
            block.fill(mark(slot));
            handle
        })
        .collect();
    assert_eq!(alloc.alloc(0), Err(AllocError::OutOfSlots));
    assert!(alloc.handles().eq(handles.iter().copied()));
    assert_eq!(alloc.check(), Ok(()));
    for (slot, handle) in handles.iter().enumerate() {
        assert!(alloc.get(*handle).unwrap().iter().all(|byte| *byte == mark(slot)));
        alloc.free(*handle).unwrap();
        assert_eq!(alloc.verify(*handle), Err(AllocError::Stale));
    }
    assert_eq!((alloc.stats().free, alloc.check()), (SLOTS, Ok(())));
    slot_bytes
}

#[test]
fn slots_that_do_not_divide_the_bytes_leave_the_rest() {
    assert_eq!(use_up::<1000, 3, 1>(), 333);
    assert_eq!(use_up::<1000, 3, 4>(), 332);
    assert_eq!(use_up::<7, 3, 2>(), 2);
}

#[test]
fn one_slot_and_slots_of_one_byte_are_slabs() {
    assert_eq!(use_up::<1, 1, 1>(), 1);
    assert_eq!(use_up::<300, 1, 1>(), 300);
    assert_eq!(use_up::<255, 255, 1>(), 1);
}

#[test]
fn more_than_255_slots_have_wider_indices() {
    assert_eq!(use_up::<1020, 255, 1>(), 4);
    assert_eq!(use_up::<1024, 256, 1>(), 4);
    assert_eq!(use_up::<4096, 257, 1>(), 15);
    assert_eq!(use_up::<4100, 1025, 1>(), 4);
    assert_eq!(use_up::<65_535, 65_535, 1>(), 1);
}

#[test]
fn every_alignment_is_kept_wherever_the_slab_is() {
    assert_eq!(use_up::<8192, 2, 4096>(), 4096);
    assert_eq!(use_up::<8191, 1, 4096>(), 4096);
    assert_eq!(use_up::<1024, 8, 128>(), 128);
    assert_eq!(use_up::<1000, 8, 8>(), 120);
}

#[test]
fn a_zero_size_block_has_a_handle() {
    let mut alloc = TinySlabAllocator::<16, 2>::new();
    let handle = alloc.alloc(0).unwrap();
    assert_eq!(alloc.get(handle), Some(&[][..]));
    assert_eq!((alloc.free(handle), alloc.free(handle)), (Ok(()), Err(AllocError::Stale)));
}

#[test]
fn large_slabs_retire_their_slots_after_fewer_generations() {
    let mut alloc = Box::new(TinySlabAllocator::<65_535, 65_535>::new());
    for _ in 0..65_535 {
        let handle = alloc.alloc(1).unwrap();
        alloc.free(handle).unwrap();
    }
    assert_eq!(alloc.stats().retired, 1);
    let handle = alloc.alloc(1).unwrap();
    assert_eq!(alloc.handles().next(), Some(handle));
    assert_eq!(alloc.check(), Ok(()));
}

#[test]
fn a_block_grows_and_shrinks_within_its_slot() {
    let mut alloc = TinySlabAllocator::<64, 2>::new();
    let (handle, block) = alloc.alloc_uninit(4).unwrap();
    block.copy_from_slice(b"abcd");
    alloc.resize(handle, 2).unwrap();
    assert_eq!(alloc.get(handle), Some(&b"ab"[..]));
    alloc.resize(handle, 32).unwrap();
    assert_eq!(alloc.get(handle).map(<[u8]>::len), Some(32));
    assert_eq!(alloc.resize(handle, 33), Err(AllocError::TooLarge));
    alloc.free(handle).unwrap();
    assert_eq!(alloc.resize(handle, 1), Err(AllocError::Stale));
}

#[test]
fn clearing_frees_blocks_and_leaves_buffers_their_chunks() {
    let mut alloc = TinySlabAllocator::<64, 8>::new();
    let mut buf = ByteBuffer::new();
    let handle = alloc.alloc(8).unwrap();
    buf.write(&mut alloc, b"kept").unwrap();
    alloc.clear();
    assert_eq!((alloc.verify(handle), alloc.stats().live), (Err(AllocError::Stale), 1));
    assert_eq!(buf.get(&alloc, 3), Some(b't'));
}

#[test]
fn tags_tell_the_handles_of_two_slabs_apart() {
    let mut one = TinySlabAllocator::<64, 8>::with_tag::<1>();
    let mut two = TinySlabAllocator::<64, 8>::with_tag::<127>();
    let (first, second) = (one.alloc(1).unwrap(), two.alloc(1).unwrap());
    assert_eq!((one.free(second), two.free(first)), (Err(AllocError::Foreign), Err(AllocError::Foreign)));
    assert_eq!((one.free(first), two.free(second)), (Ok(()), Ok(())));
}

#[test]
fn a_handle_that_was_never_issued_is_foreign_even_without_tags() {
    let mut many = TinySlabAllocator::<64, 8>::new();
    let few = TinySlabAllocator::<64, 8>::new();
    let handle = many.alloc(1).unwrap();
    assert_eq!(few.verify(handle), Err(AllocError::Foreign));
}

#[test]
fn typed_handles_hold_values() {
    let mut alloc = TinySlabAllocator::<256, 8>::new();
    let typed = alloc.alloc_value(&(7u32, (true, [1u8, 2, 3]))).unwrap();
    assert_eq!(alloc.value(typed), Some((7, (true, [1, 2, 3]))));
    alloc.set_value(typed, &(u32::MAX, (false, [0; 3]))).unwrap();
    assert_eq!(alloc.take_value(typed), Ok(Some((u32::MAX, (false, [0; 3])))));
    assert_eq!((alloc.value(typed), alloc.take_value(typed)), (None, Err(AllocError::Stale)));
    assert_eq!(alloc.set_value(typed, &(0, (false, [0; 3]))), Err(AllocError::Stale));
    assert_eq!(alloc.alloc_value(&[0u8; 33]).err(), Some(AllocError::TooLarge));
}

#[test]
fn a_value_that_its_type_does_not_have_is_none() {
    assert_eq!((bool::load(&[2]), u32::load(&[1, 2, 3]), Handle::load(&[0; 4])), (None, None, None));
    assert_eq!((f32::load(&1.5f32.to_le_bytes()), i128::BYTES), (Some(1.5), 16));
}

#[test]
fn tags_tell_the_handles_of_slabs_of_any_shape_apart() {
    let mut few = TinySlabAllocator::<8, 8>::with_tag::<4>();
    let mut many = TinySlabAllocator::<100, 100>::with_tag::<1>();
    let one = TinySlabAllocator::<8, 1>::with_tag::<3>();
    let of_many: Vec<_> = (0..100).map(|_| many.alloc(1).unwrap()).collect();
    for _ in 0..1000 {
        let handles = [(); 8].map(|()| few.alloc(1).unwrap());
        for handle in handles {
            assert_eq!((many.verify(handle), one.verify(handle)), (Err(AllocError::Foreign), Err(AllocError::Foreign)));
            few.free(handle).unwrap();
        }
    }
    for handle in of_many {
        assert_eq!((few.verify(handle), one.verify(handle)), (Err(AllocError::Foreign), Err(AllocError::Foreign)));
    }
}
