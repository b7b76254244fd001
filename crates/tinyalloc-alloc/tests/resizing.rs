//! `realloc` and the size of a block: the short way for what the hit path knows, and the long one
//! for everything else. Whichever it is, a mistake is the same mistake.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

mod common;

use std::ptr::{NonNull, with_exposed_provenance_mut};

use common::model::Model;
use common::{Actor, LimitedMapper, MIB, World};
use tinyalloc_alloc::{BlockOwner, HeapOptions, Misuse, Mode, SLICE_BYTES, SMALL_BYTES_MAX, SizeClass, ThreadContext};

type Limited = World<LimitedMapper>;

/// What mistakes ask for: one that stays in most slots, two that move, and a large block.
const WISHES: [usize; 4] = [1, 100, 3000, 100_000];

/// The first region, and with small ones a further one, of which the hit path knows nothing.
fn worlds() -> [Limited; 2] {
    let further = Limited::with_limits(usize::MAX, 4 * MIB);
    let filler = Actor::new();
    while further.survey(filler).unwrap().regions < 2 {
        further.allocate(filler, 100_000).unwrap();
    }
    [Limited::new(), further]
}

fn at(address: usize) -> NonNull<u8> {
    NonNull::new(with_exposed_provenance_mut(address)).unwrap()
}

fn free(world: &Limited, actor: Actor, start: NonNull<u8>) {
    // SAFETY: at most a mistake, which is to be found out.
    unsafe { world.free(actor, start.as_ptr()) };
}

fn reallocate(world: &Limited, actor: Actor, start: NonNull<u8>, bytes: usize) -> Option<NonNull<u8>> {
    // SAFETY: at most a mistake, which is to be found out; the block is not used otherwise.
    unsafe { world.reallocate(actor, start, bytes) }
}

/// Two threads, each with a free slot ready of every size that a mistake may ask for: nothing else
/// is in the way of a move.
fn threads(world: &Limited) -> [Actor; 2] {
    [(); 2].map(|()| {
        let actor = Actor::new();
        for bytes in WISHES.into_iter().filter(|bytes| *bytes <= SMALL_BYTES_MAX) {
            // The second keeps the span alive.
            let [block, _] = [(); 2].map(|()| world.allocate(actor, bytes).unwrap());
            free(world, actor, block);
        }
        actor
    })
}

/// The size of what is at an address, and its move, are refused as its free is.
fn is_refused_like_free(world: &Limited, actor: Actor, address: usize) {
    free(world, actor, at(address));
    let expected = actor.misuses();
    assert_eq!(expected.len(), 1, "{address:#x} is no block: {expected:?}");
    assert_eq!(world.usable_bytes(actor, at(address)), None);
    assert_eq!(actor.misuses(), expected, "the size of what is at {address:#x}");
    for bytes in WISHES {
        assert_eq!(reallocate(world, actor, at(address), bytes), None);
        assert_eq!(actor.misuses(), expected, "what is at {address:#x}, to {bytes} bytes");
    }
}

/// As above, at every one of the addresses, whichever thread asks; and nothing changes.
fn are_refused_like_free(world: &Limited, actors: [Actor; 2], addresses: &[usize]) {
    let before = world.survey(actors[0]).unwrap();
    for actor in actors {
        addresses.iter().for_each(|address| is_refused_like_free(world, actor, *address));
    }
    assert_eq!(world.survey(actors[0]).unwrap(), before, "a mistake changes nothing");
}

#[test]
fn a_freed_slot_has_no_size_and_is_not_moved_whichever_thread_freed_it_and_asks() {
    for world in worlds() {
        let actors = threads(&world);
        let mut freed = Vec::new();
        for class in SizeClass::all() {
            // The first keeps the span alive.
            let [_, blocks @ ..] = [(); 3].map(|()| world.allocate(actors[0], class.bytes()).unwrap());
            for (freer, block) in actors.into_iter().zip(blocks) {
                free(&world, freer, block);
                freed.push(block.addr().get());
            }
        }
        assert_eq!(actors.map(Actor::misuses), [vec![], vec![]]);
        are_refused_like_free(&world, actors, &freed);
    }
}

#[test]
fn an_address_inside_a_slot_has_no_size_and_is_not_moved() {
    for world in worlds() {
        let actors = threads(&world);
        let mut inside = Vec::new();
        for class in SizeClass::all() {
            let block = world.allocate(actors[0], class.bytes()).unwrap();
            let offsets = [1, 8, 15, 16, class.bytes() / 2, class.bytes() - 1];
            inside.extend(offsets.into_iter().filter(|offset| *offset < class.bytes()).map(|offset| block.addr().get() + offset));
        }
        are_refused_like_free(&world, actors, &inside);
    }
}

#[test]
fn what_was_never_a_block_has_no_size_and_is_not_moved() {
    for world in worlds() {
        let actors = threads(&world);
        let start = world.allocate(actors[0], 16).unwrap().addr().get();
        let uncarved = start.next_multiple_of(4096) + 4096;
        assert_eq!(uncarved / SLICE_BYTES, start / SLICE_BYTES);
        let local = 0u128;
        are_refused_like_free(
            &world,
            actors,
            &[uncarved, uncarved + 16, 1, 16, 4096, usize::MAX - 15, (&raw const local).addr()],
        );
    }
}

#[test]
fn a_freed_large_block_has_no_size_and_no_more_has_an_address_inside_a_live_one() {
    for world in worlds() {
        let actors = threads(&world);
        let sizes = [SMALL_BYTES_MAX + 1, 100_000, MIB];
        let pairs = sizes.map(|bytes| [(); 2].map(|()| world.allocate(actors[0], bytes).unwrap()));
        let mut dead = Vec::new();
        for [block, live] in pairs {
            free(&world, actors[0], block);
            dead.push(block.addr().get());
            dead.extend([1, 16, 4096, SLICE_BYTES, SLICE_BYTES + 16].map(|offset| live.addr().get() + offset));
        }
        are_refused_like_free(&world, actors, &dead);
    }
}

#[test]
fn a_block_is_as_large_as_its_slot_or_its_pages_whichever_thread_asks() {
    for world in worlds() {
        let actors = [Actor::new(), Actor::new()];
        for class in SizeClass::all() {
            let block = world.allocate(actors[0], class.bytes()).unwrap();
            assert_eq!(actors.map(|actor| world.usable_bytes(actor, block)), [Some(class.bytes()); 2]);
        }
        for bytes in [SMALL_BYTES_MAX + 1, 100_000, MIB, 40 * MIB] {
            let block = world.allocate(actors[0], bytes).unwrap();
            let usable = bytes.next_multiple_of(4096);
            assert_eq!(actors.map(|actor| world.usable_bytes(actor, block)), [Some(usable); 2]);
            assert_eq!(actors.map(|actor| reallocate(&world, actor, block, usable)), [Some(block); 2]);
        }
        assert_eq!(actors.map(Actor::misuses), [vec![], vec![]]);
    }
}

#[test]
fn a_block_moves_if_it_outgrows_its_slot_or_needs_half_of_it_whichever_thread_asks() {
    for world in worlds() {
        for asking in 0..2 {
            let mut model = Model::new(&world, 2);
            for class in SizeClass::all() {
                let room = class.bytes();
                for bytes in [1, room / 2, room / 2 + 1, room - 1, room, room + 1, room * 3] {
                    let block = model.allocate(0, room).unwrap();
                    let moved = model.reallocate(asking, model.blocks.len() - 1, bytes).unwrap();
                    let fitting = SizeClass::of(bytes).map_or(usize::MAX, SizeClass::bytes);
                    let stays = bytes <= room && (fitting * 2 > room || room <= 64);
                    assert_eq!(moved.start == block.start, stays, "{room} to {bytes} bytes");
                }
            }
            world.check_invariants(model.actor(asking)).unwrap();
            model.free_all(asking);
            assert_eq!(world.survey(model.actor(0)).unwrap().live_slots, 0);
        }
    }
}

/// The last live slot of a span moves away, as by a free: the span goes on as one without slots.
#[test]
fn spans_that_moves_empty_serve_other_sizes() {
    let world = Limited::new();
    let mut model = Model::new(&world, 1);
    for bytes in (16..4000).step_by(48) {
        (0..200).for_each(|_| assert!(model.allocate(0, bytes).is_some()));
        for block in (0..200).rev() {
            assert!(model.reallocate(0, block, bytes * 2).is_some());
        }
        model.check_invariants();
        model.free_all(0);
    }
    assert_eq!(world.survey(model.actor(0)).unwrap().live_slots, 0);
}

#[test]
fn a_block_stays_in_its_heap_whichever_is_current() {
    let world = Limited::new();
    let [actor, _] = threads(&world);
    let mut global = world.allocate(actor, 40).unwrap();
    let heap = world.create_heap(actor, &HeapOptions::default()).unwrap();
    assert!(world.push_heap(actor, Some(heap)));
    let mut isolated = world.allocate(actor, 40).unwrap();
    let owner_of = |start: NonNull<u8>| world.owner_of(actor, start.addr().get());
    for bytes in [100, 3000, 100_000, 100, 40, 100, 3000] {
        [global, isolated] = [global, isolated].map(|start| reallocate(&world, actor, start, bytes).unwrap());
        assert_eq!([global, isolated].map(owner_of), [Some(BlockOwner::Global), Some(BlockOwner::Heap(heap))]);
    }
    assert_eq!(actor.misuses(), []);
}

/// Zero bytes are asked of `realloc` by no C program, but by the engine's other callers.
#[test]
fn a_block_of_no_bytes_leaves_no_slot_behind() {
    for world in worlds() {
        let actor = Actor::new();
        let block = world.allocate(actor, 1000).unwrap();
        let moved = reallocate(&world, actor, block, 0).unwrap();
        assert_eq!(world.usable_bytes(actor, moved), Some(0));
        free(&world, actor, moved);
        assert_eq!(actor.misuses(), []);
    }
}

/// As for a free by another thread than the owner: only the owner's free looks twice.
#[test]
fn a_live_block_that_seems_free_is_refused_and_stays_as_it_is() {
    let world = Limited::new();
    let actor = Actor::new();
    let [block, neighbour] = [(); 2].map(|()| world.allocate(actor, 64).unwrap());
    free(&world, actor, block);
    // SAFETY: reading what a free slot holds is a mistake of the program, but the memory is mapped.
    let words = unsafe { block.cast::<[usize; 2]>().read() };
    assert_eq!(world.allocate(actor, 64), Some(block));
    // SAFETY: the block is live and large enough.
    unsafe { block.cast::<[usize; 2]>().write(words) };
    let expected = Misuse::DoubleFree { address: block.addr().get(), slot_bytes: 64 };
    assert_eq!(world.usable_bytes(actor, block), None);
    assert_eq!(reallocate(&world, actor, block, 1000), None);
    assert_eq!(actor.misuses(), [expected, expected]);
    free(&world, actor, block);
    free(&world, actor, neighbour);
    assert_eq!(actor.misuses(), []);
}

#[test]
fn a_slot_for_emergencies_has_a_size_while_it_is_taken() {
    for world in worlds() {
        let [actor, handler] = [threads(&world)[0], Actor::new()];
        handler.set_mode(Mode::InSlowPath);
        let block = world.allocate(handler, 100).unwrap();
        assert!(world.usable_bytes(actor, block).is_some_and(|usable| usable >= 100));
        let moved = reallocate(&world, actor, block, 100).unwrap();
        assert_eq!([actor, handler].map(Actor::misuses), [vec![], vec![]]);
        assert_eq!(world.usable_bytes(actor, block), None);
        assert!(WISHES.iter().all(|bytes| reallocate(&world, actor, block, *bytes).is_none()));
        assert_eq!(actor.misuses().len(), 1 + WISHES.len());
        free(&world, actor, moved);
        assert_eq!(actor.misuses(), []);
    }
}
