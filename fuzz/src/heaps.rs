//! Isolated heaps by threads that take turns, against a model of what lives in which.

use std::ptr::NonNull;

use arbitrary::Arbitrary;
use tinyalloc_alloc::{BlockOwner, HeapError, HeapMemory, HeapOptions, HeapRef, Misuse};
use tinyalloc_sys::FailingMapper;

use crate::common::{Actor, LimitedMapper, World};
use crate::outcome::{kind, note};
use crate::size::Size;

pub type Failing = FailingMapper<LimitedMapper>;

const ACTORS: usize = 3;
const BLOCKS_MAX: usize = 2000;
const LIVE_BYTES_MAX: usize = 128 << 20;
/// Only so much of a block's start is filled and checked.
const CHECKED_BYTES: usize = 4096;

/// One call. Heaps and blocks are named by their position among the live ones.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Step {
    Create(u8, Option<u16>),
    Destroy(u8, u8, bool),
    Reset(u8, u8, bool),
    Allocate(u8, u8, Size),
    Zeroed(u8, u8, Size),
    Aligned(u8, u8, Size, u8),
    AllocateMany(u8, u8, u8, u16),
    Current(u8, Size),
    Reallocate(u8, u16, Size, bool),
    Free(u8, u16, bool),
    FreeMany(u8, u16),
    FreeInWrong(u8, u16, u8),
    FreeGone(u8, u16),
    Enter(u8, u8),
    Leave(u8),
    ThreadEnds(u8),
    Purge(u8, u8),
    PurgeAll(u8),
    SetLimit(u8, u16),
    Wait(u16),
    FailNth(u8),
    FailFrom(u8),
    Succeed,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    start: NonNull<u8>,
    usable: usize,
    tag: u8,
    heap: Option<HeapRef>,
}

#[derive(Clone, Copy)]
struct Known {
    heap: HeapRef,
    is_limited: bool,
}

/// Drives one allocator and checks every answer.
pub struct Heaps<'world> {
    world: &'world World<Failing>,
    actors: [Actor; ACTORS],
    pushed: [Vec<Option<HeapRef>>; ACTORS],
    heaps: Vec<Known>,
    blocks: Vec<Block>,
    /// Starts of blocks that went with their heap.
    gone: Vec<NonNull<u8>>,
    fails: bool,
    tags: u8,
}

impl<'world> Heaps<'world> {
    pub fn new(world: &'world World<Failing>) -> Heaps<'world> {
        let actors = [0; ACTORS].map(|_| Actor::new());
        let pushed = [const { Vec::new() }; ACTORS];
        Heaps { world, actors, pushed, heaps: Vec::new(), blocks: Vec::new(), gone: Vec::new(), fails: false, tags: 0 }
    }

    pub fn take(&mut self, step: Step) {
        while self.blocks.len() > BLOCKS_MAX || self.live_bytes() > LIVE_BYTES_MAX {
            self.free(0, 0, false);
        }
        match step {
            Step::Create(actor, limit) => self.create(actor, limit),
            Step::Destroy(actor, heap, releases) => self.destroy(actor, heap, releases),
            Step::Reset(actor, heap, releases) => self.reset(actor, heap, releases),
            Step::Enter(actor, heap) => self.enter(actor, heap),
            Step::Leave(actor) => self.leave(actor),
            Step::ThreadEnds(actor) => self.end_thread(actor),
            Step::Purge(actor, heap) => {
                _ = self.heap(heap).map(|known| self.world.purge_heap(self.actor(actor), known.heap));
            }
            Step::PurgeAll(actor) => _ = self.world.purge_all(self.actor(actor)),
            Step::SetLimit(heap, limit) => self.set_limit(heap, limit),
            Step::Wait(milliseconds) => self.world.wait(milliseconds.into()),
            Step::FailNth(nth) => self.fail(|mapper| mapper.fail_nth(1 + nth as usize)),
            Step::FailFrom(nth) => self.fail(|mapper| mapper.fail_from(1 + nth as usize)),
            Step::Succeed => {
                self.world.mapper.succeed();
                self.fails = false;
            }
            step => self.take_block_step(step),
        }
        for (actor, pushed) in self.actors.iter().zip(&self.pushed) {
            assert_eq!(actor.misuses(), []);
            assert_eq!(self.world.current_heap(*actor), pushed.last().copied().flatten());
        }
    }

    fn take_block_step(&mut self, step: Step) {
        match step {
            Step::Allocate(actor, heap, size) => self.allocate(actor, heap, size.bytes()),
            Step::Zeroed(actor, heap, size) => self.allocate_zeroed(actor, heap, size.bytes()),
            Step::Aligned(actor, heap, size, shift) => self.allocate_aligned(actor, heap, size.bytes(), 1 << (shift % 20)),
            Step::AllocateMany(actor, heap, count, bytes) => {
                (0..count).for_each(|_| self.allocate(actor, heap, bytes as usize % 3000));
            }
            Step::Current(actor, size) => {
                let start = self.world.allocate(self.actor(actor), size.bytes());
                self.adopt(actor, start, size.bytes(), self.current(actor));
            }
            Step::Reallocate(actor, block, size, named) => self.reallocate(actor, block, size.bytes(), named),
            Step::Free(actor, block, named) => self.free(actor, block.into(), named),
            Step::FreeMany(actor, count) => (0..count as usize).for_each(|block| self.free(actor, block * 7919, false)),
            Step::FreeInWrong(actor, block, heap) => self.free_in_wrong(actor, block, heap),
            Step::FreeGone(actor, block) => self.free_gone(actor, block),
            _ => {}
        }
    }

    fn actor(&self, actor: u8) -> Actor {
        self.actors[actor as usize % ACTORS]
    }

    fn heap(&self, heap: u8) -> Option<Known> {
        (heap as usize).checked_rem(self.heaps.len()).map(|index| self.heaps[index])
    }

    fn current(&self, actor: u8) -> Option<HeapRef> {
        self.pushed[actor as usize % ACTORS].last().copied().flatten()
    }

    fn live_bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.usable).sum()
    }

    fn fail(&mut self, refuse: impl FnOnce(&Failing)) {
        refuse(self.world.mapper);
        self.fails = true;
    }
}

/// Heaps.
impl Heaps<'_> {
    fn create(&mut self, actor: u8, limit: Option<u16>) {
        let limit_bytes = limit.map_or(usize::MAX, |limit| limit as usize * 64);
        let Some(heap) = self.world.create_heap(self.actor(actor), &HeapOptions { limit_bytes, ..HeapOptions::default() }) else {
            note(|| "create-refused");
            return assert!(self.fails, "there is memory for a heap");
        };
        note(|| if limit.is_some() { "create-limited" } else { "create" });
        assert!(self.heaps.iter().all(|known| known.heap != heap));
        self.heaps.push(Known { heap, is_limited: limit.is_some() });
    }

    fn destroy(&mut self, actor: u8, heap: u8, releases: bool) {
        let Some(Known { heap, .. }) = self.heap(heap) else {
            return;
        };
        // SAFETY: no thread uses the heap or its blocks afterwards.
        let destroyed = unsafe { self.world.destroy_heap(self.actor(actor), heap, memory(releases)) };
        if self.pushed.iter().flatten().any(|pushed| *pushed == Some(heap)) {
            note(|| "destroy-of-a-current-heap-refused");
            return assert_eq!(destroyed, Err(HeapError::InUse));
        }
        note(|| format!("destroy{}{}", self.fullness(heap), if releases { "-and-purge" } else { "" }));
        assert_eq!(destroyed, Ok(()));
        assert!(!self.world.is_heap(self.actor(actor), heap));
        self.heaps.retain(|known| known.heap != heap);
        self.forget_blocks(heap);
    }

    fn reset(&mut self, actor: u8, heap: u8, releases: bool) {
        let Some(Known { heap, .. }) = self.heap(heap) else {
            return;
        };
        // SAFETY: no thread uses its blocks afterwards.
        let reset = unsafe { self.world.reset_heap(self.actor(actor), heap, memory(releases)) };
        assert_eq!(reset, Ok(()));
        note(|| format!("reset{}{}", self.fullness(heap), if releases { "-and-purge" } else { "" }));
        self.forget_blocks(heap);
    }

    fn fullness(&self, heap: HeapRef) -> &'static str {
        if self.blocks.iter().any(|block| block.heap == Some(heap)) { "-with-blocks" } else { "-without-blocks" }
    }

    fn forget_blocks(&mut self, heap: HeapRef) {
        let lost = self.blocks.iter().filter(|block| block.heap == Some(heap)).map(|block| block.start);
        self.gone.extend(lost);
        self.blocks.retain(|block| block.heap != Some(heap));
    }

    fn enter(&mut self, actor: u8, heap: u8) {
        let heap = if heap.is_multiple_of(4) { None } else { self.heap(heap / 4).map(|known| known.heap) };
        let pushed = &mut self.pushed[actor as usize % ACTORS];
        if self.world.push_heap(self.actors[actor as usize % ACTORS], heap) {
            pushed.push(heap);
            note(|| if heap.is_some() { "enter-a-heap" } else { "enter-the-global-heap" });
        } else {
            note(|| "enter-refused");
            assert!(self.fails || pushed.len() >= 48, "a live heap can be pushed");
        }
    }

    fn leave(&mut self, actor: u8) {
        let left = self.pushed[actor as usize % ACTORS].pop().is_some();
        assert_eq!(self.world.pop_heap(self.actor(actor)), left);
        note(|| if left { "leave" } else { "leave-without-enter" });
    }

    fn end_thread(&mut self, actor: u8) {
        let index = actor as usize % ACTORS;
        note(|| if self.pushed[index].is_empty() { "thread-ends" } else { "thread-ends-inside-a-heap" });
        self.world.detach(self.actors[index]);
        assert_eq!(self.actors[index].misuses(), []);
        self.actors[index] = Actor::new();
        self.pushed[index].clear();
    }

    fn set_limit(&mut self, heap: u8, limit: u16) {
        if let Some(index) = (heap as usize).checked_rem(self.heaps.len()) {
            note(|| "limit-changes");
            self.world.set_heap_limit(self.heaps[index].heap, limit as usize * 64);
            self.heaps[index].is_limited = true;
        }
    }
}

/// Blocks.
impl Heaps<'_> {
    fn chosen(&self, heap: u8) -> Option<HeapRef> {
        if heap.is_multiple_of(4) { None } else { self.heap(heap / 4).map(|known| known.heap) }
    }

    fn allocate(&mut self, actor: u8, heap: u8, bytes: usize) {
        let (local, heap) = (self.actor(actor), self.chosen(heap));
        let start = match heap {
            Some(heap) => self.world.allocate_in(local, heap, bytes),
            None => self.world.allocate(local, bytes),
        };
        self.adopt(actor, start, bytes, heap.or(self.current(actor)));
    }

    fn allocate_zeroed(&mut self, actor: u8, heap: u8, bytes: usize) {
        let (local, heap) = (self.actor(actor), self.chosen(heap));
        let start = match heap {
            Some(heap) => self.world.allocate_zeroed_in(local, heap, bytes),
            None => self.world.allocate_zeroed(local, bytes),
        };
        assert!(start.is_none_or(|start| holds(start, bytes, 0)), "{bytes} bytes are zero");
        self.adopt(actor, start, bytes, heap.or(self.current(actor)));
    }

    fn allocate_aligned(&mut self, actor: u8, heap: u8, bytes: usize, align: usize) {
        let (local, heap) = (self.actor(actor), self.chosen(heap));
        let start = match heap {
            Some(heap) => self.world.allocate_aligned_in(local, heap, bytes, align),
            None => self.world.allocate_aligned(local, bytes, align),
        };
        assert!(start.is_none_or(|start| start.addr().get().is_multiple_of(align)));
        self.adopt(actor, start, bytes, heap.or(self.current(actor)));
    }

    fn adopt(&mut self, actor: u8, start: Option<NonNull<u8>>, bytes: usize, heap: Option<HeapRef>) {
        let (place, outcome) =
            (if heap.is_some() { "in-a-heap" } else { "globally" }, if start.is_none() { "-refused" } else { "" });
        note(|| format!("allocate-{}-{place}{outcome}", kind(bytes)));
        let Some(start) = start else {
            let is_limited = self.heaps.iter().any(|known| Some(known.heap) == heap && known.is_limited);
            return assert!(self.fails || is_limited, "{bytes} bytes are there in a heap without a limit");
        };
        let usable = self.world.usable_bytes(self.actor(actor), start).expect("a live block has a size");
        assert!(usable >= bytes);
        let (low, high) = (start.addr().get(), start.addr().get() + usable);
        for other in &self.blocks {
            assert!(high <= other.start.addr().get() || low >= other.start.addr().get() + other.usable, "blocks do not overlap");
        }
        self.tags = self.tags.wrapping_add(1);
        // SAFETY: the block is live and that large.
        unsafe { start.write_bytes(self.tags, usable.min(CHECKED_BYTES)) };
        self.blocks.push(Block { start, usable, tag: self.tags, heap });
        let owner = self.world.owner_of(self.actor(actor), low);
        assert_eq!(owner, Some(heap.map_or(BlockOwner::Global, BlockOwner::Heap)));
    }

    fn reallocate(&mut self, actor: u8, block: u16, bytes: usize, named: bool) {
        let Some(index) = (block as usize).checked_rem(self.blocks.len()) else {
            return;
        };
        let (block, local) = (self.blocks[index], self.actor(actor));
        let moved = if named {
            // SAFETY: the block is live, and only the returned one is used.
            unsafe { self.world.reallocate_in(local, block.heap, block.start, bytes) }
        } else {
            // SAFETY: as above.
            unsafe { self.world.reallocate(local, block.start, bytes) }
        };
        let how = moved.map_or("refused", |moved| if moved == block.start { "in-place" } else { "moved" });
        note(|| format!("realloc-{}-to-{}-{how}", kind(block.usable), kind(bytes)));
        let kept = moved.map_or(block.usable, |_| block.usable.min(bytes));
        assert!(holds(moved.unwrap_or(block.start), kept, block.tag), "what was in the block is in it still");
        if moved.is_some() {
            self.blocks.swap_remove(index);
            self.adopt(actor, moved, bytes, block.heap);
        }
    }

    fn free(&mut self, actor: u8, block: usize, named: bool) {
        let Some(index) = block.checked_rem(self.blocks.len()) else {
            return;
        };
        let (block, local) = (self.blocks.swap_remove(index), self.actor(actor));
        assert!(holds(block.start, block.usable, block.tag), "a block holds what was written to it");
        note(|| format!("free-{}{}", kind(block.usable), if block.heap.is_some() { "-in-a-heap" } else { "" }));
        match block.heap.filter(|_| named) {
            // SAFETY: the block is live, and not used any more.
            Some(heap) => unsafe { self.world.free_in(local, heap, block.start.as_ptr()) },
            // SAFETY: as above.
            None => unsafe { self.world.free(local, block.start.as_ptr()) },
        }
    }

    /// Another heap is named than the block's.
    fn free_in_wrong(&self, actor: u8, block: u16, heap: u8) {
        let Some(index) = (block as usize).checked_rem(self.blocks.len()) else {
            return;
        };
        let (block, heap) = (self.blocks[index], self.heap(heap).map(|known| known.heap));
        if heap != block.heap
            && let Some(heap) = heap
        {
            // SAFETY: the call is refused, which is to be found out.
            unsafe { self.world.free_in(self.actor(actor), heap, block.start.as_ptr()) };
            let misuses = self.actor(actor).misuses();
            assert!(matches!(misuses[..], [Misuse::WrongHeap { .. }]), "{misuses:?}");
            note(|| "free-in-the-wrong-heap");
        }
    }

    /// The block went with its heap.
    fn free_gone(&self, actor: u8, gone: u16) {
        let Some(start) = (gone as usize).checked_rem(self.gone.len()).map(|index| self.gone[index]) else {
            return;
        };
        if self.blocks.iter().all(|block| block.start != start) {
            // SAFETY: not a live block, which is to be found out.
            unsafe { self.world.free(self.actor(actor), start.as_ptr()) };
            assert_eq!(self.actor(actor).misuses().len(), 1, "{start:?} is gone");
            note(|| "free-of-a-block-gone-with-its-heap");
        }
    }
}

/// Invariants.
impl Heaps<'_> {
    pub fn check(&self) {
        let survey = self.world.survey(self.actors[0]).expect("every invariant holds");
        assert_eq!(survey.live_bytes, self.live_bytes());
    }

    /// A walk through each heap meets what lives there, and nothing else; then everything ends.
    pub fn finish(mut self) {
        self.world.mapper.succeed();
        for actor in 0..ACTORS {
            while self.world.pop_heap(self.actors[actor]) {}
            self.pushed[actor].clear();
        }
        for Known { heap, .. } in std::mem::take(&mut self.heaps) {
            self.check_walk(heap);
            // SAFETY: no thread uses the heap or its blocks afterwards.
            let destroyed = unsafe { self.world.destroy_heap(self.actors[0], heap, HeapMemory::Released) };
            assert_eq!(destroyed, Ok(()));
            self.blocks.retain(|block| block.heap != Some(heap));
        }
        while !self.blocks.is_empty() {
            self.free(0, 0, false);
        }
        self.actors.iter().for_each(|actor| self.world.detach(*actor));
        let last = Actor::new();
        (0..2).for_each(|_| _ = self.world.purge_all(last));
        self.world.check_invariants(last).expect("every invariant holds");
        let stats = self.world.stats(last);
        assert_eq!(
            (stats.allocated, stats.live_slots, stats.large_blocks, stats.huge_blocks, stats.resident_free),
            (0, 0, 0, 0, 0)
        );
    }

    fn check_walk(&self, heap: HeapRef) {
        let mut met = Vec::new();
        // SAFETY: no thread uses the heap meanwhile.
        unsafe { self.world.walk_heap(heap, |start, usable| (met.push((start, usable)), true).1) };
        let mut known: Vec<_> =
            self.blocks.iter().filter(|block| block.heap == Some(heap)).map(|block| (block.start, block.usable)).collect();
        met.sort();
        known.sort();
        assert_eq!(met, known, "a walk meets what lives");
    }
}

fn memory(releases: bool) -> HeapMemory {
    if releases { HeapMemory::Released } else { HeapMemory::Retained }
}

fn holds(start: NonNull<u8>, bytes: usize, tag: u8) -> bool {
    // SAFETY: the block is live and that large.
    let checked = unsafe { std::slice::from_raw_parts(start.as_ptr(), bytes.min(CHECKED_BYTES)) };
    checked == &[tag; CHECKED_BYTES][..checked.len()]
}
