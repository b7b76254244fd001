//! Where free memory may trap.

use tinyalloc_sys::Mapper;

use super::Space;
use crate::config::policy::TRAPPED_RANGES_MAX;
use crate::hardening::hardening_policy::HardeningPolicy;
use crate::region::Region;
use crate::region::slice::Run;
use crate::span::class::SLICE_BYTES;

impl Space {
    /// Where pages are larger than slices, a trap would be a neighbour's as well.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn may_trap<M: Mapper>(&self, mapper: &M, region: usize, run: &Run) -> bool {
        mapper.page_bytes() <= SLICE_BYTES && self.may_trap_by_rights() && !self.regions.at(region).may_prefer_huge_pages(run)
    }

    /// Whether there are not too many ranges yet that are trapped by access rights.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn may_trap_by_rights(&self) -> bool {
        self.regions.iter().map(Region::trapped_ranges).sum::<usize>() < TRAPPED_RANGES_MAX
    }

    /// The system refused to trap memory.
    pub(crate) fn refuse_traps(&mut self) {
        self.trap_budget.refuse();
    }

    /// Where every freed block is to trap, no trap goes before its block is used again.
    pub(super) fn untrapped_ahead(&self) -> usize {
        HardeningPolicy::new(self.tunables.checks).untrapped_ahead_slices()
    }
}
