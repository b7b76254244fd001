//! The steps of a trace: what threads that take turns do with one allocator.

use arbitrary::Arbitrary;

use crate::common::WorldMapper;
use crate::common::model::{Block, Model};
use crate::outcome::{kind, note, variant};
use crate::size::Size;

/// One call, or a few that belong together. Blocks are named by their position among the live ones.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Step {
    Allocate(u8, Size),
    Zeroed(u8, Size),
    Aligned(u8, Size, u8),
    Reallocate(u8, u16, Size),
    Free(u8, u16),
    AllocateMany(u8, u8, u16),
    FreeMany(u8, u16),
    Usable(u8, u16),
    Purge(u8),
    Replace(u8),
    Afterlife(u8, u16, Size),
    Wait(u16),
    FreeAgain(u8, u16),
    FreeInside(u8, u16, u16),
}

/// Keeps inputs fast: what lives beyond this is freed first.
const LIVE_BYTES_MAX: usize = 256 << 20;
const BLOCKS_MAX: usize = 4000;

pub fn take<M: WorldMapper>(model: &mut Model<'_, M>, step: Step) {
    while model.live_bytes() > LIVE_BYTES_MAX || model.blocks.len() > BLOCKS_MAX {
        model.free(0, 0);
    }
    match step {
        Step::Allocate(actor, size) => note_allocation("malloc", size.bytes(), model.allocate(actor.into(), size.bytes())),
        Step::Zeroed(actor, size) => note_allocation("calloc", size.bytes(), model.allocate_zeroed(actor.into(), size.bytes())),
        Step::Aligned(actor, size, shift) => {
            note_allocation("memalign", size.bytes(), model.allocate_aligned(actor.into(), size.bytes(), 1 << (shift % 22)));
        }
        Step::Reallocate(actor, block, size) => reallocate(model, actor.into(), block.into(), size.bytes()),
        Step::Free(actor, block) => free(model, actor.into(), block.into()),
        Step::AllocateMany(actor, count, bytes) => {
            (0..count).for_each(|_| _ = model.allocate(actor.into(), bytes as usize % 3000));
        }
        Step::FreeMany(actor, count) => (0..count as usize).for_each(|block| model.free(actor.into(), block * 7919)),
        Step::Usable(actor, block) => model.check_usable(actor.into(), block.into()),
        Step::Purge(actor) => purge(model, actor.into()),
        Step::Replace(actor) => replace(model, actor.into()),
        Step::Afterlife(actor, block, size) => afterlife(model, actor.into(), block.into(), size.bytes()),
        Step::Wait(milliseconds) => model.world.wait(milliseconds.into()),
        Step::FreeAgain(actor, freed) => free_again(model, actor.into(), freed.into()),
        Step::FreeInside(actor, block, at) => free_inside(model, actor.into(), block.into(), at.into()),
    }
}

fn note_allocation(call: &str, bytes: usize, block: Option<Block>) {
    note(|| format!("{call}-{}{}", kind(bytes), if block.is_none() { "-refused" } else { "" }));
}

fn reallocate<M: WorldMapper>(model: &mut Model<'_, M>, actor: usize, block: usize, bytes: usize) {
    let old = model.pick(block).copied();
    let new = model.reallocate(actor, block, bytes);
    let Some(old) = old else {
        return;
    };
    let how = new.map_or("refused", |new| if new.start == old.start { "in-place" } else { "moved" });
    note(|| format!("realloc-{}-to-{}-{how}", kind(old.usable), kind(bytes)));
}

fn free<M: WorldMapper>(model: &mut Model<'_, M>, actor: usize, block: usize) {
    if let Some(block) = model.pick(block) {
        note(|| format!("free-{}", kind(block.usable)));
    }
    model.free(actor, block);
}

fn purge<M: WorldMapper>(model: &Model<'_, M>, actor: usize) {
    model.world.purge_all(model.actor(actor));
    note(|| "purge");
}

fn replace<M: WorldMapper>(model: &mut Model<'_, M>, actor: usize) {
    note(|| if model.blocks.is_empty() { "thread-ends-without-blocks" } else { "thread-ends-with-blocks" });
    model.replace_actor(actor);
}

/// A thread that is ending goes on with its calls, and another takes its place afterwards.
fn afterlife<M: WorldMapper>(model: &mut Model<'_, M>, actor: usize, block: usize, bytes: usize) {
    note(|| "calls-of-an-ending-thread");
    model.world.detach(model.actor(actor));
    model.free(actor, block);
    model.allocate(actor, bytes);
    model.reallocate(actor, block, bytes / 2);
    model.replace_actor(actor);
}

fn free_again<M: WorldMapper>(model: &Model<'_, M>, actor: usize, freed: usize) {
    let Some(block) = freed.checked_rem(model.freed.len()).map(|index| model.freed[index]) else {
        return;
    };
    if !model.is_live(block.start.addr().get()) {
        // SAFETY: not a live block, which is to be found out.
        let misuses = model.mistake(actor, |actor| unsafe { model.world.free(actor, block.start.as_ptr()) });
        assert_eq!(misuses.len(), 1, "{block:?} is freed twice");
        note(|| format!("second-free-of-{}-reported-as-{}", kind(block.usable), variant(&misuses[0])));
    }
}

fn free_inside<M: WorldMapper>(model: &Model<'_, M>, actor: usize, block: usize, at: usize) {
    let Some(block) = model.pick(block).copied() else {
        return;
    };
    // Addresses of zero-size allocations are 16 bytes apart.
    let inside = block.start.as_ptr().wrapping_add(1 + at % (block.usable.max(16) - 1));
    // SAFETY: not the start of a block, which is to be found out.
    let misuses = model.mistake(actor, |actor| unsafe { model.world.free(actor, inside) });
    assert_eq!(misuses.len(), 1, "{inside:?} is inside {block:?}");
    note(|| format!("free-inside-{}-reported-as-{}", kind(block.usable), variant(&misuses[0])));
}
