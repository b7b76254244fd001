//! Blocks that grow: to a mapping of their own, from where they grow without a copy.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::ptr::NonNull;

use common::{Actor, LimitedMapper, MIB, World, WorldMapper};
use tinyalloc_alloc::{Checks, Claim, HugePagePolicy};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper};

type Counting = CountingMapper<LimitedMapper>;
type Failing = FailingMapper<LimitedMapper>;

const KIB: usize = 1024;

/// Two arrays that grow in turn by half of their size, so that one is in the way of the other.
struct Arrays<'world, M: WorldMapper> {
    world: &'world World<M>,
    actor: Actor,
    arrays: Vec<(NonNull<u8>, usize)>,
}

impl<M: WorldMapper> Arrays<'_, M> {
    fn new(world: &World<M>) -> Arrays<'_, M> {
        let actor = Actor::new();
        let arrays = (0..2).map(|_| (world.allocate(actor, 48 * KIB).unwrap(), 48 * KIB)).collect();
        let arrays = Arrays { world, actor, arrays };
        arrays.fill();
        arrays
    }

    fn fill(&self) {
        for (start, bytes) in &self.arrays {
            // SAFETY: a live block of that size.
            unsafe { start.write_bytes(0x5A, *bytes) };
        }
    }

    fn check(&self) {
        for (start, bytes) in &self.arrays {
            // SAFETY: as above.
            let contents = unsafe { std::slice::from_raw_parts(start.as_ptr(), *bytes) };
            assert!(contents.iter().all(|byte| *byte == 0x5A));
            let usable = self.world.usable_bytes(self.actor, *start).unwrap();
            assert!((*bytes..=bytes + bytes / 16 + 4096).contains(&usable), "{usable} of {bytes}");
        }
        assert_eq!(self.actor.misuses(), []);
        self.world.check_invariants(self.actor).unwrap();
    }

    fn resize(&mut self, bytes: impl Fn(usize) -> usize) {
        for (start, before) in &mut self.arrays {
            let after = bytes(*before);
            // SAFETY: a live block.
            *start = unsafe { self.world.reallocate(self.actor, *start, after) }.unwrap();
            let kept = after.min(*before);
            // SAFETY: it is that large now.
            let fresh = unsafe { start.add(kept) };
            // SAFETY: as above.
            unsafe { fresh.write_bytes(0x5A, after - kept) };
            *before = after;
        }
        self.check();
    }

    fn grow_to(&mut self, most: usize) {
        while self.arrays.iter().any(|(_, bytes)| *bytes < most) {
            self.resize(|bytes| (bytes + bytes / 2).min(most));
        }
    }

    fn free(&mut self) {
        for (start, _) in self.arrays.drain(..) {
            // SAFETY: a live block, which the list has lost.
            unsafe { self.world.free(self.actor, start.as_ptr()) };
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap")]
fn a_block_that_grows_is_copied_to_a_mapping_once() {
    let world = World::<Counting>::new();
    let mut arrays = Arrays::new(&world);
    arrays.grow_to(MIB);
    let maps = world.mapper.calls(Call::Map);
    assert!(maps > 0);
    arrays.grow_to(40 * MIB);
    assert!(world.mapper.calls(Call::Map) <= maps + 1, "one of the two may have grown in place until then");
    assert!(world.mapper.calls(Call::Remap) > 10);
    // Down to what a region serves as well.
    while arrays.arrays[0].1 > 400 * KIB {
        arrays.resize(|bytes| bytes * 2 / 3);
    }
    assert_eq!(world.stats(arrays.actor).huge_blocks, 2);
    arrays.resize(|_| 100 * KIB);
    assert_eq!(world.stats(arrays.actor).huge_blocks, 0);
    arrays.free();
    assert_eq!(world.stats(arrays.actor).allocated, 0);
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap")]
fn a_mapping_that_grows_a_little_asks_the_system_now_and_then() {
    let world = World::<Counting>::new();
    let mut arrays = Arrays::new(&world);
    arrays.grow_to(2 * MIB);
    let before = world.mapper.calls(Call::Remap);
    (0..128).for_each(|_| arrays.resize(|bytes| bytes + 4096));
    let asked = world.mapper.calls(Call::Remap) - before;
    assert!((2..=20).contains(&asked), "{asked} of 256");
    // And who shrinks by less than what is spare anyway asks for nothing.
    let before = world.mapper.calls(Call::Remap);
    arrays.resize(|bytes| bytes - 4096);
    arrays.resize(|bytes| bytes + 4096);
    assert_eq!(world.mapper.calls(Call::Remap), before);
    arrays.free();
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap")]
fn who_frees_what_has_grown_gets_resident_memory_the_next_time() {
    let world = World::<Counting>::new();
    for round in 0..4 {
        let before = world.mapper.calls(Call::Map);
        let mut arrays = Arrays::new(&world);
        arrays.grow_to(MIB);
        arrays.free();
        let mapped = world.mapper.calls(Call::Map) - before;
        assert_eq!(mapped > 0, round == 0, "round {round}: {mapped} mappings");
    }
}

#[test]
fn the_size_that_was_asked_for_is_confirmed_of_a_mapping_that_grew() {
    let world = World::<LimitedMapper>::new();
    let mut arrays = Arrays::new(&world);
    arrays.grow_to(700 * KIB);
    let (start, bytes) = arrays.arrays[0];
    let claim = |bytes| Claim { bytes, align: 1, resizable: true };
    assert!(world.confirms(arrays.actor, start, claim(bytes)));
    assert!(world.confirms(arrays.actor, start, claim(bytes - 1)));
    for wrong in [1, bytes / 2, bytes - bytes / 8, bytes + bytes / 8, 2 * bytes, usize::MAX] {
        assert!(!world.confirms(arrays.actor, start, claim(wrong)), "{wrong}");
    }
    assert_eq!(arrays.actor.misuses().len(), 6);
    arrays.free();
}

#[test]
fn where_mappings_are_refused_blocks_grow_in_their_region() {
    let world = World::<Failing>::new();
    let mut arrays = Arrays::new(&world);
    [Call::Map, Call::Remap].into_iter().for_each(|call| world.mapper.fail_every(call));
    arrays.grow_to(3 * MIB);
    assert_eq!(world.stats(arrays.actor).huge_blocks, 0);
    arrays.free();
}

#[test]
fn a_hardened_block_grows_to_what_was_asked_for() {
    let world = World::<LimitedMapper>::new();
    world.tune(Actor::new(), |tunables| tunables.checks = Checks { hardened: true, ..Checks::NONE });
    let actor = Actor::new();
    let block = world.allocate(actor, 40 * MIB).unwrap();
    // SAFETY: a live block.
    let block = unsafe { world.reallocate(actor, block, 65 * MIB + 1) }.unwrap();
    assert_eq!(world.stats(actor).huge, (65 * MIB + 1).next_multiple_of(4096));
    // SAFETY: as above.
    unsafe { world.free(actor, block.as_ptr()) };
    assert_eq!(actor.misuses(), []);
}

#[test]
#[cfg_attr(windows, ignore = "there is no remap")]
fn a_mapping_that_is_filled_as_it_grows_gets_huge_pages_unless_they_are_not_wanted() {
    for (huge_pages, wanted) in [(HugePagePolicy::Madvise, true), (HugePagePolicy::Never, false)] {
        let world = World::<Counting>::new();
        world.tune(Actor::new(), |tunables| tunables.huge_pages = huge_pages);
        let mut arrays = Arrays::new(&world);
        arrays.grow_to(24 * MIB);
        let before = world.mapper.calls(Call::Advise);
        arrays.resize(|_| 36 * MIB);
        assert_eq!(world.mapper.calls(Call::Advise) > before, wanted, "{huge_pages:?}");
        arrays.free();
    }
    // At one step from little to much: it may be a table with few elements.
    let world = World::<Counting>::new();
    let mut arrays = Arrays::new(&world);
    arrays.grow_to(8 * MIB);
    let before = world.mapper.calls(Call::Advise);
    arrays.resize(|_| 40 * MIB);
    assert_eq!(world.mapper.calls(Call::Advise), before);
    arrays.free();
}
