//! Arithmetic by exhaustion: every size, every class, every offset, every alignment. (That every
//! size gets the smallest class which holds it is a test of the class itself.)
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::Model;
use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_alloc::{SLICE_BYTES, SLOT_ALIGN, SMALL_BYTES_MAX, SizeClass};

/// More spans than it takes for a class to get its largest ones.
const SPANS_MANY: usize = 100;
const ALIGN_SHIFT_MAX: u32 = 21;

/// Bytes of the largest span of any class: a spare one may be cut anew for every other.
fn largest_span_bytes() -> usize {
    SizeClass::all().map(|class| class.span_slices(SPANS_MANY) * SLICE_BYTES).max().unwrap()
}

#[test]
fn slot_starts_are_told_from_all_other_offsets_in_the_largest_span() {
    let span_bytes = largest_span_bytes();
    for class in SizeClass::all() {
        let slots = (span_bytes / class.bytes()) as u64;
        for offset in 0..span_bytes {
            let product = (offset as u64).wrapping_mul(class.reciprocal());
            let (index, rest) = ((offset / class.bytes()) as u64, offset % class.bytes());
            let is_right = if rest == 0 { product == index * class.scale() } else { product > slots * class.scale() };
            assert!(is_right, "class {} offset {offset}", class.bytes());
        }
    }
}

/// A pointer below the span makes for an offset close to 2^64.
#[test]
fn no_address_outside_a_span_is_taken_for_a_slot() {
    let span_bytes = largest_span_bytes();
    for class in SizeClass::all() {
        let slots = span_bytes / class.bytes();
        let bound = class.scale() * slots as u64;
        for distance in 1..=span_bytes {
            let below = (distance as u64).wrapping_neg().wrapping_mul(class.reciprocal());
            assert!(below >= bound, "class {}: {distance} bytes below the span", class.bytes());
            let above = ((slots * class.bytes() + distance - 1) as u64).wrapping_mul(class.reciprocal());
            assert!(above >= bound, "class {}: {distance} bytes above the last slot", class.bytes());
        }
    }
}

#[test]
fn every_size_and_alignment_up_to_a_slice_gets_the_first_class_that_serves_both() {
    for shift in 0..=SLICE_BYTES.ilog2() {
        let align = 1usize << shift;
        let serving: Vec<SizeClass> = SizeClass::all().filter(|class| class.bytes() % align == 0).collect();
        let mut first = 0;
        for bytes in 0..=SMALL_BYTES_MAX {
            first += usize::from(serving.get(first).is_some_and(|class| class.bytes() < bytes.max(1)));
            assert_eq!(SizeClass::of_aligned(bytes, align), serving.get(first).copied(), "{bytes} bytes aligned to {align}");
        }
    }
}

#[test]
fn every_small_size_gets_its_slot_and_gives_it_back() {
    let world = World::<LimitedMapper>::new();
    let actor = Actor::new();
    for bytes in 1..=SMALL_BYTES_MAX + SLICE_BYTES {
        let start = world.allocate(actor, bytes).unwrap();
        let usable = SizeClass::of(bytes).map_or_else(|| bytes.next_multiple_of(4096), SizeClass::bytes);
        assert_eq!(world.usable_bytes(actor, start), Some(usable), "{bytes}");
        assert!(start.addr().get() % SLOT_ALIGN == 0);
        // SAFETY: the block is live and that large.
        let last = unsafe { start.add(usable - 1) };
        // SAFETY: as above.
        unsafe { last.write(1) };
        // SAFETY: the block is live, and used no more.
        unsafe { world.free(actor, start.as_ptr()) };
    }
    assert_eq!(actor.misuses(), []);
    world.purge_all(actor);
    assert_eq!(world.survey(actor).unwrap().live_slots, 0);
}

#[test]
fn every_alignment_holds_at_the_edges_of_every_class() {
    let world = World::<LimitedMapper>::new();
    let mut model = Model::new(&world, 2);
    for shift in 0..=ALIGN_SHIFT_MAX {
        for class in SizeClass::all() {
            for bytes in [class.bytes() - 1, class.bytes(), class.bytes() + 1] {
                assert!(model.allocate_aligned(0, bytes, 1 << shift).is_some());
            }
        }
        model.check_invariants();
        model.free_all(1);
    }
}

#[test]
fn contents_survive_the_way_from_every_class_to_every_other() {
    let world = World::<LimitedMapper>::new();
    let mut model = Model::new(&world, 2);
    let sizes = || SizeClass::all().map(SizeClass::bytes).chain([SMALL_BYTES_MAX + 1, 100_000, MIB]);
    for from in sizes() {
        for to in sizes() {
            model.allocate(0, from).unwrap();
            // The model checks what is kept.
            model.reallocate(1, 0, to).unwrap();
            model.free_all(0);
        }
    }
    assert_eq!(model.refused, 0);
    model.check_invariants();
}
