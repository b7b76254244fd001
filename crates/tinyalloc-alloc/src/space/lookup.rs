//! What lies at an address.

use core::ops::Range;
use core::ptr::NonNull;

use super::Space;
use crate::report::misuse::Misuse;
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;

/// Huge blocks that are looked at one after the other.
const HUGE_BLOCKS_WALKED: usize = 1000;

impl Space {
    /// The record of the live span or block at `address`, in any region or huge.
    pub(crate) fn find(&self, address: usize) -> Option<SpanRef> {
        self.regions
            .iter()
            .find_map(|region| region.span_at(address))
            .filter(|span| span.owner() != Owner::Nobody)
            .or_else(|| self.huge.find(address))
    }

    /// As [`Space::find`].
    ///
    /// # Errors
    /// What is wrong with an address where nothing is found.
    pub(crate) fn look_up(&self, address: usize) -> Result<SpanRef, Misuse> {
        self.find(address).ok_or_else(|| self.verdict(address))
    }

    /// Whether a mapping of the process is, in part at least, of regions, of metadata or of a huge
    /// block.
    pub(crate) fn is_in(&self, mapping: &Range<usize>) -> bool {
        let meets = |(start, bytes): (NonNull<u8>, usize)| {
            let start = start.as_ptr().addr();
            bytes > 0 && start < mapping.end && mapping.start < start.saturating_add(bytes)
        };
        self.regions.iter().any(|region| region.mappings().into_iter().any(meets))
            || self.pages.mappings().any(meets)
            // Mostly one begins where the mapping does.
            || self.huge.find(mapping.start).is_some()
            || self.huge.blocks() < HUGE_BLOCKS_WALKED && self.huge.iter().any(|block| meets((block.start(), block.slot_bytes())))
    }

    /// What is wrong with freeing `address`, where no live slot is known to be.
    pub(crate) fn verdict(&self, address: usize) -> Misuse {
        let around = self.regions.iter().find_map(|region| {
            let slice = region.slice_at(address)?;
            Some((region.span_of_slice(slice), region.block_around(slice)))
        });
        match around {
            Some((_, Some(block))) => block.verdict(address),
            Some((record, None)) if record == SpanRef::FREED => Misuse::FreedBefore { address },
            _ => Misuse::NotAllocated { address },
        }
    }

    /// The span or large block that an address lies in.
    pub(crate) fn block_around(&self, address: usize) -> Option<SpanRef> {
        self.regions.iter().find_map(|region| region.slice_at(address).and_then(|slice| region.block_around(slice)))
    }
}
