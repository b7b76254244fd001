//! Alignment, whatever the thread allocated before.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::{Actor, LimitedMapper, World};
use tinyalloc_alloc::{HeapOptions, Misuse, SLICE_BYTES, SizeClass};
use tinyalloc_sys::{Mapper, SystemMapper};

#[test]
fn aligned_requests_are_aligned_whichever_class_has_free_slots() {
    let world = World::<LimitedMapper>::new();
    for ready in SizeClass::all().filter(|class| class.bytes() <= 2048) {
        for shift in 5..=11 {
            let actor = Actor::new();
            // A heap of its own, with free slots of one class only.
            (0..10).for_each(|_| _ = world.allocate(actor, ready.bytes()).unwrap());
            for bytes in (1..=2048usize >> shift).map(|times| times << shift) {
                let start = world.allocate_aligned(actor, bytes, 1 << shift).unwrap().addr().get();
                let align = 1 << shift;
                assert_eq!(start % align, 0, "{bytes} bytes aligned to {align} while {}-byte slots are free", ready.bytes());
            }
        }
    }
    world.check_invariants(Actor::new()).unwrap();
}

#[test]
fn every_alignment_from_one_byte_to_64_mebibytes_is_kept() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    for align in (0..=26).map(|shift| 1usize << shift) {
        for bytes in [0, 1, 15, 17, align / 2, align - 1, align, align + 1, 3 * SLICE_BYTES] {
            let start = world.allocate_aligned(actor, bytes, align).unwrap();
            assert!(start.addr().get() % align.max(16) == 0, "{bytes} bytes aligned to {align}");
            assert!(world.usable_bytes(actor, start).unwrap() >= bytes);
            // SAFETY: no thread uses the block.
            unsafe { world.free(actor, start.as_ptr()) };
        }
    }
    assert_eq!(actor.misuses(), []);
    assert_eq!(world.survey(actor).unwrap().live_bytes, 0);
}

#[test]
fn what_cannot_be_is_refused() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    let block = world.allocate(actor, 100).unwrap();
    for bytes in [usize::MAX, usize::MAX - 15, isize::MAX as usize, isize::MAX as usize - 4096, 1 << 47] {
        assert_eq!(world.allocate(actor, bytes), None);
        assert_eq!(world.allocate_zeroed(actor, bytes), None);
        assert_eq!(world.allocate_aligned(actor, bytes, 16), None);
        assert_eq!(world.allocate_aligned(actor, bytes, 1 << 20), None);
        // SAFETY: the block is live, and stays so when the request is refused.
        assert_eq!(unsafe { world.reallocate(actor, block, bytes) }, None);
    }
    assert_eq!(world.allocate_aligned(actor, 16, 1 << 62), None);
    assert_eq!(world.usable_bytes(actor, block), world.usable_bytes(actor, block));
    world.check_invariants(actor).unwrap();
}

#[test]
fn zero_size_requests_are_alike_up_to_an_alignment_of_a_page() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    // Slots that lie ready are not for them.
    SizeClass::all().for_each(|class| _ = world.allocate(actor, class.bytes()).unwrap());
    let live_bytes = world.survey(actor).unwrap().live_bytes;
    let shifts = 0..=SystemMapper::new().page_bytes().ilog2();
    let blocks: Vec<_> = shifts.map(|shift| world.allocate_aligned(actor, 0, 1 << shift).unwrap()).collect();
    assert!(blocks.iter().all(|start| world.usable_bytes(actor, *start) == Some(0)));
    assert_eq!(world.survey(actor).unwrap().live_bytes, live_bytes);
    for start in blocks {
        // SAFETY: no thread uses the block.
        let moved = unsafe { world.reallocate(actor, start, 100) }.unwrap();
        assert!(world.usable_bytes(actor, moved).unwrap() >= 100);
        // SAFETY: at most a mistake, which is to be found out.
        unsafe { world.free(actor, start.as_ptr()) };
        assert_eq!(actor.misuses(), [Misuse::DoubleFree { address: start.addr().get(), slot_bytes: 0 }]);
    }
}

#[test]
fn larger_alignments_and_heaps_have_slots_for_zero_size_requests() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    let align = 2 * SystemMapper::new().page_bytes();
    let block = world.allocate_aligned(actor, 0, align).unwrap();
    assert!(block.addr().get() % align == 0 && world.usable_bytes(actor, block).unwrap() >= 1);
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    assert!(world.push_heap(actor, Some(heap)));
    for align in [16, 64, 1024, 4096] {
        // A free slot of the class lies ready, or none does.
        for _ in 0..3 {
            let block = world.allocate_aligned(actor, 0, align).unwrap();
            assert!(block.addr().get() % align == 0 && world.usable_bytes(actor, block).unwrap() >= 1);
        }
    }
}
