//! The regions that there are, one more, and one less.

use tinyalloc_sys::Mapper;

use super::Space;
use super::unlisted::Unlisted;
use crate::region::Region;
use crate::region::layout::PARTS;
use crate::region::purpose::Purpose;
use crate::region::regions::Regions;

impl Space {
    pub(crate) fn first_region(&self) -> Option<&Region> {
        self.regions.first()
    }

    pub(crate) fn regions(&self) -> &Regions {
        &self.regions
    }

    /// Bytes of address space that regions and pages of metadata take.
    pub(crate) fn reserved_bytes(&self) -> usize {
        self.regions.iter().map(Region::reserved_bytes).sum::<usize>() + self.pages.reserved_bytes()
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn add_region<M: Mapper>(&mut self, mapper: &M, slices: usize, purpose: Purpose) -> Option<()> {
        if !self.regions.make_room(mapper) {
            return None;
        }
        let region = Region::new(mapper, self.tunables.region_bytes, slices, self.tunables.huge_pages, purpose).ok()?;
        self.follow_owners(mapper, &region);
        self.regions.push(region);
        Some(())
    }

    /// Takes the last region out if it is idle, for the release of its mappings. The first stays:
    /// the hit path knows it; and where there are partitions, all do, for another region could come
    /// to lie there, and have no owners yet.
    pub(crate) fn remove_idle_region<M: Mapper>(&mut self, mapper: &M) -> Option<[Unlisted; PARTS + 1]> {
        let is_idle = !self.are_partitioned && self.regions.last().is_some_and(Region::is_idle);
        let region = if is_idle { self.regions.pop_further()? } else { return None };
        let mut mappings = [Unlisted::new(region.slices_start(), 0); PARTS + 1];
        let all = region.mappings().into_iter().chain(region.table(mapper));
        mappings.iter_mut().zip(all).for_each(|(place, (start, bytes))| *place = Unlisted::new(start, bytes));
        Some(mappings)
    }
}
