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

    /// How much of a mapping of the process is of regions, of metadata or of huge blocks: of a
    /// mapping of ours and one of the program's beside it the kernel makes one.
    pub(crate) fn bytes_in(&self, mapping: &Range<usize>) -> usize {
        let common = |(start, bytes): (NonNull<u8>, usize)| {
            let start = start.as_ptr().addr();
            start.saturating_add(bytes).min(mapping.end).saturating_sub(start.max(mapping.start))
        };
        let regions: usize = self.regions.iter().flat_map(|region| region.mappings()).map(common).sum();
        let huge = if self.huge.blocks() < HUGE_BLOCKS_WALKED {
            self.huge.iter().map(|block| common((block.start(), block.slot_bytes()))).sum()
        } else {
            // Mostly one begins where the mapping does.
            self.huge.find(mapping.start).map_or(0, |_| mapping.len())
        };
        regions + self.pages.mappings().map(common).sum::<usize>() + huge
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
