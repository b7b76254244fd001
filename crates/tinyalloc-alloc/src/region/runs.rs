//! Runs of slices, taken and freed.

use core::ops::Range;

use tinyalloc_bitmap::BitmapOps;
use tinyalloc_sys::Mapper;

use super::Region;
use super::commit::Shortage;
use super::near::Near;
use super::purpose::Purpose;
use super::run_bounds::Searched;
use super::slice::{Run, SliceIndex};
use super::slice_bits::{SLICES_PER_WORD, bits_within};
use crate::config::policy::{TRAPPED_LOOK, UNTRAPPED_AHEAD_SLICES};
use crate::span::extent::Extent;

/// A run that is wanted: how long, on a multiple of what, for what, how many slices may be
/// untrapped for it, and where it may lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    slices: usize,
    align: usize,
    purpose: Purpose,
    untrapped: usize,
    near: Near,
}

impl Wanted {
    pub(crate) const fn new(slices: usize, align: usize, purpose: Purpose, untrapped: usize) -> Wanted {
        Wanted { slices, align, purpose, untrapped, near: Near::ANYWHERE }
    }

    pub(crate) const fn on_any_node(self) -> Wanted {
        Wanted { near: self.near.on_any_node(), ..self }
    }

    pub(crate) const fn near(self, near: Near) -> Wanted {
        Wanted { near, ..self }
    }

    pub(crate) const fn slices(&self) -> usize {
        self.slices
    }

    pub(crate) const fn align(&self) -> usize {
        self.align
    }

    pub(crate) const fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(crate) const fn for_the_other_purpose(self) -> Wanted {
        let purpose = match self.purpose {
            Purpose::Slots => Purpose::Block,
            Purpose::Block => Purpose::Slots,
        };
        Wanted { purpose, ..self }
    }
}

impl Region {
    /// Takes a run of free slices: resident ones first, then low ones, then fresh ones.
    ///
    /// # Errors
    /// [`Shortage`].
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(crate) fn take_run<M: Mapper>(&self, mapper: &M, wanted: Wanted, index: u32) -> Result<Extent, Shortage> {
        let Wanted { slices, align, purpose, untrapped, near } = wanted;
        let end = self.end_for(purpose);
        let fits = |first: &usize| *first + slices <= end;
        let free = || self.find_free(slices, align, end, near);
        let first = match self.find_resident(slices, align, end, near).filter(fits).or_else(free) {
            Some(first) => first,
            None => self.extend(mapper, slices, align, end, near)?,
        };
        let first = match self.untrap(mapper, first..first + slices, untrapped) {
            Ok(()) => first,
            Err(_) => self.find_accessible(mapper, slices, align, near)?,
        };
        self.renew_huge_pages(mapper, first);
        let run = first..first + slices;
        let slices = u32::try_from(slices).map_err(|_| Shortage::OfRoom)?;
        let fresh = slices - self.claim(run.clone());
        self.fill_shared_units(&run);
        // SAFETY: it was found among the committed slices, or committed just now.
        let first = unsafe { SliceIndex::new(first) };
        Ok(Extent::new(self.start_of(first), slices, index, fresh))
    }

    /// Takes exactly so many slices right behind a run, to grow the block there; how many of them
    /// are not resident. `None` when they are not free.
    pub(crate) fn take_behind<M: Mapper>(&self, mapper: &M, block: &Run, slices: usize) -> Option<usize> {
        let run = block.end()..block.end() + slices;
        if run.end > self.end_for(Purpose::Block).min(self.fence(run.start - 1).end) {
            return None;
        }
        let known_end = run.end.min(self.committed_slices());
        if run.start < known_end && !self.used().all_clear(run.start..known_end) {
            return None;
        }
        self.commit_slices(mapper, run.end).ok()?;
        self.untrap(mapper, run.clone(), UNTRAPPED_AHEAD_SLICES).ok()?;
        let fresh = run.len() - self.claim(run.clone()) as usize;
        self.fill_shared_units(&run);
        Some(fresh)
    }

    /// Frees a run, of whose bytes the first `touched` slices may have been written.
    pub(crate) fn give_run(&self, run: &Run, touched: usize) {
        let run = run.numbers();
        let touched = if self.huge_pages.may_have_filled(&run) { run.len() } else { touched };
        self.free_run(run, touched);
    }

    /// Frees a run that was trapped.
    pub(crate) fn give_trapped_run(&self, run: &Run) {
        let run = run.numbers();
        self.mark_trapped(&run, true);
        self.free_run(run, 0);
    }

    /// Frees a run, of which the first `touched` slices are resident.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn free_run(&self, run: Range<usize>, touched: usize) {
        let dirty = run.start..(run.start + touched).min(run.end);
        let words = run.start / SLICES_PER_WORD..;
        for (word, (bits, freed)) in words.zip(self.words_of(run.clone())) {
            bits.used().set(bits.used().get() & !freed);
            bits.resident().set(bits.resident().get() | bits_within(&dirty, word));
        }
        self.resident_slices.set(self.resident_slices.get() + dirty.len());
        self.used_slices.set(self.used_slices.get() - run.len());
        self.lowest_free.set(self.lowest_free.get().min(run.start));
        self.lowest_resident.set(self.lowest_resident.get().min(run.start));
        self.forget_bounds(Searched::Free, &run);
        self.forget_bounds(Searched::Resident, &dirty);
    }

    /// Takes free slices; how many of them were resident.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn claim(&self, run: Range<usize>) -> u32 {
        let mut resident = 0;
        for (bits, taken) in self.words_of(run.clone()) {
            resident += (bits.resident().get() & taken).count_ones();
            bits.resident().set(bits.resident().get() & !taken);
            bits.aged().set(bits.aged().get() & !taken);
            bits.used().set(bits.used().get() | taken);
        }
        self.resident_slices.set(self.resident_slices.get() - resident as usize);
        self.used_slices.set(self.used_slices.get() + run.len());
        if self.lowest_free.get() == run.start {
            self.lowest_free.set(run.end);
        }
        if self.lowest_resident.get() == run.start {
            self.lowest_resident.set(run.end);
        }
        resident
    }

    fn find_resident(&self, slices: usize, align: usize, end: usize, near: Near) -> Option<usize> {
        if self.resident_slices.get() < slices {
            return None;
        }
        let lowest = self.resident().find_first_set(self.lowest_resident.get())?;
        self.lowest_resident.set(lowest);
        self.find_run(Searched::Resident, lowest, slices, align, end, near)
    }

    /// The lowest free run; of those further up, one without a trap is taken instead if there is
    /// one not far away. It saves a system call, and what was freed and trapped keeps its trap for
    /// longer.
    #[inline(never)]
    fn find_free(&self, slices: usize, align: usize, end: usize, near: Near) -> Option<usize> {
        let find = |from: usize| self.find_run(Searched::Free, from, slices, align, end, near);
        let find = |from: usize| find(from).filter(|first| *first + slices <= end);
        let lowest = find(self.lowest_free.get())?;
        let mut first = lowest;
        for _ in 0..TRAPPED_LOOK {
            if self.trapped().all_clear(first..first + slices) {
                return Some(first);
            }
            let beyond = self.trapped().find_first_set(first).and_then(|trapped| self.trapped().find_clear_run(trapped, 1, 1));
            match beyond.and_then(find) {
                Some(next) => first = next,
                None => break,
            }
        }
        Some(lowest)
    }

    /// Commits a run at the top, beginning with the free slices that are there.
    fn extend<M: Mapper>(&self, mapper: &M, slices: usize, align: usize, end: usize, near: Near) -> Result<usize, Shortage> {
        let committed = self.committed_slices();
        let lowest = (committed - self.used().trailing_clear_run()).next_multiple_of(align);
        let first = self.place_at_the_end(lowest, slices, near);
        if first + slices > end {
            return Err(Shortage::OfRoom);
        }
        if first > lowest {
            self.huge_pages.expect_passed_over(first - lowest);
        }
        self.commit_slices(mapper, first + slices)?;
        self.take_stripe(mapper, first, near);
        Ok(first)
    }

    /// A run is about to be taken at `first`: if there is nothing but emptiness above it, huge
    /// pages are welcome there again.
    fn renew_huge_pages<M: Mapper>(&self, mapper: &M, first: usize) {
        let Some(units) = self.huge_pages.units_to_begin_at(first) else {
            return;
        };
        if self.used().all_clear(units.clone()) && self.resident().all_clear(units.clone()) {
            // SAFETY: it is where the slices start, and a unit to begin at.
            unsafe { self.huge_pages.begin_again(mapper, self.slices.start(), units.start) };
        }
    }

    /// With the first touch of a run, all of the huge pages that it begins and ends in become
    /// resident.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn fill_shared_units(&self, run: &Range<usize>) {
        for unit in self.huge_pages.shared_units(run) {
            let before = self.resident_slices.get();
            for word in unit.start / SLICES_PER_WORD..unit.end / SLICES_PER_WORD {
                // SAFETY: units of the zone are committed.
                let bits = unsafe { self.slice_bits(word) };
                let filled = !bits.used().get() & !bits.resident().get() & !bits.trapped().get();
                bits.resident().set(bits.resident().get() | filled);
                self.resident_slices.set(self.resident_slices.get() + filled.count_ones() as usize);
            }
            if self.resident_slices.get() > before {
                self.lowest_resident.set(self.lowest_resident.get().min(unit.start));
                self.forget_bounds(Searched::Resident, &unit);
            }
        }
    }
}
