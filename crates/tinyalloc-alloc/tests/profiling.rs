//! The sampler: which blocks are sampled is a matter of their size alone, whatever way their slots
//! come and go.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]
#![allow(clippy::cast_precision_loss, reason = "the numbers are small")]

mod common;

use std::collections::{BTreeMap, VecDeque};
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use common::model::{Model, Random};
use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_alloc::{
    HeapMemory, HeapOptions, HeapRef, LiveBlock, Misuse, ProfileSummary, SMALL_BYTES_MAX, SiteProfile, SizeClass, Stats, Tally,
};
use tinyalloc_sys::{Call, FailingMapper};

type Limited = World<LimitedMapper>;

const INTERVAL: usize = 8192;
const ACTORS: usize = 3;

/// Bytes of a site, and the variance of what a profile estimates them to be.
#[derive(Clone, Copy, Debug, Default)]
struct Truth {
    bytes: f64,
    variance: f64,
}

impl Truth {
    fn count(&mut self, bytes: usize, sign: f64) {
        let (bytes, part) = (bytes as f64, -(-(bytes as f64) / INTERVAL as f64).exp_m1());
        self.bytes += sign * bytes;
        self.variance += sign * bytes * bytes * (1.0 - part) / part;
    }
}

#[derive(Clone, Copy)]
struct Block {
    start: NonNull<u8>,
    bytes: usize,
    site: usize,
}

/// A world whose blocks are counted by site.
struct Counted {
    world: Limited,
    actors: Vec<Actor>,
    total: BTreeMap<usize, Truth>,
    live: BTreeMap<usize, Truth>,
    random: Random,
    heap: Option<HeapRef>,
}

impl Counted {
    fn new(seed: u64) -> Counted {
        let counted = Counted::unsampled(seed);
        assert!(counted.world.set_profile_interval(counted.actors[0], INTERVAL));
        counted
    }

    fn unsampled(seed: u64) -> Counted {
        let counted = Counted {
            world: Limited::new(),
            actors: (0..ACTORS).map(|_| Actor::new()).collect(),
            total: BTreeMap::new(),
            live: BTreeMap::new(),
            random: Random::new(seed),
            heap: None,
        };
        counted.world.mapper.random.store(seed.wrapping_mul(0xd134_2543_de82_ef95), Ordering::Relaxed);
        counted
    }

    /// In an isolated heap.
    fn isolated(seed: u64) -> Counted {
        let counted = Counted::new(seed);
        let heap = counted.world.create_heap(counted.actors[0], &HeapOptions::default());
        Counted { heap, ..counted }
    }

    fn allocate(&mut self, actor: usize, site: usize, bytes: usize) -> Block {
        self.actors[actor].call_from(site);
        let start = match self.heap {
            Some(heap) => self.world.allocate_in(self.actors[actor], heap, bytes),
            None => self.world.allocate(self.actors[actor], bytes),
        };
        let start = start.unwrap();
        // SAFETY: the block is that large.
        unsafe { start.write_bytes(7, bytes) };
        let bytes = if bytes <= SMALL_BYTES_MAX { SizeClass::of(bytes).unwrap().bytes() } else { bytes.next_multiple_of(4096) };
        self.total.entry(site).or_default().count(bytes, 1.0);
        self.live.entry(site).or_default().count(bytes, 1.0);
        Block { start, bytes, site }
    }

    fn free(&mut self, actor: usize, block: Block) {
        self.live.entry(block.site).or_default().count(block.bytes, -1.0);
        // SAFETY: the block is live.
        unsafe { self.world.free(self.actors[actor], block.start.as_ptr()) };
    }

    fn sites(&self) -> Vec<SiteProfile> {
        let actor = self.actors[0];
        (0..self.world.profile_summary(actor).sites).map(|index| self.world.profile_site(actor, index).unwrap()).collect()
    }
}

/// One run of a shape.
type Shape = fn(&mut Counted);

/// Pairs of malloc and free, over blocks that stay.
fn pairs(counted: &mut Counted) {
    let kept: Vec<_> = (0..200).map(|_| counted.allocate(0, 1, 48)).collect();
    for _ in 0..20_000 {
        let block = counted.allocate(0, 2, 48);
        counted.free(0, block);
    }
    kept.into_iter().skip(100).for_each(|block| counted.free(0, block));
}

/// Many small blocks that stay.
fn growth(counted: &mut Counted) {
    for number in 0..20_000 {
        let bytes = 16 + 16 * counted.random.below(40);
        counted.allocate(0, 1 + number % 3, bytes);
    }
}

/// Each block takes the place of another one, of any size.
fn replacement(counted: &mut Counted) {
    let mut blocks = Vec::new();
    for number in 0..20_000 {
        let bytes = 1 + counted.random.below(3000);
        blocks.push(counted.allocate(0, 1 + number % 2, bytes));
        if blocks.len() > 500 {
            let at = counted.random.below(blocks.len());
            let block = blocks.swap_remove(at);
            counted.free(0, block);
        }
    }
}

/// What one thread allocates, another one frees; and some that the first one frees itself.
fn across(counted: &mut Counted) {
    let mut queue = VecDeque::new();
    for _ in 0..20_000 {
        let bytes = 16 + counted.random.below(500);
        queue.push_back(counted.allocate(0, 1, bytes));
        let own = counted.allocate(0, 2, 100);
        counted.free(0, own);
        if queue.len() > 300 {
            let block = queue.pop_front().unwrap();
            counted.free(1, block);
        }
    }
}

/// Tiny blocks that one thread allocates and another one frees: what comes home meets marked slots
/// that wait.
fn queue(counted: &mut Counted) {
    let mut queue = VecDeque::new();
    for _ in 0..40_000 {
        queue.push_back(counted.allocate(0, 1, 16));
        if queue.len() > 100 {
            let block = queue.pop_front().unwrap();
            counted.free(1, block);
        }
    }
}

/// Medium blocks: few slots to a span.
fn medium(counted: &mut Counted) {
    let mut blocks = Vec::new();
    for number in 0..6000 {
        let bytes = 2000 + counted.random.below(30_000);
        blocks.push(counted.allocate(number % ACTORS, 1 + number % 2, bytes));
        if blocks.len() > 60 {
            let at = counted.random.below(blocks.len());
            let block = blocks.swap_remove(at);
            counted.free(number / 2 % ACTORS, block);
        }
    }
}

/// Large blocks, almost all of which are sampled, and small ones.
fn few_large(counted: &mut Counted) {
    let mut blocks = Vec::new();
    for number in 0..600 {
        let bytes = 33_000 + counted.random.below(40_000);
        blocks.push(counted.allocate(0, 1, bytes));
        let small = counted.allocate(0, 2, 5000);
        counted.free(0, small);
        if number % 2 == 0 {
            let block = blocks.swap_remove(counted.random.below(blocks.len()));
            counted.free(number % ACTORS, block);
        }
    }
}

/// All allocated and all freed, again and again.
fn batches(counted: &mut Counted) {
    for round in 0..40 {
        let blocks: Vec<_> = (0..600).map(|number| counted.allocate(0, 1 + number % 4, 96 + 32 * (number % 7))).collect();
        if round < 39 {
            blocks.into_iter().for_each(|block| counted.free(0, block));
        }
    }
}

const SHAPES: [(&str, Shape); 8] = [
    ("pairs", pairs),
    ("growth", growth),
    ("replacement", replacement),
    ("across", across),
    ("queue", queue),
    ("medium", medium),
    ("few large", few_large),
    ("batches", batches),
];

/// How many standard errors what was estimated is from the truth.
fn deviation(estimated: f64, truth: Truth) -> f64 {
    (estimated - truth.bytes) / truth.variance.max(1.0).sqrt()
}

/// Of each shape, over so many runs: the mean of total and live bytes by site is right, and so is
/// how much single runs differ from it (chi-square).
fn check_shapes(runs: u64, begin: fn(u64) -> Counted) {
    for (name, shape) in SHAPES {
        let (mut errors, mut variances) = (BTreeMap::<_, f64>::new(), BTreeMap::<_, f64>::new());
        let (mut squares, mut degrees) = (0.0, 0.0);
        for seed in 0..runs {
            let mut counted = begin(seed + 1);
            shape(&mut counted);
            counted.world.check_invariants(counted.actors[0]).unwrap();
            let sites = counted.sites();
            let estimated = |site: usize, tally: fn(&SiteProfile) -> Tally| {
                sites.iter().find(|profile| profile.callers() == [site]).map_or(0.0, |profile| tally(profile).bytes as f64)
            };
            for (kind, truths, tally) in [
                ("total", &counted.total, (|site| site.total) as fn(&SiteProfile) -> Tally),
                ("live", &counted.live, |site| site.live),
            ] {
                for (site, truth) in truths {
                    let error = estimated(*site, tally) - truth.bytes;
                    *errors.entry((kind, *site)).or_default() += error;
                    *variances.entry((kind, *site)).or_default() += truth.variance;
                    if truth.variance > 1.0 {
                        squares += deviation(estimated(*site, tally), *truth).powi(2);
                        degrees += 1.0;
                    }
                }
            }
            assert_eq!(counted.world.profile_summary(counted.actors[0]).lost_samples, 0);
        }
        for (key, error) in &errors {
            let truth = Truth { bytes: 0.0, variance: variances[key] };
            println!("{name} {key:?}: {:.2} standard errors", deviation(*error, truth));
        }
        println!("{name}: {:.3} of the variance that should be", squares / degrees);
        for (key, error) in &errors {
            let truth = Truth { bytes: 0.0, variance: variances[key] };
            assert!(deviation(*error, truth).abs() < 4.0, "{name}, {key:?}: {:.2} standard errors", deviation(*error, truth));
        }
        // Of the mean of so many squares, the standard error is the root of 2 by their number.
        let spread = (squares / degrees - 1.0) / f64::sqrt(2.0 / degrees);
        assert!(spread.abs() < 6.0, "{name}: {spread:.2} standard errors of the variance");
    }
}

#[test]
fn what_is_sampled_is_unbiased_in_every_shape() {
    check_shapes(30, Counted::new);
}

#[test]
fn so_it_is_in_isolated_heaps() {
    check_shapes(12, Counted::isolated);
}

#[test]
#[ignore = "for the figures of the documentation: half a minute"]
fn in_many_runs_as_well() {
    check_shapes(400, Counted::new);
    check_shapes(200, Counted::isolated);
}

/// A model in which one block of so many bytes is sampled.
fn sampled(world: &Limited, interval: usize) -> Model<'_, LimitedMapper> {
    let model = Model::new(world, 3);
    assert!(world.set_profile_interval(model.actors[0], interval));
    model
}

#[test]
fn contents_and_invariants_hold_whatever_part_is_sampled() {
    for interval in [1, 100, 1000, 50_000] {
        let world = Limited::new();
        let mut model = sampled(&world, interval);
        let mut random = Random::new(interval as u64);
        for step in 0..6000 {
            let actor = random.below(3);
            let bytes = if random.below(40) == 0 { random.below(300_000) } else { random.bytes() };
            match random.below(5) {
                0 => _ = model.allocate(actor, bytes),
                1 => _ = model.allocate_zeroed(actor, bytes),
                2 => _ = model.allocate_aligned(actor, bytes, 16 << random.below(5)),
                3 if !model.blocks.is_empty() => _ = model.reallocate(actor, random.below(model.blocks.len()), bytes),
                _ if !model.blocks.is_empty() => model.free(actor, random.below(model.blocks.len())),
                _ => {}
            }
            if step % 500 == 0 {
                world.purge_all(model.actors[actor]);
                model.check_contents();
                model.check_invariants();
            }
        }
        model.free_all(1);
        model.settle();
        model.check_invariants();
        let summary = world.profile_summary(model.actors[0]);
        assert_eq!((summary.live_bytes, summary.lost_frees, summary.lost_samples), (0, 0, 0), "{interval}");
        assert!(summary.peak_bytes > 0);
    }
}

#[test]
fn a_second_free_is_noticed_of_slots_that_are_marked_and_of_blocks_that_are_sampled() {
    for bytes in [16, 100, 3000, 50_000] {
        let world = Limited::new();
        let mut model = Model::new(&world, 1);
        (0..20).for_each(|_| _ = model.allocate(0, bytes).unwrap());
        assert!(world.set_profile_interval(model.actors[0], 1));
        // Threads follow at their next slow path.
        model.allocate(0, 5000).unwrap();
        (0..40).for_each(|_| _ = model.allocate(0, bytes).unwrap());
        assert!(world.profile_summary(model.actors[0]).live_bytes > 0);
        // Each free of a block that is not sampled marks its slot.
        (0..40).for_each(|block| model.free(0, block));
        for block in model.freed.clone() {
            let misuses = model.mistake(0, |actor| {
                // SAFETY: no block is there, as the test is to show.
                unsafe { world.free(actor, block.start.as_ptr()) };
            });
            assert_eq!(misuses.len(), 1, "{bytes}");
        }
        model.check_contents();
        model.check_invariants();
    }
}

#[test]
fn a_free_slot_that_was_written_to_is_noticed_though_it_is_marked() {
    let world = Limited::new();
    let actor = Actor::new();
    let blocks: Vec<_> = (0..8).map(|_| world.allocate(actor, 100).unwrap()).collect();
    assert!(world.set_profile_interval(actor, 1));
    blocks.iter().for_each(|block| {
        // SAFETY: the block is live.
        unsafe { world.free(actor, block.as_ptr()) };
    });
    // SAFETY: the slot is mapped, and a test is to show what becomes of that.
    unsafe { blocks[7].cast::<usize>().write(0x1234_5678) };
    let _ = world.allocate(actor, 100);
    assert!(matches!(actor.misuses()[..], [Misuse::WriteAfterFree { .. }]));
}

#[test]
fn nothing_is_sampled_before_and_after_and_what_was_is_known_to_be_freed() {
    let mut counted = Counted::unsampled(3);
    let actor = counted.actors[0];
    growth(&mut counted);
    assert_eq!(counted.world.profile_summary(actor).sites, 0);
    assert!(counted.world.set_profile_interval(actor, INTERVAL));
    let blocks: Vec<_> = (0..3000).map(|_| counted.allocate(0, 7, 500)).collect();
    let live = counted.world.profile_summary(actor).live_bytes;
    assert!((1_000_000..2_200_000).contains(&live), "{live}");
    assert!(counted.world.set_profile_interval(actor, 0));
    (0..3000).for_each(|_| _ = counted.allocate(0, 7, 500));
    assert_eq!(counted.world.profile_summary(actor).live_bytes, live);
    blocks.into_iter().for_each(|block| counted.free(0, block));
    let summary = counted.world.profile_summary(actor);
    assert_eq!((summary.live_bytes, summary.peak_bytes), (0, live));
}

#[test]
fn lists_that_were_filled_before_are_marked_when_it_begins() {
    let (mut sampled, mut expected) = (0.0, Truth::default());
    for seed in 0..40 {
        let mut counted = Counted::unsampled(seed);
        let actor = counted.actors[0];
        let blocks: Vec<_> = (0..4000).map(|_| counted.allocate(0, 1, 64)).collect();
        blocks.into_iter().for_each(|block| counted.free(0, block));
        counted.total.clear();
        assert!(counted.world.set_profile_interval(actor, INTERVAL));
        // Threads follow at their next slow path.
        counted.allocate(0, 2, 3000);
        counted.allocate(0, 2, 40);
        (0..4000).for_each(|_| _ = counted.allocate(0, 1, 64));
        let sites = counted.sites();
        sampled += sites.iter().filter(|site| site.callers() == [1]).map(|site| site.total.bytes as f64).sum::<f64>();
        expected.bytes += counted.total[&1].bytes;
        expected.variance += counted.total[&1].variance;
    }
    assert!(deviation(sampled, expected).abs() < 4.0, "{:.1} standard errors", deviation(sampled, expected));
}

/// Slots of spans that are full, or lend their slots to the bin, when it begins.
#[test]
fn spans_that_are_in_no_list_are_marked_when_it_begins() {
    let (mut sampled, mut expected) = (0.0, Truth::default());
    for seed in 0..30 {
        let mut counted = Counted::unsampled(seed + 1);
        let mut blocks: Vec<_> = (0..2000).map(|_| counted.allocate(0, 1, 400)).collect();
        let mut churn = |counted: &mut Counted, rounds: usize| {
            for _ in 0..rounds {
                let at = counted.random.below(blocks.len());
                let block = blocks.swap_remove(at);
                counted.free(0, block);
                blocks.push(counted.allocate(0, 1, 400));
            }
        };
        churn(&mut counted, 10_000);
        counted.total.clear();
        let actor = counted.actors[0];
        assert!(counted.world.set_profile_interval(actor, INTERVAL));
        // Threads follow at their next slow path.
        counted.allocate(0, 2, 3000);
        churn(&mut counted, 3000);
        let sites = counted.sites();
        sampled += sites.iter().filter(|site| site.callers() == [1]).map(|site| site.total.bytes as f64).sum::<f64>();
        expected.bytes += counted.total[&1].bytes;
        expected.variance += counted.total[&1].variance;
    }
    assert!(deviation(sampled, expected).abs() < 4.0, "{:.1} standard errors", deviation(sampled, expected));
}

#[test]
fn who_freed_a_block_and_how_long_it_lived_is_told_by_site() {
    let world = Limited::new();
    let (one, other) = (Actor::new(), Actor::new());
    assert!(world.set_profile_interval(one, 1));
    for (caller, freer, lives) in [(1, one, 0), (2, other, 3), (3, one, 100)] {
        one.call_from(caller);
        for bytes in [48, 100_000] {
            let start = world.allocate(one, bytes).unwrap();
            world.mapper.milliseconds.fetch_add(lives, Ordering::Relaxed);
            // SAFETY: the block is live.
            unsafe { world.free(freer, start.as_ptr()) };
        }
    }
    let site =
        |caller| (0..3).map(|index| world.profile_site(one, index).unwrap()).find(|site| site.callers() == [caller]).unwrap();
    assert_eq!((site(1).freed_elsewhere, site(2).freed_elsewhere, site(3).freed_elsewhere), (0, 2, 0));
    assert_eq!((site(1).lifetimes[0], site(2).lifetimes[2], site(3).lifetimes[7]), (2, 2, 2));
    assert_eq!((site(1).total.blocks(), site(1).total.samples, site(1).live.samples), (2, 2, 0));
}

#[test]
fn large_blocks_that_grow_are_new_blocks_to_the_profile() {
    let world = Limited::new();
    let mut model = sampled(&world, 1);
    model.allocate(0, 50_000).unwrap();
    for bytes in [60_000, 900_000, 40 * MIB, 300_000, 100] {
        model.reallocate(0, 0, bytes).unwrap();
        let live = world.profile_summary(model.actors[0]).live_bytes;
        let usable = world.usable_bytes(model.actors[0], model.blocks[0].start).unwrap() as u64;
        assert_eq!(live, usable, "{bytes}");
    }
}

#[test]
fn the_child_of_a_fork_starts_anew() {
    let world = Limited::new();
    let mut model = sampled(&world, 1);
    (0..100).for_each(|_| _ = model.allocate(0, 200).unwrap());
    let actor = model.actors[0];
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    let before = world.allocate_in(actor, heap, 200).unwrap();
    world.prepare_fork(model.actors[0]);
    world.resume_child(model.actors[0]);
    assert_eq!(world.profile_summary(model.actors[0]).live_bytes, 0);
    let after = world.allocate_in(actor, heap, 200).unwrap();
    let blocks = live_blocks(&world, actor);
    assert!(blocks.len() == 1 && blocks[0].heap != 0);
    for block in [before, after] {
        // SAFETY: the block is live.
        unsafe { world.free(actor, block.as_ptr()) };
    }
    assert_eq!(world.profile_summary(model.actors[0]).live_bytes, 0);
    (0..50).for_each(|_| model.free(0, 0));
    (0..100).for_each(|_| _ = model.allocate(0, 200).unwrap());
    model.check_contents();
    model.check_invariants();
    assert_eq!(world.profile_summary(model.actors[0]).live_bytes, 100 * 208);
}

#[test]
fn where_every_call_is_checked_nothing_is_sampled() {
    let world = Limited::new();
    let actor = Actor::new();
    world.tune(actor, |tunables| tunables.checks.hardened = true);
    assert!(!world.set_profile_interval(actor, 1000));
}

#[test]
fn without_memory_for_its_tables_there_is_no_profile() {
    for call in [Call::Reserve, Call::Commit] {
        let world = World::<FailingMapper<LimitedMapper>>::new();
        let actor = Actor::new();
        world.allocate(actor, 10).unwrap();
        world.mapper.fail_every(call);
        assert!(!world.set_profile_interval(actor, 1000));
        assert_eq!(world.profile_summary(actor), ProfileSummary::default());
    }
}

/// The sampled blocks that live.
fn live_blocks(world: &Limited, actor: Actor) -> Vec<LiveBlock> {
    (0..).map_while(|index| world.profile_block(actor, index)).filter(|block| block.bytes > 0).collect()
}

#[test]
fn a_sample_knows_what_was_asked_for_and_of_which_heap() {
    let world = Limited::new();
    let actor = Actor::new();
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    assert!(world.set_profile_interval(actor, 1));
    let plain = [(None, 100, 1), (Some(heap), 100, 1), (None, 50_001, 1), (Some(heap), 70_000, 1)];
    for (place, requested, align) in plain.into_iter().chain([(None, 90, 64), (None, 50_000, 64 << 10)]) {
        let start = match place {
            Some(heap) => world.allocate_in(actor, heap, requested),
            None if align > 1 => world.allocate_aligned(actor, requested, align),
            None => world.allocate(actor, requested),
        };
        let blocks = live_blocks(&world, actor);
        let block = blocks.last().unwrap();
        assert_eq!((block.requested, block.align, block.heap != 0), (requested, align, place.is_some()));
        assert_eq!(block.bytes, world.usable_bytes(actor, start.unwrap()).unwrap());
        // SAFETY: the block is live.
        unsafe { world.free(actor, start.unwrap().as_ptr()) };
        assert!(live_blocks(&world, actor).is_empty());
    }
}

#[test]
fn samples_end_with_the_heap_that_they_are_in() {
    for is_reset in [true, false] {
        let world = Limited::new();
        let (actor, other) = (Actor::new(), Actor::new());
        assert!(world.set_profile_interval(actor, 1));
        let kept = world.allocate(actor, 100).unwrap();
        let heaps = [(); 2].map(|()| world.create_heap(actor, &HeapOptions::default()).unwrap());
        for heap in heaps {
            for bytes in [16, 300, 5000, 70_000] {
                assert!(world.allocate_in(actor, heap, bytes).is_some() && world.allocate_in(other, heap, bytes).is_some());
            }
        }
        assert_eq!(live_blocks(&world, actor).len(), 17);
        let ended = if is_reset {
            // SAFETY: no block is used any more.
            unsafe { world.reset_heap(actor, heaps[0], HeapMemory::Retained) }
        } else {
            // SAFETY: as above.
            unsafe { world.destroy_heap(actor, heaps[0], HeapMemory::Released) }
        };
        assert_eq!(ended, Ok(()));
        let left = live_blocks(&world, actor);
        assert!(left.len() == 9 && left.iter().filter(|block| block.heap == 0).count() == 1);
        if is_reset {
            assert!(world.allocate_in(actor, heaps[0], 300).is_some());
            assert_eq!(live_blocks(&world, actor).len(), 10);
        }
        // SAFETY: the block is live.
        unsafe { world.free(actor, kept.as_ptr()) };
        world.check_invariants(actor).unwrap();
        assert!(actor.misuses().is_empty());
    }
}

#[test]
fn a_heap_has_an_interval_of_its_own_if_it_is_to() {
    let world = Limited::new();
    let actor = Actor::new();
    let heaps = [(); 2].map(|()| world.create_heap(actor, &HeapOptions::default()).unwrap());
    assert!(world.set_heap_profile_interval(actor, heaps[0], Some(1)));
    let in_all = || {
        assert!(world.allocate(actor, 100).is_some());
        heaps.iter().for_each(|heap| assert!(world.allocate_in(actor, *heap, 100).is_some()));
        live_blocks(&world, actor).len()
    };
    assert_eq!(in_all(), 1);
    assert!(world.set_profile_interval(actor, 1));
    assert!(world.set_heap_profile_interval(actor, heaps[0], Some(0)));
    // Threads follow at their next slow path.
    heaps.iter().for_each(|heap| assert!(world.allocate_in(actor, *heap, 5000).is_some()));
    assert!(world.allocate(actor, 5000).is_some());
    let before = live_blocks(&world, actor).len();
    // Slots that were marked before are the last ones of the first heap.
    assert!((1..=2).contains(&(in_all() - before - 1)));
    assert!(world.set_heap_profile_interval(actor, heaps[0], None));
    assert!(world.allocate_in(actor, heaps[0], 5000).is_some());
    let before = live_blocks(&world, actor).len();
    assert_eq!(in_all(), before + 3);
}

#[test]
fn a_heap_does_not_come_to_its_limit_because_of_samples() {
    let without = |interval| {
        let world = Limited::new();
        let actor = Actor::new();
        let heap = world.create_heap(actor, &HeapOptions { limit_bytes: MIB, ..HeapOptions::default() }).unwrap();
        assert!(world.set_profile_interval(actor, interval));
        let mut bytes = 0;
        let mut size = 16;
        while world.allocate_in(actor, heap, size).is_some() {
            (bytes, size) = (bytes + size, 16 + size * 7 % 3001);
        }
        (bytes, world.heap_refusals(heap), live_blocks(&world, actor).len())
    };
    let ((bytes, ..), (sampled_bytes, _, samples)) = (without(0), without(20_000));
    assert!(samples > 5, "{samples}");
    assert!(sampled_bytes * 100 > bytes * 85, "{sampled_bytes} of {bytes}");
}

/// What is left of many blocks keeps their spans: the samples say whose it is, also where the block
/// of the sample would have been the only one in its span.
#[test]
fn whose_blocks_keep_spans_is_known() {
    const OFTEN: usize = 1024;
    const SEEDS: u64 = 20;
    for begin in [Counted::new, Counted::isolated] {
        // Of 2,560,000 bytes, all but 5,120 are free, and kept by the first site; or that site has
        // one block in each of 27 spans of 64 KiB.
        for (one_in, kept_bytes) in [(500, 2_000_000.0..3_000_000.0), (1500, 1_100_000.0..2_500_000.0)] {
            let mut pinned = [0.0; 3];
            for seed in 0..SEEDS {
                let mut counted = begin(seed + 1);
                assert!(counted.world.set_profile_interval(counted.actors[0], OFTEN));
                let (mut kept, mut freed) = (Vec::new(), Vec::new());
                for number in 0..40_000 {
                    match number % one_in {
                        0 => kept.push(counted.allocate(0, 1, 64)),
                        _ => freed.push(counted.allocate(0, 2, 64)),
                    }
                }
                freed.into_iter().for_each(|block| counted.free(0, block));
                // Another class is full of what lives.
                (0..10_000).for_each(|_| _ = counted.allocate(0, 3, 208));
                let (sites, actor) = (counted.sites(), counted.actors[0]);
                for block in live_blocks(&counted.world, actor) {
                    let pins = counted.world.pinned_bytes(actor, &block) as f64;
                    let blocks = block.represents as f64 / block.bytes as f64;
                    pinned[sites[block.site].callers()[0] - 1] += pins * blocks / SEEDS as f64;
                }
            }
            assert!(kept_bytes.contains(&pinned[0]), "{pinned:?}");
            assert!(pinned[1] == 0.0 && pinned[2] < 50_000.0, "{pinned:?}");
        }
    }
}

#[test]
fn statistics_count_what_is_free_among_sampled_blocks() {
    let world = Limited::new();
    let mut model = sampled(&world, 1);
    let heap = world.create_heap(model.actors[0], &HeapOptions::default()).unwrap();
    (0..100).for_each(|_| _ = model.allocate(0, 200).unwrap());
    let blocks: Vec<_> = (0..100).map(|_| world.allocate_in(model.actors[0], heap, 200).unwrap()).collect();
    let live = |stats: &Stats| stats.live_slots;
    let actor = model.actors[0];
    assert_eq!((live(&world.stats(actor)), live(&world.heap_stats(actor, heap).unwrap())), (200, 100));
    (0..100).for_each(|_| model.free(0, 0));
    for block in blocks {
        // SAFETY: the block is live.
        unsafe { world.free(actor, block.as_ptr()) };
    }
    // What was freed comes home with the next sample.
    model.allocate(0, 200).unwrap();
    assert!(world.allocate_in(actor, heap, 200).is_some());
    assert_eq!((live(&world.stats(actor)), live(&world.heap_stats(actor, heap).unwrap())), (2, 1));
}

/// Blocks of one size after the other, never more than half of the limit, freed by another thread:
/// what was sampled does not stay charged.
#[test]
fn a_heap_with_a_limit_is_not_refused_memory_because_of_samples_that_ended() {
    for interval in [0, 4096, 64 << 10] {
        let world = Limited::new();
        let (actor, other) = (Actor::new(), Actor::new());
        let heap = world.create_heap(actor, &HeapOptions { limit_bytes: MIB, ..HeapOptions::default() }).unwrap();
        assert!(world.set_profile_interval(actor, interval));
        for round in 0..200 {
            let bytes = 16 + 160 * (round * 7 % 37);
            let blocks: Vec<_> = (0..MIB / 2 / bytes.max(64)).map(|_| world.allocate_in(actor, heap, bytes).unwrap()).collect();
            for block in blocks {
                // SAFETY: the block is live.
                unsafe { world.free(if round % 2 == 0 { actor } else { other }, block.as_ptr()) };
            }
            // SAFETY: as above.
            unsafe { world.free(other, world.allocate_in(actor, heap, MIB / 3).unwrap().as_ptr()) };
        }
        world.check_invariants(actor).unwrap();
    }
}

#[test]
fn marks_of_another_interval_are_forgotten() {
    for intervals in [&[INTERVAL, 0, INTERVAL, 0, INTERVAL, 0, INTERVAL][..], &[256, INTERVAL], &[1 << 20, INTERVAL]] {
        let (mut sampled, mut expected) = (0.0, Truth::default());
        for seed in 0..10 {
            let mut counted = Counted::unsampled(seed + 1);
            let actor = counted.actors[0];
            let blocks: Vec<_> = (0..6000).map(|_| counted.allocate(0, 1, 64)).collect();
            for interval in intervals {
                assert!(counted.world.set_profile_interval(actor, *interval));
                // Threads follow at their next slow path.
                counted.allocate(0, 2, 3000);
                counted.allocate(0, 2, 40_000);
            }
            for interval in intervals {
                assert!(counted.world.set_profile_interval(actor, *interval));
                counted.allocate(0, 2, 3000);
                if *interval == INTERVAL {
                    continue;
                }
                blocks.iter().take(10).for_each(|_| _ = counted.allocate(0, 2, 64));
            }
            blocks.into_iter().for_each(|block| counted.free(0, block));
            for interval in intervals {
                assert!(counted.world.set_profile_interval(actor, *interval));
                (0..12).for_each(|_| _ = counted.allocate(0, 2, 3000));
            }
            counted.total.clear();
            let before: f64 =
                counted.sites().iter().filter(|site| site.callers() == [1]).map(|site| site.total.bytes as f64).sum();
            (0..6000).for_each(|_| _ = counted.allocate(0, 1, 64));
            let after: f64 =
                counted.sites().iter().filter(|site| site.callers() == [1]).map(|site| site.total.bytes as f64).sum();
            sampled += after - before;
            expected.bytes += counted.total[&1].bytes;
            expected.variance += counted.total[&1].variance;
        }
        assert!(deviation(sampled, expected).abs() < 4.0, "{intervals:?}: {sampled} for {}", expected.bytes);
    }
}

#[test]
fn what_an_ended_thread_left_is_marked_when_it_is_taken_over() {
    let (mut sampled, mut expected) = (0.0, Truth::default());
    for seed in 0..20 {
        let mut counted = Counted::unsampled(seed + 1);
        let blocks: Vec<_> = (0..4000).map(|_| counted.allocate(1, 2, 64)).collect();
        blocks.into_iter().enumerate().filter(|(number, _)| number % 8 > 0).for_each(|(_, block)| counted.free(1, block));
        counted.world.detach(counted.actors[1]);
        let actor = counted.actors[0];
        counted.allocate(0, 3, 64);
        assert!(counted.world.set_profile_interval(actor, INTERVAL));
        // Threads follow at their next slow path.
        counted.allocate(0, 3, 3000);
        (0..3500).for_each(|_| _ = counted.allocate(0, 1, 64));
        let sites = counted.sites();
        sampled += sites.iter().filter(|site| site.callers() == [1]).map(|site| site.total.bytes as f64).sum::<f64>();
        expected.bytes += counted.total[&1].bytes;
        expected.variance += counted.total[&1].variance;
    }
    assert!(deviation(sampled, expected).abs() < 4.0, "{sampled} for {}", expected.bytes);
}

#[test]
fn a_block_that_grows_says_what_was_asked_for() {
    let world = Limited::new();
    let mut model = sampled(&world, 1);
    model.allocate(0, 39 * MIB).unwrap();
    for bytes in [41 * MIB + 1, 43 * MIB + 1, 60 * MIB + 5] {
        model.reallocate(0, 0, bytes).unwrap();
        assert_eq!(live_blocks(&world, model.actors[0])[0].requested, bytes);
    }
}

#[test]
fn a_heap_that_is_reset_by_a_thread_without_a_part_keeps_its_memory_for_the_others() {
    let world = Limited::new();
    let (user, resetter) = (Actor::new(), Actor::new());
    let heap = world.create_heap(user, &HeapOptions::default()).unwrap();
    assert!(world.set_profile_interval(user, INTERVAL));
    let fill = || (0..3000).for_each(|_| assert!(world.allocate_in(user, heap, 100).is_some()));
    fill();
    let before = world.heap_stats(user, heap).unwrap().mapped;
    for _ in 0..5 {
        // SAFETY: no block is used any more.
        assert_eq!(unsafe { world.reset_heap(resetter, heap, HeapMemory::Retained) }, Ok(()));
        fill();
        let mapped = world.heap_stats(user, heap).unwrap().mapped;
        assert!(mapped <= before + before / 4, "{mapped}, {before} before");
    }
}
