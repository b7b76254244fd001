//! Free pages inside spans that have live slots: a purge of everything decommits them, and nothing
//! else changes.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::collections::BTreeSet;
use std::ptr::{NonNull, with_exposed_provenance_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;
use std::time::{Duration, Instant};

use common::model::{Block, Model};
use common::{Actor, LimitedMapper, World, WorldMapper};
use proptest::prelude::*;
use tinyalloc_alloc::{Checks, Misuse, PurgeMode};
use tinyalloc_sys::{Call, CountingMapper, FailingMapper, MapError, Mapper, Protection};

type Counting = CountingMapper<LimitedMapper>;

/// Blocks of a size, of which one in so many lives on.
fn scatter<M: WorldMapper>(model: &mut Model<'_, M>, bytes: usize, count: usize, one_in: usize) {
    (0..count).for_each(|_| _ = model.allocate(0, bytes).unwrap());
    let mut kept = std::mem::take(&mut model.blocks);
    kept.sort_by_key(|block| block.start);
    let (live, gone): (Vec<_>, Vec<_>) = kept.into_iter().enumerate().partition(|(index, _)| index % one_in == 0);
    *model = Model::with_blocks(model, live.into_iter().map(|(_, block)| block).collect());
    for (_, block) in gone {
        // SAFETY: a live block, which the model does not know any more.
        unsafe { model.world.free(model.actors[0], block.start.as_ptr()) };
        model.freed.push(block);
    }
    assert_eq!(model.actors[0].misuses(), []);
}

fn committed<M: WorldMapper>(model: &Model<'_, M>) -> usize {
    model.world.stats(model.actors[0]).committed
}

#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn free_pages_between_live_slots_lose_their_memory_and_come_back() {
    for bytes in [16, 64, 100, 448, 512, 1000, 2048, 3072, 5000, 9000, 20_000, 32_768] {
        let world = World::<Counting>::new();
        let mut model = Model::new(&world, 1);
        let count = (4 << 20) / bytes;
        scatter(&mut model, bytes, count, (64 * 1024 / bytes).max(4));
        let before = committed(&model);
        world.purge_all(model.actors[0]);
        assert!(world.mapper.calls(Call::Decommit) > 0);
        let after = committed(&model);
        assert!(after < before / 2, "{bytes}: {before} became {after}");
        model.check_invariants();
        model.check_contents();
        (0..count / 2).for_each(|_| _ = model.allocate(0, bytes).unwrap());
        model.check_contents();
        model.check_invariants();
        assert!(committed(&model) <= before + before / 8, "{bytes}: the holes are used again");
        model.free_all(0);
        model.check_invariants();
    }
}

#[test]
fn who_frees_a_block_of_a_hole_again_is_reported_and_live_neighbours_are_not() {
    for bytes in [16, 64, 448, 2048, 9000] {
        let world = World::<Counting>::new();
        let mut model = Model::new(&world, 2);
        scatter(&mut model, bytes, (1 << 19) / bytes, (64 * 1024 / bytes).max(4));
        world.purge_all(model.actors[0]);
        let freed: Vec<Block> = model.freed.clone();
        for (index, block) in freed.iter().enumerate().step_by(freed.len() / 30) {
            // SAFETY: not a live block, which is to be found out.
            let misuses = model.mistake(index, |actor| unsafe { world.free(actor, block.start.as_ptr()) });
            let address = block.start.addr().get();
            let is_named = match misuses[..] {
                [Misuse::DoubleFree { address: named, .. } | Misuse::FreedBefore { address: named, .. }] => named == address,
                _ => false,
            };
            assert!(is_named, "{misuses:?}");
        }
        // By their own thread, and by another one.
        (0..model.blocks.len()).for_each(|index| model.free(index, index));
        model.settle();
        model.check_invariants();
        assert_eq!(model.live_bytes(), 0);
    }
}

/// A refill of the last hole changes two words, one after the other: the thread that reads one
/// before and one after must not take the live block behind for none.
#[test]
fn a_live_block_behind_a_hole_that_is_filled_is_one_to_other_threads() {
    let world = World::<LimitedMapper>::new();
    let (actor, allocator) = (Actor::new(), world.allocator());
    let mut blocks: Vec<_> = (0..256).map(|_| world.allocate(actor, 64).unwrap()).collect();
    blocks.sort();
    let live = blocks[255].addr();
    let is_over = AtomicBool::new(false);
    scope(|threads| {
        let looking = threads.spawn(|| {
            let other = Actor::new();
            let live = NonNull::new(with_exposed_provenance_mut::<u8>(live.get())).unwrap();
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(allocator.usable_bytes(other, live), Some(64), "{:?}", other.misuses());
            }
        });
        let until = Instant::now() + Duration::from_millis(1500);
        let mut between = blocks[64..128].to_vec();
        while Instant::now() < until && !looking.is_finished() {
            // SAFETY: live blocks, each freed once.
            between.drain(..).for_each(|block| unsafe { world.free(actor, block.as_ptr()) });
            world.purge_all(actor);
            between.extend((0..64).map(|_| world.allocate(actor, 64).unwrap()));
        }
        is_over.store(true, Ordering::Relaxed);
        looking.join().unwrap();
    });
}

#[test]
fn what_is_active_has_the_pages_of_all_live_blocks() {
    for bytes in [2048, 3000, 5120, 9000, 20_000] {
        let world = World::<LimitedMapper>::new();
        let mut model = Model::new(&world, 1);
        scatter(&mut model, bytes, (8 << 20) / bytes, 8);
        world.purge_all(model.actors[0]);
        let pages = model.blocks.iter().flat_map(|block| {
            let start = block.start.addr().get();
            start / 4096..=(start + block.usable - 1) / 4096
        });
        let pages: BTreeSet<usize> = pages.collect();
        let stats = world.stats(model.actors[0]);
        assert!(stats.active >= pages.len() * 4096, "{bytes}: {} of {}", stats.active, pages.len() * 4096);
        assert!(stats.allocated <= stats.active && stats.active <= stats.resident && stats.resident <= stats.committed);
    }
}

#[test]
fn memory_that_the_system_refuses_to_take_is_committed_still() {
    let world = World::<FailingMapper<LimitedMapper>>::new();
    let mut model = Model::new(&world, 1);
    scatter(&mut model, 256, 8000, 100);
    world.mapper.fail_every(Call::Decommit);
    let before = committed(&model);
    assert!(!world.purge_all(model.actors[0]));
    assert_eq!(committed(&model), before);
    model.check_invariants();
}

/// Linux refuses a start that is no page's, and takes whole pages.
struct LargePages(LimitedMapper);

const LARGE_PAGE_BYTES: usize = 64 * 1024;

// SAFETY: as the mapper itself.
unsafe impl Mapper for LargePages {
    fn page_bytes(&self) -> usize {
        LARGE_PAGE_BYTES
    }

    fn address_space_bytes(&self) -> usize {
        self.0.address_space_bytes()
    }

    fn reserve(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.0.reserve(bytes, align.max(LARGE_PAGE_BYTES))
    }

    fn map(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MapError> {
        self.0.map(bytes, align.max(LARGE_PAGE_BYTES))
    }

    unsafe fn commit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.commit(start, bytes) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        if start.addr().get() % LARGE_PAGE_BYTES != 0 {
            return Err(MapError::Unavailable);
        }
        // SAFETY: the caller's promise.
        unsafe { self.0.decommit(start, bytes.next_multiple_of(LARGE_PAGE_BYTES)) }
    }

    unsafe fn protect(&self, start: NonNull<u8>, bytes: usize, protection: Protection) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.protect(start, bytes, protection) }
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) -> Result<(), MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.release(start, bytes) }
    }

    unsafe fn remap(&self, start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Result<NonNull<u8>, MapError> {
        // SAFETY: the caller's promise.
        unsafe { self.0.remap(start, bytes, new_bytes) }
    }

    fn now_milliseconds(&self) -> u64 {
        self.0.now_milliseconds()
    }

    fn random(&self) -> u64 {
        self.0.random()
    }
}

impl WorldMapper for LargePages {
    fn over(limited: LimitedMapper) -> Self {
        LargePages(limited)
    }

    fn limited(&self) -> &LimitedMapper {
        &self.0
    }
}

#[test]
fn pages_that_are_larger_than_slices_have_no_holes() {
    let world = World::<LargePages>::new();
    let mut model = Model::new(&world, 1);
    scatter(&mut model, 10_240, 800, 8);
    world.purge_all(model.actors[0]);
    model.check_contents();
    model.check_invariants();
}

#[test]
fn a_system_that_refuses_to_decommit_loses_no_slot() {
    let world = World::<FailingMapper<LimitedMapper>>::new();
    let mut model = Model::new(&world, 1);
    scatter(&mut model, 256, 8000, 100);
    world.mapper.fail_every(Call::Decommit);
    world.purge_all(model.actors[0]);
    model.check_invariants();
    let before = committed(&model);
    (0..7000).for_each(|_| _ = model.allocate(0, 256).unwrap());
    model.check_contents();
    model.check_invariants();
    assert!(committed(&model) <= before + (2 << 20));
}

/// Time passes, while the thread allocates another size now and then.
fn pass(model: &mut Model<'_, LimitedMapper>, epochs: usize) {
    pass_by(model, 0, epochs);
}

fn pass_by<M: WorldMapper>(model: &mut Model<'_, M>, actor: usize, epochs: usize) {
    for _ in 0..epochs {
        model.world.wait(500);
        // Every so many slow paths the clock is read, and a hit does not look.
        (0..150).for_each(|_| _ = model.allocate(actor, 9000).unwrap());
        (0..150).for_each(|_| model.free(actor, model.blocks.len() - 1));
    }
}

#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn free_pages_that_are_idle_for_an_epoch_lose_their_memory_without_a_trim() {
    let world = World::<LimitedMapper>::new();
    let mut model = Model::new(&world, 1);
    scatter(&mut model, 256, 32_000, 100);
    let before = committed(&model);
    pass(&mut model, 20);
    let after = committed(&model);
    assert!(after < before / 2, "{before} became {after}");
    model.check_invariants();
    model.check_contents();
    model.free_all(0);
    model.check_invariants();
}

#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn a_thread_that_ends_after_an_epoch_leaves_no_free_pages() {
    for bytes in [64, 256, 2048, 9000] {
        let world = World::<LimitedMapper>::new();
        let mut model = Model::new(&world, 2);
        scatter(&mut model, bytes, (4 << 20) / bytes, (64 * 1024 / bytes).max(4));
        model.allocate(1, 64).unwrap();
        pass_by(&mut model, 1, 20);
        let before = committed(&model);
        model.replace_actor(0);
        let after = committed(&model);
        assert!(after < before / 2, "{bytes}: {before} became {after}");
        model.check_invariants();
        model.check_contents();
        // The next thread has them.
        (0..(1 << 20) / bytes).for_each(|_| _ = model.allocate(0, bytes).unwrap());
        assert!(committed(&model) <= before, "{bytes}: the holes are used again");
        model.free_all(1);
        model.check_invariants();
    }
}

#[test]
fn a_thread_that_ends_before_an_epoch_leaves_its_memory_to_the_next() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 2);
    scatter(&mut model, 256, 16_000, 100);
    let before = world.mapper.calls(Call::Decommit);
    model.replace_actor(0);
    // Nor does the next one have served since.
    model.allocate(0, 256).unwrap();
    model.allocate(1, 64).unwrap();
    model.replace_actor(0);
    assert_eq!(world.mapper.calls(Call::Decommit), before);
}

#[test]
fn a_thread_that_ends_leaves_its_memory_where_none_goes_back_unasked() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 2);
    assert!(world.tune(model.actors[0], |tunables| tunables.purge_mode = PurgeMode::Never));
    scatter(&mut model, 256, 16_000, 100);
    model.allocate(1, 64).unwrap();
    pass_by(&mut model, 1, 20);
    model.replace_actor(0);
    assert_eq!(world.mapper.calls(Call::Decommit), 0);
}

/// Where threads have what they need, none may have looked at the clock before.
#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn the_end_of_a_thread_is_an_end_of_epochs() {
    let world = World::<LimitedMapper>::new();
    let mut model = Model::new(&world, 2);
    model.allocate(1, 64).unwrap();
    scatter(&mut model, 256, 16_000, 100);
    let before = committed(&model);
    world.wait(500);
    model.replace_actor(0);
    assert!(committed(&model) < before / 2);
    model.check_contents();
}

/// A thread that filled gibibytes, of which little is left, is to end as soon.
#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn the_end_of_a_thread_digs_a_few_hundred_spans_at_most() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 2);
    // A live block for each span of 64 KiB, and so one run of pages before it, and one behind.
    scatter(&mut model, 256, 256 * 600, 256);
    model.allocate(1, 64).unwrap();
    pass_by(&mut model, 1, 20);
    let before = world.mapper.calls(Call::Decommit);
    model.replace_actor(0);
    let calls = world.mapper.calls(Call::Decommit) - before;
    assert!((200..=600).contains(&calls), "{calls}");
    model.check_invariants();
}

/// A free that a signal handler interrupts may be about to link its slot to the list's first one.
#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn the_slot_that_was_freed_last_keeps_its_page_when_time_passes() {
    let world = World::<LimitedMapper>::new();
    let mut model = Model::new(&world, 1);
    scatter(&mut model, 256, 32_000, 100);
    let last = model.blocks[model.blocks.len() / 2];
    model.free(0, model.blocks.len() / 2);
    let before = committed(&model);
    pass(&mut model, 20);
    assert!(committed(&model) < before / 2);
    // SAFETY: mapped memory; a free slot's second word is its signature.
    let [_, signature] = unsafe { last.start.cast::<[u64; 2]>().read() };
    assert_ne!(signature, 0);
}

#[test]
fn spans_that_are_in_use_keep_their_memory_however_much_of_it_is_free() {
    let world = World::<LimitedMapper>::new();
    let mut model = Model::new(&world, 1);
    scatter(&mut model, 256, 32_000, 8);
    let before = committed(&model);
    for _ in 0..8 {
        // A free in every span, an epoch.
        let step = 60;
        (0..model.blocks.len() / step).for_each(|index| model.free(0, index * step));
        pass(&mut model, 1);
    }
    assert!(committed(&model) > before / 2);
    model.check_invariants();
}

/// A slow path may be a signal handler's, and the thread that it interrupted about to take a slot
/// of a bin.
#[test]
fn no_slow_path_empties_the_bin_of_another_size() {
    let world = World::<LimitedMapper>::new();
    let (actor, other) = (Actor::new(), Actor::new());
    world.allocate(actor, 64).unwrap();
    world.allocate(other, 64).unwrap();
    for _ in 0..6 {
        world.purge_all(other);
        world.wait(500);
        let blocks: Vec<_> = (0..200).map(|_| world.allocate(actor, 9000).unwrap()).collect();
        // SAFETY: live blocks, each freed once.
        blocks.into_iter().for_each(|block| unsafe { world.free(actor, block.as_ptr()) });
        assert!(world.allocate_hit(actor, 64).is_some());
    }
}

#[test]
#[cfg_attr(windows, ignore = "memory that went back is not accessible")]
fn a_write_to_a_free_slot_is_reported_by_the_purge() {
    let world = World::<Counting>::new();
    let mut model = Model::new(&world, 1);
    scatter(&mut model, 256, 100, 30);
    let victim = model.freed[model.freed.len() / 2];
    // SAFETY: mapped memory, which is not the program's any more: the mistake.
    unsafe { victim.start.cast::<[u64; 2]>().write([1, 2]) };
    world.purge_all(model.actors[0]);
    assert!(matches!(model.actors[0].misuses()[..], [Misuse::WriteAfterFree { .. }]));
}

#[test]
fn hardened_heaps_and_heaps_with_a_limit_have_no_holes() {
    let world = World::<Counting>::new();
    let actor = Actor::new();
    assert!(world.tune(actor, |tunables| tunables.checks = Checks { hardened: true, ..Checks::NONE }));
    let blocks: Vec<_> = (0..2000).map(|_| world.allocate(actor, 200).unwrap()).collect();
    // SAFETY: live blocks, each freed once.
    blocks.iter().skip(1).for_each(|block| unsafe { world.free(actor, block.as_ptr()) });
    world.purge_all(actor);
    // Holes of a hardened heap would be an objection.
    world.survey(actor).unwrap();
}

#[derive(Clone, Debug)]
enum Op {
    Allocate(usize, usize, usize),
    Free(usize, usize, usize),
    Purge(usize),
    FreeAgain(usize, usize),
    Reallocate(usize, usize, usize),
    End(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = prop_oneof![Just(24usize), Just(200), Just(1000), Just(3000), Just(10_000), 1..33_000usize];
    prop_oneof![
        6 => (0..3usize, bytes.clone(), 1..100usize).prop_map(|(actor, bytes, count)| Op::Allocate(actor, bytes, count)),
        6 => (0..3usize, any::<usize>(), 1..300usize).prop_map(|(actor, block, count)| Op::Free(actor, block, count)),
        4 => (0..3usize).prop_map(Op::Purge),
        2 => (0..3usize, any::<usize>()).prop_map(|(actor, freed)| Op::FreeAgain(actor, freed)),
        2 => (0..3usize, any::<usize>(), bytes).prop_map(|(actor, block, bytes)| Op::Reallocate(actor, block, bytes)),
        1 => (0..3usize).prop_map(Op::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn blocks_come_and_go_around_holes(ops in prop::collection::vec(op(), 1..40)) {
        let world = World::<LimitedMapper>::new();
        let mut model = Model::new(&world, 3);
        for op in ops {
            match op {
                Op::Allocate(actor, bytes, count) => (0..count).for_each(|_| _ = model.allocate(actor, bytes).unwrap()),
                Op::Free(actor, block, count) => (0..count).for_each(|step| model.free(actor, block.wrapping_add(step * 7919))),
                Op::Purge(actor) => _ = world.purge_all(model.actor(actor)),
                Op::FreeAgain(actor, freed) => {
                    let Some(block) = freed.checked_rem(model.freed.len()).map(|index| model.freed[index]) else {
                        continue;
                    };
                    if model.block_around(block.start.addr().get()).is_none() {
                        // SAFETY: not a live block, which is to be found out.
                        let misuses = model.mistake(actor, |actor| unsafe { world.free(actor, block.start.as_ptr()) });
                        prop_assert_eq!(misuses.len(), 1);
                    }
                }
                Op::Reallocate(actor, block, bytes) => _ = model.reallocate(actor, block, bytes),
                Op::End(actor) => _ = model.replace_actor(actor),
            }
            model.check_invariants();
        }
        model.check_contents();
        model.settle();
        model.check_contents();
        model.free_all(0);
        model.settle();
        model.check_invariants();
    }
}
