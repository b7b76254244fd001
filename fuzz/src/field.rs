//! A heap full of live and dead blocks, and mistakes to make there.

use std::ptr::{NonNull, with_exposed_provenance_mut};

use arbitrary::Arbitrary;
use tinyalloc_alloc::Misuse;

use crate::common::LimitedMapper;
use crate::common::model::Model;
use crate::outcome::{note, variant};

/// Where a mistake points.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Place {
    Live(u16, i32),
    Dead(u16, i16),
    Anywhere(u64),
    Low(u16),
    Stack(u8),
}

/// A call that is handed what is no block.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Mistake {
    Free(u8, Place),
    Reallocate(u8, Place, u16),
    UsableBytes(u8, Place),
}

fn address(model: &Model<'_, LimitedMapper>, place: Place) -> usize {
    let local = 0u64;
    match place {
        Place::Live(block, offset) => {
            model.pick(block.into()).map_or(0, |block| block.start.addr().get().wrapping_add_signed(offset as isize))
        }
        Place::Dead(block, offset) => {
            let dead = (block as usize).checked_rem(model.freed.len()).map(|index| model.freed[index]);
            dead.map_or(0, |block| block.start.addr().get().wrapping_add_signed(offset as isize))
        }
        Place::Anywhere(address) => address as usize,
        Place::Low(address) => address.into(),
        Place::Stack(offset) => (&raw const local).addr() + offset as usize,
    }
}

/// Makes the mistake; it must be reported once, rightly, and change nothing.
pub fn make(model: &Model<'_, LimitedMapper>, mistake: Mistake) {
    let (Mistake::Free(actor, place) | Mistake::Reallocate(actor, place, _) | Mistake::UsableBytes(actor, place)) = mistake;
    let address = address(model, place);
    let Some(start) = NonNull::new(with_exposed_provenance_mut::<u8>(address)).filter(|_| !model.is_live(address)) else {
        return;
    };
    let misuses = model.mistake(actor.into(), |actor| match mistake {
        // SAFETY: not a live block, which is to be found out.
        Mistake::Free(..) => unsafe { model.world.free(actor, start.as_ptr()) },
        // SAFETY: as above.
        Mistake::Reallocate(_, _, bytes) => assert_eq!(unsafe { model.world.reallocate(actor, start, bytes.into()) }, None),
        Mistake::UsableBytes(..) => assert_eq!(model.world.usable_bytes(actor, start), None),
    });
    let [misuse] = misuses[..] else {
        panic!("{address:#x} is reported {} times", misuses.len());
    };
    assert!(is_right(model, misuse, address), "{misuse:?}, but there is {:?}", model.block_around(address));
    note(|| format!("{}-of-{}-reported-as-{}", variant(&mistake), variant(&place), variant(&misuse)));
}

fn is_right(model: &Model<'_, LimitedMapper>, misuse: Misuse, address: usize) -> bool {
    match (misuse, model.block_around(address)) {
        (Misuse::NotAllocated { address: named }, around) => named == address && around.is_none_or(|_| has_huge_blocks(model)),
        (Misuse::FreedBefore { address: named }, None) => named == address,
        (Misuse::DoubleFree { address: named, slot_bytes }, None) => named == address && slot_bytes.is_multiple_of(16),
        (Misuse::Interior { address: named, slot_start, slot_bytes }, around) => {
            let is_named = around.is_none_or(|block| block.start.addr().get() == slot_start && block.usable == slot_bytes);
            // Addresses of zero-size allocations are 16 bytes apart.
            named == address && is_named && (slot_start + 1..slot_start + slot_bytes.max(16)).contains(&address)
        }
        _ => false,
    }
}

/// Of a huge block only the start is known.
fn has_huge_blocks(model: &Model<'_, LimitedMapper>) -> bool {
    model.world.stats(model.actor(0)).huge_blocks > 0
}
