//! Free slices that fault when they are touched.

use core::ops::Range;

use tinyalloc_bitmap::BitmapOps;
use tinyalloc_sys::Mapper;

use super::Region;
use super::commit::Shortage;
use super::near::Near;
use super::slice::SliceIndex;
use super::slice_bits::SLICES_PER_WORD;
use crate::span::class::SLICE_BYTES;

impl Region {
    /// How many ranges of free slices are trapped: about twice as many mappings are split off.
    pub(crate) fn trapped_ranges(&self) -> usize {
        self.trapped_ranges.get()
    }

    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn mark_trapped(&self, run: &Range<usize>, trapped: bool) {
        let around = run.start.saturating_sub(1)..(run.end + 1).min(self.committed_slices());
        let before = self.trapped_within(&around);
        if trapped {
            self.trapped().set_range(run.clone());
        } else {
            self.trapped().clear_range(run.clone());
        }
        self.trapped_ranges.set(self.trapped_ranges.get() + self.trapped_within(&around) - before);
    }

    /// How many ranges are trapped there: each bit that follows a clear one is the first of one.
    /// (The bitmap's `set_runs` would do, but looks for two ends of every range where a word has
    /// all of them.)
    #[inline(never)]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn trapped_within(&self, slices: &Range<usize>) -> usize {
        let (mut ranges, mut is_trapped_before) = (0, false);
        for (bits, within) in self.words_of(slices.clone()) {
            let bits = bits.trapped().get() & within;
            ranges += (bits & !(bits << 1 | u64::from(is_trapped_before))).count_ones() as usize;
            is_trapped_before = bits >> (SLICES_PER_WORD - 1) != 0;
        }
        ranges
    }

    /// Makes a free run accessible, and what is trapped right behind it, as far as there are less
    /// than `slices` in all.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn untrap<M: Mapper>(&self, mapper: &M, run: Range<usize>, slices: usize) -> Result<(), Shortage> {
        if self.trapped().all_clear(run.clone()) {
            return Ok(());
        }
        let most = (run.start + slices).min(self.committed_slices()).max(run.end);
        let behind = (run.end..most).take_while(|slice| self.trapped().get(*slice)).count();
        let run = run.start..run.end + behind;
        // SAFETY: the run was found among the committed slices.
        let first = unsafe { SliceIndex::new(run.start) };
        // SAFETY: the slices are committed.
        unsafe { mapper.untrap(self.start_of(first), run.len() * SLICE_BYTES) }.map_err(|_| Shortage::OfMemory)?;
        self.mark_trapped(&run, false);
        Ok(())
    }

    /// A run without a trap, where the system does not take them away any more: a sandbox may have
    /// closed since they were set.
    #[cold]
    pub(super) fn find_accessible<M: Mapper>(
        &self,
        mapper: &M,
        slices: usize,
        align: usize,
        near: Near,
    ) -> Result<usize, Shortage> {
        let mut from = self.lowest_free.get();
        while let Some(first) = self.used().find_clear_run(from, slices, align) {
            match self.trapped().find_last_set(first + slices).filter(|trapped| *trapped >= first) {
                Some(trapped) => from = trapped + 1,
                None if self.is_near(first, near) && first + slices <= self.fence(first).end => return Ok(first),
                None => from = self.fence(first).end.min(self.committed_slices()),
            }
        }
        let first = self.place_at_the_end(self.committed_slices().next_multiple_of(align), slices, near);
        if first + slices > self.slices.bytes() / SLICE_BYTES {
            return Err(Shortage::OfRoom);
        }
        self.commit_slices(mapper, first + slices)?;
        self.take_stripe(mapper, first, near);
        Ok(first)
    }
}
