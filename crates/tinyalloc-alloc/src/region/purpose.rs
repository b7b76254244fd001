//! What a run is for, and in which region it may lie for that.

use super::Region;
use super::growing::Backing;
use crate::config::tunables::HugePagePolicy;
use crate::span::class::SLICE_SHIFT;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Slots, which fill up: huge pages are welcome.
    Slots,
    /// A block of its own, of which the program may touch little: huge pages would be resident all
    /// the same.
    Block,
}

/// What lies in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Everything.
    AllAlone,
    /// Slots, and blocks as far as no huge pages are asked for.
    WithBlocksElsewhere,
    /// The other blocks, where none ever are.
    BlocksAlone,
}

impl Sharing {
    /// Regions come in pairs where they cost nothing before they are used, and where huge pages are
    /// asked for by default.
    pub(super) fn of(backing: Backing, policy: HugePagePolicy, purpose: Purpose) -> Sharing {
        match (backing, policy, purpose) {
            (Backing::Room, HugePagePolicy::Madvise, Purpose::Slots) => Sharing::WithBlocksElsewhere,
            (Backing::Room, HugePagePolicy::Madvise, Purpose::Block) => Sharing::BlocksAlone,
            _ => Sharing::AllAlone,
        }
    }
}

impl Region {
    /// The slices from which on there is nothing for this purpose: where there is another region
    /// for blocks, they stay out of what may get huge pages, and slots stay here.
    pub(super) fn end_for(&self, purpose: Purpose) -> usize {
        match (self.shares, purpose) {
            (Sharing::AllAlone, _) | (Sharing::WithBlocksElsewhere, Purpose::Slots) | (Sharing::BlocksAlone, Purpose::Block) => {
                self.slices.bytes() >> SLICE_SHIFT
            }
            (Sharing::WithBlocksElsewhere, Purpose::Block) => self.huge_pages.earliest(),
            (Sharing::BlocksAlone, Purpose::Slots) => 0,
        }
    }
}
