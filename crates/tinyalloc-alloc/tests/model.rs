//! The whole interface against a model, with several threads taking turns: contents, alignment,
//! sizes, overlap, exact statistics.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use common::model::Model;
use common::{Actor, LimitedMapper, MIB, World};
use proptest::prelude::*;
use tinyalloc_alloc::Misuse;

const ACTORS: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    Allocate(usize, usize),
    Zeroed(usize, usize),
    Aligned(usize, usize, u32),
    Reallocate(usize, usize, usize),
    Free(usize, usize),
    FreeMany(usize, usize),
    AllocateMany(usize, usize, usize),
    Usable(usize, usize),
    Purge(usize),
    Replace(usize),
    /// A thread that ended frees and allocates on.
    Afterlife(usize, usize, usize),
    Wait(u64),
    FreeInside(usize, usize, usize),
    FreeAgain(usize, usize),
    FreeForeign(usize, usize),
    MisuseElsewhere(usize, usize),
}

fn bytes() -> impl Strategy<Value = usize> {
    prop_oneof![
        12 => 0..300usize,
        6 => 256..4200usize,
        4 => 4000..33_000usize,
        3 => 32_000..600_000usize,
        1 => 500_000..3 * MIB,
        1 => prop_oneof![Just(31 * MIB), Just(32 * MIB), Just(33 * MIB), Just(47 * MIB + 5)],
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let (actor, block) = (0..ACTORS, any::<usize>());
    prop_oneof![
        16 => (actor.clone(), bytes()).prop_map(|(actor, bytes)| Op::Allocate(actor, bytes)),
        4 => (actor.clone(), bytes()).prop_map(|(actor, bytes)| Op::Zeroed(actor, bytes)),
        4 => (actor.clone(), 0..40_000usize, 0..22u32).prop_map(|(actor, bytes, shift)| Op::Aligned(actor, bytes, shift)),
        6 => (actor.clone(), block, bytes()).prop_map(|(actor, block, bytes)| Op::Reallocate(actor, block, bytes)),
        12 => (actor.clone(), block).prop_map(|(actor, block)| Op::Free(actor, block)),
        2 => (actor.clone(), 1..2000usize).prop_map(|(actor, count)| Op::FreeMany(actor, count)),
        2 => (actor.clone(), 1..600usize, 0..1200usize).prop_map(|(actor, count, bytes)| Op::AllocateMany(actor, count, bytes)),
        2 => (actor.clone(), block).prop_map(|(actor, block)| Op::Usable(actor, block)),
        1 => actor.clone().prop_map(Op::Purge),
        2 => actor.clone().prop_map(Op::Replace),
        1 => (actor.clone(), block, bytes()).prop_map(|(actor, block, bytes)| Op::Afterlife(actor, block, bytes)),
        1 => (1..2000u64).prop_map(Op::Wait),
        2 => (actor.clone(), block, 1..40_000usize).prop_map(|(actor, block, at)| Op::FreeInside(actor, block, at)),
        2 => (actor.clone(), block).prop_map(|(actor, freed)| Op::FreeAgain(actor, freed)),
        1 => (actor.clone(), any::<usize>()).prop_map(|(actor, address)| Op::FreeForeign(actor, address)),
        1 => (actor, block).prop_map(|(actor, freed)| Op::MisuseElsewhere(actor, freed)),
    ]
}

fn run(model: &mut Model<'_, LimitedMapper>, op: &Op) {
    match *op {
        Op::Allocate(actor, bytes) => assert!(model.allocate(actor, bytes).is_some()),
        Op::Zeroed(actor, bytes) => assert!(model.allocate_zeroed(actor, bytes).is_some()),
        Op::Aligned(actor, bytes, shift) => assert!(model.allocate_aligned(actor, bytes, 1 << shift).is_some()),
        Op::Reallocate(actor, block, bytes) => {
            model.reallocate(actor, block, bytes);
            assert_eq!(model.refused, 0);
        }
        Op::Free(actor, block) => model.free(actor, block),
        Op::FreeMany(actor, count) => (0..count).for_each(|block| model.free(actor, block * 7919)),
        Op::AllocateMany(actor, count, bytes) => (0..count).for_each(|_| _ = model.allocate(actor, bytes)),
        Op::Usable(actor, block) => model.check_usable(actor, block),
        Op::Purge(actor) => _ = model.world.purge_all(model.actor(actor)),
        Op::Replace(actor) => _ = model.replace_actor(actor),
        Op::Afterlife(actor, block, bytes) => afterlife(model, actor, block, bytes),
        Op::Wait(milliseconds) => model.world.wait(milliseconds),
        Op::FreeInside(actor, block, at) => free_inside(model, actor, block, at),
        Op::FreeAgain(actor, freed) => free_again(model, actor, freed),
        Op::FreeForeign(actor, address) => free_foreign(model, actor, address),
        Op::MisuseElsewhere(actor, freed) => misuse_elsewhere(model, actor, freed),
    }
}

/// A thread that is ending goes on with its calls, and another takes its place afterwards.
fn afterlife(model: &mut Model<'_, LimitedMapper>, actor: usize, block: usize, bytes: usize) {
    model.world.detach(model.actor(actor));
    model.free(actor, block);
    assert!(model.allocate(actor, bytes).is_some());
    model.reallocate(actor, block, bytes / 2);
    model.free(actor, block / 2);
    model.replace_actor(actor);
}

fn free_inside(model: &Model<'_, LimitedMapper>, actor: usize, block: usize, at: usize) {
    let Some(&block) = model.pick(block) else {
        return;
    };
    // Addresses of zero-size allocations are 16 bytes apart.
    let address = block.start.addr().get() + 1 + at % (block.usable.max(16) - 1);
    let misuses = model.mistake(actor, |actor| free_address(model, actor, address));
    let interior = Misuse::Interior { address, slot_start: block.start.addr().get(), slot_bytes: block.usable };
    // Of a huge block, or one aligned beyond what regions do, only the start is known.
    let is_in_region = model.world.stats(model.actor(actor)).huge_blocks == 0;
    assert!(misuses == [interior] || (!is_in_region && misuses == [Misuse::NotAllocated { address }]), "{misuses:?}: {block:?}");
}

fn free_again(model: &Model<'_, LimitedMapper>, actor: usize, freed: usize) {
    let Some(block) = freed.checked_rem(model.freed.len()).map(|index| model.freed[index]) else {
        return;
    };
    let address = block.start.addr().get();
    if model.is_live(address) {
        return;
    }
    let misuses = model.mistake(actor, |actor| free_address(model, actor, address));
    assert!(is_about_dead(model, &misuses, address), "{misuses:?} is about {block:?}");
}

/// Exactly one report, about this address, and no other live block named than the one around it.
fn is_about_dead(model: &Model<'_, LimitedMapper>, misuses: &[Misuse], address: usize) -> bool {
    match (misuses, model.block_around(address)) {
        ([Misuse::NotAllocated { address: reported } | Misuse::FreedBefore { address: reported }], _) => *reported == address,
        ([Misuse::DoubleFree { address: reported, slot_bytes }], None) => *reported == address && slot_bytes % 16 == 0,
        ([Misuse::Interior { address: reported, slot_start, slot_bytes }], around) => {
            let named = around.is_none_or(|block| block.start.addr().get() == *slot_start && block.usable == *slot_bytes);
            *reported == address && named && (*slot_start + 1..slot_start + slot_bytes).contains(&address)
        }
        _ => false,
    }
}

fn free_foreign(model: &Model<'_, LimitedMapper>, actor: usize, address: usize) {
    let local = 0u64;
    let here = (&raw const local).addr();
    for address in [address | 1, address & 0xffff, 1, 8, usize::MAX, usize::MAX / 2 + 1, here, (&raw const model.refused).addr()]
    {
        if address == 0 || model.is_live(address) || model.block_around(address).is_some() {
            continue;
        }
        let misuses = model.mistake(actor, |actor| free_address(model, actor, address));
        assert!(is_about_dead(model, &misuses, address), "{misuses:?} is about {address:#x}");
    }
    assert_eq!(model.mistake(actor, |actor| free_address(model, actor, 0)), [], "null is no mistake");
}

/// The other calls that take a block refuse what free refuses.
fn misuse_elsewhere(model: &Model<'_, LimitedMapper>, actor: usize, freed: usize) {
    let Some(block) = freed.checked_rem(model.freed.len()).map(|index| model.freed[index]) else {
        return;
    };
    let address = block.start.addr().get();
    if model.is_live(address) {
        return;
    }
    let misuses = model.mistake(actor, |actor| assert_eq!(model.world.usable_bytes(actor, block.start), None));
    assert!(is_about_dead(model, &misuses, address), "{misuses:?} is about {block:?}");
    let misuses = model.mistake(actor, |actor| {
        // SAFETY: not a live block, which is to be found out.
        assert_eq!(unsafe { model.world.reallocate(actor, block.start, 100) }, None);
    });
    assert!(is_about_dead(model, &misuses, address), "{misuses:?} is about {block:?}");
}

fn free_address(model: &Model<'_, LimitedMapper>, actor: Actor, address: usize) {
    // SAFETY: not a live block, which is to be found out.
    unsafe { model.world.free(actor, std::ptr::with_exposed_provenance_mut(address)) };
}

fn check_trace(actors: usize, ops: &[Op], world: &World<LimitedMapper>) {
    let mut model = Model::new(world, actors);
    for op in ops {
        run(&mut model, op);
        model.check_invariants();
    }
    model.check_contents();
    if actors == 1 {
        model.settle();
        assert_eq!(world.stats(model.actors[0]).allocated, model.live_bytes());
    }
    check_end(&mut model);
}

/// All threads end; what they leave is counted exactly, and goes away when it is freed.
fn check_end(model: &mut Model<'_, LimitedMapper>) {
    model.detach_all();
    let last = Actor::new();
    model.actors = vec![last];
    model.settle();
    assert_eq!(model.check_invariants().remote_slots, 0, "remote frees are home once everybody is");
    assert_eq!(model.world.stats(last).allocated, model.live_bytes());
    model.check_contents();
    model.free_all(0);
    model.settle();
    let (survey, stats) = (model.check_invariants(), model.world.stats(last));
    assert_eq!((survey.live_bytes, survey.small_spans, survey.large_blocks, survey.resident_slices), (0, 0, 0, 0));
    assert_eq!((stats.allocated, stats.live_slots, stats.large_blocks, stats.huge_blocks, stats.huge), (0, 0, 0, 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn threads_that_take_turns_never_disturb_each_other(ops in prop::collection::vec(op(), 1..150)) {
        check_trace(ACTORS, &ops, &World::new());
    }

    #[test]
    fn one_thread_has_exact_statistics(ops in prop::collection::vec(op(), 1..150)) {
        check_trace(1, &ops, &World::new());
    }

    #[test]
    fn many_small_regions_serve_as_well_as_one(ops in prop::collection::vec(op(), 1..120)) {
        check_trace(ACTORS, &ops, &World::with_limits(usize::MAX, 4 * MIB));
    }

    #[test]
    #[cfg_attr(windows, ignore = "pages have 4 KiB, and what recommits needs them to be no larger than slices")]
    fn pages_of_16_and_64_kib_change_no_promise(ops in prop::collection::vec(op(), 1..120), shift in prop_oneof![Just(14), Just(16)]) {
        check_trace(ACTORS, &ops, &World::with_pages(1 << shift));
    }
}
