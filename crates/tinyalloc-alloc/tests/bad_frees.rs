//! Bad frees by the million: every class, every offset, freed in every way, foreign and wild; each
//! is reported, once and rightly, and changes nothing. The long run is
//! `cargo test --release -p tinyalloc-alloc --test bad_frees -- --ignored`.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::collections::BTreeMap;
use std::ptr::{NonNull, with_exposed_provenance_mut};

use common::model::Random;
use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_alloc::{HUGE_BYTES_MIN, InvariantReport, Misuse, SLICE_BYTES, SLOT_ALIGN, SizeClass};

const OWNER: usize = 0;
const OTHER: usize = 1;
const ENDED: usize = 2;
const FRESH: usize = 3;

const SLOTS_PER_CLASS: usize = 28;
/// What live blocks hold.
const FILLED: u8 = 0x5a;
const WILD: usize = 50_000;
const WILD_LONG: usize = 4_000_000;
const LARGE_BYTES: [usize; 6] = [33_000, 50_000, 100_001, 300_000, 2 * MIB, HUGE_BYTES_MIN];

type Limited = World<LimitedMapper>;

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Live,
    FreedByOwner,
    /// By another thread, and the owner has collected it.
    Collected,
    /// By another thread, and the owner knows nothing of it yet.
    Remote,
}

const FATES: [Fate; 7] =
    [Fate::Live, Fate::FreedByOwner, Fate::Collected, Fate::Remote, Fate::Live, Fate::FreedByOwner, Fate::Remote];

#[derive(Clone, Copy, Debug)]
struct Known {
    start: usize,
    bytes: usize,
    fate: Fate,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Small,
    Large,
    /// A mapping of its own, of which only the start is known.
    Huge,
}

/// The calls that take a block, and refuse what is none.
#[derive(Clone, Copy, Debug)]
enum Call {
    Free,
    Reallocate,
    UsableBytes,
}

const CALLS: [Call; 3] = [Call::Free, Call::Reallocate, Call::UsableBytes];

/// A heap in which every kind of block lies, live and dead, and nothing is allocated any more.
struct Field {
    world: Limited,
    actors: [Actor; 4],
    known: BTreeMap<usize, Known>,
    survey: InvariantReport,
    caught: usize,
}

/// Setting up.
impl Field {
    /// In the first region, or in further ones, where blocks are found in another way.
    fn new(world: Limited) -> Field {
        let actors = [0; 4].map(|_| Actor::new());
        let survey = InvariantReport::default();
        let mut field = Field { world, actors, known: BTreeMap::new(), survey, caught: 0 };
        for actor in [OWNER, ENDED] {
            for class in SizeClass::all() {
                (0..SLOTS_PER_CLASS).for_each(|slot| field.allocate(actor, class.bytes(), FATES[slot % FATES.len()]));
            }
        }
        for bytes in LARGE_BYTES {
            FATES[..4].iter().for_each(|fate| field.allocate(OWNER, bytes, *fate));
        }
        field.bury();
        field.survey = field.world.survey(field.actors[FRESH]).unwrap();
        field
    }

    fn allocate(&mut self, actor: usize, bytes: usize, fate: Fate) {
        let huge_blocks = self.world.stats(self.actors[actor]).huge_blocks;
        let start = self.world.allocate(self.actors[actor], bytes).unwrap();
        let bytes = self.world.usable_bytes(self.actors[actor], start).unwrap();
        // SAFETY: the block is live and that large.
        unsafe { start.write_bytes(FILLED, bytes) };
        let is_huge = self.world.stats(self.actors[actor]).huge_blocks > huge_blocks;
        let kind = match SizeClass::of(bytes) {
            Some(_) => Kind::Small,
            None if is_huge => Kind::Huge,
            None => Kind::Large,
        };
        let start = start.as_ptr().expose_provenance();
        self.known.insert(start, Known { start, bytes, fate, kind });
    }

    /// Frees all that is not to live. The slots of the thread that ends are freed after its end,
    /// too.
    fn bury(&mut self) {
        self.free_all(OWNER, Fate::FreedByOwner);
        self.free_all(OTHER, Fate::Collected);
        self.world.purge_all(self.actors[OWNER]);
        self.world.purge_all(self.actors[ENDED]);
        self.world.detach(self.actors[ENDED]);
        self.free_all(OTHER, Fate::Remote);
        assert_eq!(self.actors.map(Actor::misuses), [const { Vec::new() }; 4]);
    }

    fn free_all(&self, actor: usize, fate: Fate) {
        for block in self.known.values().filter(|block| block.fate == fate) {
            // SAFETY: the block is live, and used no more.
            unsafe { self.world.free(self.actors[actor], with_exposed_provenance_mut(block.start)) };
        }
    }
}

/// Mistakes.
impl Field {
    fn commit(&mut self, actor: usize, call: Call, address: usize) {
        let Some(start) = NonNull::new(with_exposed_provenance_mut(address)) else {
            return;
        };
        let caller = self.actors[actor];
        match call {
            // SAFETY: not a live block, which is to be found out.
            Call::Free => unsafe { self.world.free(caller, start.as_ptr()) },
            // SAFETY: as above.
            Call::Reallocate => assert_eq!(unsafe { self.world.reallocate(caller, start, 100) }, None),
            Call::UsableBytes => assert_eq!(self.world.usable_bytes(caller, start), None),
        }
        let misuses = caller.misuses();
        let [misuse] = misuses[..] else {
            panic!("{call:?} of {address:#x} is reported {} times", misuses.len());
        };
        assert!(self.is_right(misuse, address), "{call:?} of {address:#x}: {misuse:?}, but there is {:?}", self.around(address));
        self.caught += 1;
    }

    fn around(&self, address: usize) -> Option<&Known> {
        let (_, block) = self.known.range(..=address).next_back()?;
        (address < block.start + block.bytes).then_some(block)
    }

    fn is_live(&self, address: usize) -> bool {
        self.known.get(&address).is_some_and(|block| block.fate == Fate::Live)
    }

    fn is_right(&self, misuse: Misuse, address: usize) -> bool {
        let Some(block) = self.around(address) else {
            return is_about_nothing(misuse, address);
        };
        let at_start = address == block.start;
        let interior = Misuse::Interior { address, slot_start: block.start, slot_bytes: block.bytes };
        match (block.kind, block.fate) {
            (Kind::Small, _) if at_start => misuse == Misuse::DoubleFree { address, slot_bytes: block.bytes },
            (Kind::Small, _) | (Kind::Large, Fate::Live) => misuse == interior,
            (Kind::Huge, Fate::Live) => misuse == Misuse::NotAllocated { address },
            // A thread may have kept it.
            (Kind::Large, _) if at_start && misuse == Misuse::DoubleFree { address, slot_bytes: block.bytes } => true,
            // The region may be gone, and with it what is known of the block.
            _ => [Misuse::FreedBefore { address }, Misuse::NotAllocated { address }].contains(&misuse),
        }
    }

    /// Nothing has changed: the counts, the lists, and every byte that lives.
    fn check(&self) {
        assert_eq!(self.world.survey(self.actors[FRESH]).unwrap(), self.survey, "mistakes change nothing");
        for block in self.known.values().filter(|block| block.fate == Fate::Live) {
            let start: *const u8 = with_exposed_provenance_mut(block.start);
            // SAFETY: the block is live and that large.
            let bytes = unsafe { std::slice::from_raw_parts(start, block.bytes) };
            assert!(bytes.chunks(4096).all(|chunk| chunk == &[FILLED; 4096][..chunk.len()]), "{block:?} holds what was written");
        }
    }

    /// What lives can be freed, once.
    fn finish(mut self) -> usize {
        self.check();
        self.free_all(OTHER, Fate::Live);
        assert_eq!(self.actors.map(Actor::misuses), [const { Vec::new() }; 4]);
        // Where all slots of a span are free the span may be gone, and with it what is known of the
        // slots.
        for (start, _) in std::mem::take(&mut self.known) {
            self.commit(FRESH, Call::Free, start);
        }
        self.caught
    }
}

/// A slot that was never handed out, a gap between blocks, or nothing of ours: never the name of
/// another block.
fn is_about_nothing(misuse: Misuse, address: usize) -> bool {
    match misuse {
        Misuse::NotAllocated { address: named } | Misuse::FreedBefore { address: named } => named == address,
        Misuse::DoubleFree { address: named, slot_bytes } => named == address && slot_bytes % 16 == 0,
        Misuse::Interior { address: named, slot_start, slot_bytes } => {
            named == address && (slot_start + 1..slot_start + slot_bytes).contains(&address)
        }
        _ => false,
    }
}

fn fields() -> [Field; 2] {
    let further = Limited::with_limits(usize::MAX, 4 * MIB);
    let filler = Actor::new();
    while further.survey(filler).unwrap().regions < 2 {
        further.allocate(filler, 100_000).unwrap();
    }
    [Field::new(Limited::new()), Field::new(further)]
}

/// Every `step`-th offset of one slot of every class and fate, by every call.
fn commit_offsets(field: &mut Field, step: usize) {
    let mut first = 0;
    for class in SizeClass::all() {
        let of_class = |block: &&Known| block.kind == Kind::Small && block.bytes == class.bytes();
        for fate in [Fate::Live, Fate::FreedByOwner, Fate::Collected, Fate::Remote] {
            let block = *field.known.values().filter(of_class).find(|block| block.fate == fate).unwrap();
            first += 1;
            for offset in (first % step.min(block.bytes)..block.bytes).step_by(step) {
                if offset > 0 || fate != Fate::Live {
                    CALLS.into_iter().for_each(|call| field.commit((offset + call as usize) % 4, call, block.start + offset));
                }
            }
        }
    }
}

/// Every dead slot by every call of every thread.
fn commit_double_frees(field: &mut Field) {
    let dead: Vec<Known> = field.known.values().copied().filter(|block| block.fate != Fate::Live).collect();
    for block in dead {
        for actor in [OWNER, OTHER, ENDED, FRESH] {
            CALLS.into_iter().for_each(|call| field.commit(actor, call, block.start));
        }
    }
}

static STATIC: [u64; 4] = [0; 4];

/// Somewhere: on the stack, in a static or in another allocator's block; near the heap, or anywhere
/// at all.
fn wild_address(field: &Field, random: &mut Random, blocks: &[usize]) -> usize {
    let (local, boxed) = (0u64, Box::new(0u64));
    let near = blocks[random.below(blocks.len())];
    let any = random.below(1 << 32) << 32 | random.below(1 << 32);
    match random.below(12) {
        0 => (&raw const local).addr(),
        1 => (&raw const *boxed).addr() + random.below(16),
        2 => (&raw const STATIC).addr() + random.below(32),
        3 => (commit_offsets as *const ()).addr(),
        4 => any,
        5 => any | 0xffff << 48,
        6 => any & 0xffff,
        7 => any >> 17,
        8 => near.wrapping_add(random.below(64 * MIB)).wrapping_sub(32 * MIB),
        9 => near + random.below(1 << 16),
        10 => (&raw const field.world).addr() + random.below(64),
        _ => near & !0x3fff | random.below(1 << 14),
    }
}

fn commit_wild(field: &mut Field, count: usize) {
    let blocks: Vec<usize> = field.known.keys().copied().collect();
    let mut random = Random::new(29);
    for _ in 0..count {
        let address = wild_address(field, &mut random, &blocks);
        if address != 0 && !field.is_live(address) {
            field.commit(random.below(4), CALLS[random.below(3)], address);
        }
    }
}

/// Returns how many mistakes were made, all of them caught.
fn mistakes(step: usize, wild: usize) -> usize {
    let commit_all = |mut field: Field| {
        commit_double_frees(&mut field);
        field.check();
        commit_offsets(&mut field, step);
        field.check();
        commit_wild(&mut field, wild);
        field.finish()
    };
    let caught = fields().map(commit_all).into_iter().sum();
    println!("{caught} bad frees, all caught");
    caught
}

#[test]
fn every_bad_free_is_reported_once_and_changes_nothing() {
    assert!(mistakes(37, WILD) > 200_000);
}

#[test]
#[ignore = "ten million; a minute in a release build"]
fn ten_million_bad_frees_are_reported() {
    assert!(mistakes(1, WILD_LONG) > 10_000_000);
}

/// Before the first slot lie those that serve signal handlers, and none of them is in use.
#[test]
fn slots_kept_for_signal_handlers_are_no_blocks() {
    let [mut field, _] = fields();
    let first = field.known.values().find(|block| block.kind == Kind::Small).unwrap().start & !(SLICE_BYTES - 1);
    for address in (first - 8 * SLICE_BYTES..first).step_by(SLOT_ALIGN) {
        CALLS.into_iter().for_each(|call| field.commit(OTHER, call, address));
    }
    field.check();
}
