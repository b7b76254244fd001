//! The slab against a map, and against every history of a small one.
#![cfg(feature = "tinyslab")]
#![allow(clippy::unwrap_used, clippy::disallowed_types, reason = "tests may allocate and give up")]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use tinyalloc_embedded::prelude::*;

const SLOTS: usize = 12;
type Slab = TinySlabAllocator<400, SLOTS>;

/// What is in the slab, by its handles, which `BTreeMap` keeps apart as the slab must.
#[derive(Default)]
struct Model {
    blocks: BTreeMap<Handle, (usize, u8)>,
    stale: BTreeMap<Handle, ()>,
    chunks: Vec<ChunkId>,
}

impl Model {
    fn live(&self) -> usize {
        self.blocks.len() + self.chunks.len()
    }

    fn pick(&self, number: usize) -> Option<Handle> {
        let all = || self.blocks.keys().chain(self.stale.keys());
        all().nth(number % all().count().max(1)).copied()
    }

    fn alloc(&mut self, slab: &mut Slab, bytes: usize, mark: u8) {
        match slab.alloc_uninit(bytes) {
            Ok((handle, block)) => {
                assert!(bytes <= Slab::SLOT_BYTES && block.len() == bytes);
                block.fill(mark);
                assert!(!self.stale.contains_key(&handle));
                assert!(self.blocks.insert(handle, (bytes, mark)).is_none());
            }
            Err(AllocError::TooLarge) => assert!(bytes > Slab::SLOT_BYTES),
            Err(error) => assert!(error == AllocError::OutOfSlots && self.live() == SLOTS),
        }
    }

    fn free(&mut self, slab: &mut Slab, handle: Handle) {
        let expected = if self.blocks.remove(&handle).is_some() { Ok(()) } else { Err(AllocError::Stale) };
        assert_eq!(slab.free(handle), expected);
        self.stale.insert(handle, ());
    }

    fn take_chunk(&mut self, slab: &mut Slab, mark: u8) {
        let after = self.chunks.last().copied();
        match slab.take_chunk(after) {
            Ok(chunk) => {
                assert_eq!(after.and_then(|after| slab.next_chunk(after)), after.map(|_| chunk));
                slab.chunk_mut(chunk).unwrap().fill(mark);
                self.chunks.push(chunk);
            }
            Err(error) => assert!(error == AllocError::OutOfSlots && self.live() == SLOTS),
        }
    }

    fn resize(&mut self, slab: &mut Slab, handle: Handle, bytes: usize) {
        let Some((length, mark)) = self.blocks.get_mut(&handle).filter(|_| bytes <= Slab::SLOT_BYTES) else {
            assert!(slab.resize(handle, bytes).is_err());
            return;
        };
        slab.resize(handle, bytes).unwrap();
        slab.get_mut(handle).unwrap().fill(*mark);
        *length = bytes;
    }
}

fn step(slab: &mut Slab, model: &mut Model, choice: (u8, usize, usize, u8)) {
    let (operation, number, bytes, mark) = choice;
    match (operation % 8, model.pick(number)) {
        (0..=2, _) => model.alloc(slab, bytes, mark),
        (3 | 4, Some(handle)) => model.free(slab, handle),
        (5, Some(handle)) => model.resize(slab, handle, bytes),
        (6, _) => model.take_chunk(slab, mark),
        (7, _) if !model.chunks.is_empty() => {
            let chunk = model.chunks.remove(number % model.chunks.len());
            slab.give_chunk(chunk).unwrap();
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_slab_is_a_map_from_handles_to_blocks(choices in vec((any::<u8>(), any::<usize>(), 0..40usize, any::<u8>()), 0..200)) {
        let (mut slab, mut model) = (Slab::new(), Model::default());
        let mut live_max = 0;
        for choice in choices {
            step(&mut slab, &mut model, choice);
            live_max = live_max.max(model.live());
            prop_assert_eq!(slab.check(), Ok(()));
            prop_assert!(slab.stats().live == model.live() && slab.stats().live_max == live_max);
            for (handle, (bytes, mark)) in &model.blocks {
                let block = slab.get(*handle).unwrap();
                prop_assert!(block.len() == *bytes && block.iter().all(|byte| byte == mark));
            }
            prop_assert!(model.stale.keys().all(|handle| slab.verify(*handle) == Err(AllocError::Stale)));
            prop_assert!(slab.handles().all(|handle| model.blocks.contains_key(&handle)));
            prop_assert_eq!(slab.handles().count(), model.blocks.len());
        }
    }
}

/// One step of a history: what it does is its number among all that can be done then.
#[derive(Clone, Copy)]
enum Held {
    Block(Handle, bool),
    Chunk(ChunkId, bool),
}

const STEPS: usize = 8;

/// Does the step of that number to a slab of three slots: allocates, takes a chunk, or returns the
/// nth thing that was ever held, again if it was before.
fn act(slab: &mut TinySlabAllocator<6, 3>, held: &mut Vec<Held>, number: usize) {
    let live = held.iter().filter(|each| matches!(each, Held::Block(_, true) | Held::Chunk(_, true))).count();
    match number.checked_sub(2).map(|nth| &mut held[nth]) {
        None if number == 0 => match slab.alloc(2) {
            Ok(handle) => held.push(Held::Block(handle, true)),
            Err(error) => assert!(error == AllocError::OutOfSlots && live == 3),
        },
        None => match slab.take_chunk(None) {
            Ok(chunk) => held.push(Held::Chunk(chunk, true)),
            Err(error) => assert!(error == AllocError::OutOfSlots && live == 3),
        },
        Some(Held::Block(handle, is_live)) => {
            assert_eq!(slab.free(*handle), if *is_live { Ok(()) } else { Err(AllocError::Stale) });
            *is_live = false;
        }
        // A chunk has no generation: the caller that returned it has promised not to use it again.
        Some(Held::Chunk(_, false)) => {}
        Some(Held::Chunk(chunk, is_live)) => {
            assert_eq!(slab.give_chunk(*chunk), Ok(None));
            *is_live = false;
        }
    }
}

fn assert_agrees(slab: &TinySlabAllocator<6, 3>, held: &[Held]) {
    assert_eq!(slab.check(), Ok(()));
    let mut live = 0;
    let mut slots = [false; 3];
    for each in held {
        let (is_live, place) = match each {
            Held::Block(handle, is_live) => {
                assert_eq!(slab.verify(*handle), if *is_live { Ok(()) } else { Err(AllocError::Stale) });
                (*is_live, slab.get(*handle).map(<[u8]>::as_ptr))
            }
            Held::Chunk(chunk, is_live) => (*is_live, slab.chunk(*chunk).map(<[u8]>::as_ptr)),
        };
        if is_live {
            let slot = (place.unwrap().addr() - (&raw const *slab).addr()) / 2;
            assert!(!slots[slot], "two have one slot");
            slots[slot] = true;
            live += 1;
        }
    }
    assert_eq!(slab.stats().live, live);
}

/// Runs every history that begins with these steps. Returns how many there are.
fn histories(steps: &mut Vec<usize>) -> usize {
    let (mut slab, mut held) = (TinySlabAllocator::<6, 3>::new(), Vec::with_capacity(STEPS));
    steps.iter().for_each(|number| act(&mut slab, &mut held, *number));
    assert_agrees(&slab, &held);
    if steps.len() == STEPS {
        return 1;
    }
    let mut count = 1;
    for number in 0..held.len() + 2 {
        steps.push(number);
        count += histories(steps);
        steps.pop();
    }
    count
}

#[test]
fn every_history_of_up_to_eight_steps_on_three_slots_keeps_the_promises() {
    assert_eq!(histories(&mut Vec::new()), 84_261);
}
