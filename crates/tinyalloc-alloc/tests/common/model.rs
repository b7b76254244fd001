//! The model: which blocks live, how large they are, and what is in them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::ptr::NonNull;

use tinyalloc_alloc::{InvariantReport, Misuse, SizeClass, ThreadContext};
use tinyalloc_sys::Mapper;

use super::{Actor, World, WorldMapper};

/// Of a block larger than this, only its ends are filled and checked.
const WHOLE_BYTES_MAX: usize = 4 * super::MIB;
const END_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug)]
pub struct Block {
    pub start: NonNull<u8>,
    pub usable: usize,
    pub tag: u8,
}

/// Drives the allocator and checks every answer.
pub struct Model<'world, M: WorldMapper> {
    pub world: &'world World<M>,
    pub actors: Vec<Actor>,
    pub blocks: Vec<Block>,
    /// Blocks freed, latest last.
    pub freed: Vec<Block>,
    /// Requests that were refused.
    pub refused: usize,
    by_start: BTreeMap<usize, usize>,
    tags: u8,
}

impl<'world, M: WorldMapper> Model<'world, M> {
    pub fn new(world: &'world World<M>, actors: usize) -> Self {
        let actors = (0..actors).map(|_| Actor::new()).collect();
        Model { world, actors, blocks: Vec::new(), freed: Vec::new(), refused: 0, by_start: BTreeMap::new(), tags: 0 }
    }

    /// The same, with these blocks of it alone.
    pub fn with_blocks(model: &Self, blocks: Vec<Block>) -> Self {
        let by_start = blocks.iter().enumerate().map(|(index, block)| (block.start.addr().get(), index)).collect();
        let (actors, freed) = (model.actors.clone(), model.freed.clone());
        Model { world: model.world, actors, blocks, freed, refused: model.refused, by_start, tags: model.tags }
    }

    pub fn actor(&self, actor: usize) -> Actor {
        self.actors[actor % self.actors.len()]
    }

    pub fn allocate(&mut self, actor: usize, bytes: usize) -> Option<Block> {
        let start = self.world.allocate(self.actor(actor), bytes);
        let block = self.enter(actor, start, bytes)?;
        let page_bytes = self.world.mapper.limited().page_bytes();
        assert!(sizes(bytes, page_bytes).contains(&block.usable), "{bytes} bytes get the slot they need, not {}", block.usable);
        Some(block)
    }

    pub fn allocate_zeroed(&mut self, actor: usize, bytes: usize) -> Option<Block> {
        let start = self.world.allocate_zeroed(self.actor(actor), bytes);
        if let Some(start) = start {
            assert!(ends(bytes).into_iter().all(|(at, length)| holds(start, at, length, 0)), "{bytes} bytes are zero");
        }
        self.enter(actor, start, bytes)
    }

    pub fn allocate_aligned(&mut self, actor: usize, bytes: usize, align: usize) -> Option<Block> {
        let start = self.world.allocate_aligned(self.actor(actor), bytes, align);
        if let Some(start) = start {
            assert!(start.addr().get() % align == 0, "{start:?} is aligned to {align}");
        }
        self.enter(actor, start, bytes)
    }

    pub fn reallocate(&mut self, actor: usize, block: usize, bytes: usize) -> Option<Block> {
        let Block { start, usable, tag } = *self.pick(block)?;
        // SAFETY: the block is live, and the model uses it no more when it moved.
        let Some(moved) = (unsafe { self.world.reallocate(self.actor(actor), start, bytes) }) else {
            self.refused += 1;
            assert_eq!(self.actor(actor).misuses(), []);
            return None;
        };
        let kept = usable.min(bytes);
        let whole = if usable > WHOLE_BYTES_MAX { kept.min(END_BYTES) } else { kept };
        assert!(holds(moved, 0, whole, tag), "what was in the block is in it still");
        let index = block % self.blocks.len();
        self.remove(index);
        if moved != start {
            self.freed.push(Block { start, usable, tag });
        }
        self.enter(actor, Some(moved), bytes)
    }

    pub fn free(&mut self, actor: usize, block: usize) {
        let Some(block) = self.take(block) else {
            return;
        };
        self.check(block);
        // SAFETY: the block is live, and the model uses it no more.
        unsafe { self.world.free(self.actor(actor), block.start.as_ptr()) };
        assert_eq!(self.actor(actor).misuses(), [], "freeing a live block is no mistake");
        self.freed.push(block);
    }

    pub fn free_all(&mut self, actor: usize) {
        while !self.blocks.is_empty() {
            self.free(actor, self.blocks.len() - 1);
        }
    }

    /// A thread ends, and another one begins in its place.
    pub fn replace_actor(&mut self, actor: usize) -> Actor {
        let index = actor % self.actors.len();
        self.world.detach(self.actors[index]);
        std::mem::replace(&mut self.actors[index], Actor::new())
    }

    pub fn detach_all(&mut self) {
        self.actors.iter().for_each(|actor| self.world.detach(*actor));
    }

    /// Brings every remote free home, and returns all that is free.
    pub fn settle(&self) {
        // Twice: what the first round forwards to another heap, the second collects there.
        for actor in self.actors.iter().chain(&self.actors) {
            self.world.purge_all(*actor);
            assert_eq!(actor.misuses(), []);
        }
    }

    pub fn check_contents(&self) {
        self.blocks.iter().for_each(|block| self.check(*block));
    }

    pub fn check_usable(&self, actor: usize, block: usize) {
        if let Some(block) = self.pick(block) {
            assert_eq!(self.world.usable_bytes(self.actor(actor), block.start), Some(block.usable));
        }
    }

    /// Every invariant of the allocator, and its bytes against the model's.
    pub fn check_invariants(&self) -> InvariantReport {
        let survey = self.world.survey(self.actors[0]).expect("every invariant holds");
        assert_eq!(survey.live_bytes, self.live_bytes(), "the allocator and the model agree on what lives");
        survey
    }

    pub fn live_bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.usable).sum()
    }

    /// Runs a call that is a mistake; returns what was reported, after making sure that nothing
    /// changed.
    pub fn mistake(&self, actor: usize, call: impl FnOnce(Actor)) -> Vec<Misuse> {
        let actor = self.actor(actor);
        let before = self.check_invariants();
        call(actor);
        let misuses = actor.misuses();
        assert_eq!(self.check_invariants(), before, "a mistake changes nothing");
        misuses
    }

    pub fn is_live(&self, address: usize) -> bool {
        self.by_start.contains_key(&address)
    }

    /// The live block that holds `address`.
    pub fn block_around(&self, address: usize) -> Option<Block> {
        let (start, index) = self.by_start.range(..=address).next_back()?;
        let block = self.blocks[*index];
        (address < start + block.usable).then_some(block)
    }

    pub fn pick(&self, block: usize) -> Option<&Block> {
        if self.blocks.is_empty() { None } else { self.blocks.get(block % self.blocks.len()) }
    }

    fn take(&mut self, block: usize) -> Option<Block> {
        if self.blocks.is_empty() {
            return None;
        }
        Some(self.remove(block % self.blocks.len()))
    }

    fn remove(&mut self, index: usize) -> Block {
        let block = self.blocks.swap_remove(index);
        self.by_start.remove(&block.start.addr().get());
        if let Some(moved) = self.blocks.get(index) {
            self.by_start.insert(moved.start.addr().get(), index);
        }
        block
    }

    fn enter(&mut self, actor: usize, start: Option<NonNull<u8>>, bytes: usize) -> Option<Block> {
        let actor = self.actor(actor);
        assert_eq!(actor.misuses(), [], "allocating is no mistake");
        let Some(start) = start else {
            self.refused += 1;
            return None;
        };
        let usable = self.world.usable_bytes(actor, start).expect("a live block has a size");
        assert!(usable >= bytes);
        assert!(start.addr().get() % 16 == 0);
        self.check_overlap(start.addr().get(), usable);
        self.tags = self.tags % 251 + 1;
        let block = Block { start, usable, tag: self.tags };
        for (at, length) in ends(usable) {
            // SAFETY: the block is live and that large.
            let end = unsafe { start.add(at) };
            // SAFETY: as above.
            unsafe { end.write_bytes(block.tag, length) };
        }
        self.by_start.insert(start.addr().get(), self.blocks.len());
        self.blocks.push(block);
        Some(block)
    }

    fn check_overlap(&self, address: usize, usable: usize) {
        if let Some((before, index)) = self.by_start.range(..address + usable).next_back() {
            assert!(before + self.blocks[*index].usable <= address, "blocks do not overlap");
        }
    }

    fn check(&self, block: Block) {
        let intact = ends(block.usable).into_iter().all(|(at, length)| holds(block.start, at, length, block.tag));
        assert!(intact, "{block:?} holds what was written");
    }
}

/// What a request may be rounded to: its class, or a larger one up to the next power of two; pages
/// for a large one.
pub fn sizes(bytes: usize, page_bytes: usize) -> RangeInclusive<usize> {
    if bytes == 0 {
        // Of its own, or a slot where there is no room for more of those.
        return 0..=32;
    }
    if let Some(class) = SizeClass::of(bytes) {
        return class.bytes()..=class.bytes().next_power_of_two().max(32);
    }
    let pages = bytes.next_multiple_of(page_bytes);
    pages..=pages
}

/// The ranges of a block that are filled and checked, as offset and length.
fn ends(bytes: usize) -> [(usize, usize); 2] {
    if bytes <= WHOLE_BYTES_MAX { [(0, bytes), (0, 0)] } else { [(0, END_BYTES), (bytes - END_BYTES, END_BYTES)] }
}

fn holds(start: NonNull<u8>, at: usize, length: usize, byte: u8) -> bool {
    let expected = [byte; 4096];
    // SAFETY: the block is live and that large.
    let first = unsafe { start.add(at) };
    // SAFETY: as above.
    let bytes = unsafe { std::slice::from_raw_parts(first.as_ptr(), length) };
    bytes.chunks(expected.len()).all(|chunk| chunk == &expected[..chunk.len()])
}

/// A small generator of repeatable numbers (Marsaglia's xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    /// Mostly small, sometimes large.
    pub fn bytes(&mut self) -> usize {
        match self.below(20) {
            0 => self.below(2 * super::MIB),
            1..=3 => self.below(64 * 1024),
            4..=8 => self.below(4096),
            _ => self.below(300),
        }
    }
}

/// Sees to it that the `ThreadContext` methods are in scope wherever the model is.
pub fn is_attached(actor: Actor) -> bool {
    actor.mode() == tinyalloc_alloc::Mode::Attached
}
