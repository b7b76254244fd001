//! Purging: which free slices to decommit.

use core::ops::Range;

use tinyalloc_bitmap::BitmapOps;
use tinyalloc_sys::Mapper;

use super::Region;
use super::huge_pages::UNIT_SLICES;
use super::slice::Run;
use super::slice_bits::{Column, SLICES_PER_WORD};
use crate::config::policy::{EXCESS_TIMES_KEPT, IDLE_PART_KEPT};
use crate::span::class::{SLICE_BYTES, SLICE_SHIFT};

/// Which free memory is to be decommitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PurgeScope {
    /// As much as is too much, where that is cheap.
    Excess,
    /// What was not wanted for an epoch.
    Aged,
    /// All of it.
    All,
}

/// What became of free memory that was to be decommitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PurgeOutcome {
    /// It may hold old contents.
    Dirty,
    /// It reads as zero.
    Zeroed,
    /// It faults until it is untrapped.
    Trapped,
}

impl Region {
    /// The next free resident run that is old enough, in whole OS pages, claimed so that no thread
    /// takes it meanwhile. Huge pages are broken up only for what no thread may want again.
    pub(crate) fn claim_idle<M: Mapper>(&self, mapper: &M, idle: PurgeScope, slices_max: usize) -> Option<Run> {
        let run = self.idle_units(idle, slices_max).or_else(|| {
            let mut zone = self.huge_pages.zone();
            if !zone.is_empty() && self.may_break_up(idle) && !self.idle_column(idle).all_clear(zone.clone()) {
                // SAFETY: it is where the slices start.
                unsafe { self.huge_pages.give_up(mapper, self.slices.start()) };
                zone = self.huge_pages.zone();
            }
            let committed = self.committed_slices();
            let above = self.idle_run(mapper, idle, zone.end.min(committed)..committed, slices_max);
            above.or_else(|| self.idle_run(mapper, idle, 0..zone.start.min(committed), slices_max))
        })?;
        let _ = self.claim(run.clone());
        // SAFETY: what is idle is committed.
        Some(unsafe { Run::new(run) })
    }

    /// Empty units of the zone, the highest that follow each other: of at least one unit, whatever
    /// the most.
    fn idle_units(&self, idle: PurgeScope, slices_max: usize) -> Option<Range<usize>> {
        let zone = self.huge_pages.zone();
        let mut units = zone.clone().step_by(UNIT_SLICES).rev().skip_while(|unit| !self.is_idle_unit(*unit, idle));
        let highest = units.next()?;
        let lowest_wanted = (highest + UNIT_SLICES).saturating_sub(slices_max.max(UNIT_SLICES));
        let more = units.take_while(|unit| *unit >= lowest_wanted && self.is_idle_unit(*unit, idle)).last();
        Some(more.unwrap_or(highest)..highest + UNIT_SLICES)
    }

    fn is_idle_unit(&self, unit: usize, idle: PurgeScope) -> bool {
        let mut any = 0;
        for word in unit / SLICES_PER_WORD..(unit + UNIT_SLICES) / SLICES_PER_WORD {
            // SAFETY: units of the zone are committed.
            let bits = unsafe { self.slice_bits(word) };
            if bits.used().get() != 0 {
                return false;
            }
            any |= if idle == PurgeScope::Aged { bits.aged().get() } else { bits.resident().get() };
        }
        any != 0
    }

    fn idle_column(&self, idle: PurgeScope) -> Column<'_> {
        if idle == PurgeScope::Aged { self.aged() } else { self.resident() }
    }

    /// The highest run within these slices: the lowest is taken again first.
    fn idle_run<M: Mapper>(&self, mapper: &M, idle: PurgeScope, within: Range<usize>, slices_max: usize) -> Option<Range<usize>> {
        let column = self.idle_column(idle);
        let last_idle = |before| match idle {
            PurgeScope::Aged => column.find_last_set(before),
            PurgeScope::Excess | PurgeScope::All => self.find_last_resident(before),
        };
        let mut before = within.end;
        loop {
            let end = last_idle(before).filter(|last| *last >= within.start)? + 1;
            let first = column.find_last_clear(end).map_or(0, |clear| clear + 1).max(within.start);
            let run = self.whole_pages(mapper, idle, first.max(end.saturating_sub(slices_max))..end);
            if !run.is_empty() {
                return Some(run);
            }
            before = first;
        }
    }

    /// Whether what is free and resident is worth breaking huge pages up.
    fn may_break_up(&self, idle: PurgeScope) -> bool {
        let (used, resident) = (self.used_slices.get(), self.resident_slices.get());
        match idle {
            PurgeScope::Excess => resident > used * EXCESS_TIMES_KEPT,
            PurgeScope::Aged => resident * IDLE_PART_KEPT > used,
            PurgeScope::All => true,
        }
    }

    /// The whole OS pages of an idle run, which may be larger than slices: slices start on a
    /// multiple of any page. A page is the run's where the rest of it may be decommitted, too.
    fn whole_pages<M: Mapper>(&self, mapper: &M, idle: PurgeScope, run: Range<usize>) -> Range<usize> {
        let page_slices = (mapper.page_bytes() >> SLICE_SHIFT).max(1);
        if page_slices == 1 {
            return run;
        }
        let (before, behind) = (run.start / page_slices * page_slices, run.end.next_multiple_of(page_slices));
        let first = if self.may_go(idle, before..run.start) { before } else { before + page_slices };
        let end = if self.may_go(idle, run.end..behind) { behind } else { behind - page_slices };
        first..end.max(first)
    }

    /// Whether slices are committed and free, and were not touched lately if that counts.
    fn may_go(&self, idle: PurgeScope, run: Range<usize>) -> bool {
        run.end <= self.committed_slices()
            && self.words_of(run).all(|(bits, slices)| {
                let recent = if idle == PurgeScope::Aged { bits.resident().get() & !bits.aged().get() } else { 0 };
                (bits.used().get() | recent) & slices == 0
            })
    }

    /// A thread heap is about to touch its first spans in part.
    pub(crate) fn expect_sparse(&self, slices: usize) {
        self.huge_pages.expect_sparse(slices);
    }

    /// Addresses that huge pages were asked for.
    pub(crate) fn huge_zone(&self) -> Range<usize> {
        let (start, zone) = (self.slices.start().as_ptr().addr(), self.huge_pages.zone());
        start + zone.start * SLICE_BYTES..start + zone.end * SLICE_BYTES
    }

    /// Whether huge pages are wanted for a part of a run, or were and may be again: none comes
    /// where single pages were trapped.
    pub(crate) fn may_prefer_huge_pages(&self, run: &Run) -> bool {
        self.huge_pages.may_have_filled(&run.numbers())
    }

    /// Frees a claimed run after an attempt to decommit it.
    pub(crate) fn unclaim_idle(&self, run: &Run, left: PurgeOutcome) {
        if left == PurgeOutcome::Trapped {
            return self.give_trapped_run(run);
        }
        let run = run.numbers();
        let touched = if left == PurgeOutcome::Zeroed { 0 } else { run.len() };
        self.free_run(run.clone(), touched);
        if left == PurgeOutcome::Zeroed || self.trapped().all_clear(run.clone()) {
            return;
        }
        for slice in run.filter(|slice| self.trapped().get(*slice)) {
            self.resident().clear(slice);
            self.resident_slices.set(self.resident_slices.get() - 1);
        }
    }

    /// One epoch passes: what is resident and free now is old at the next one.
    pub(crate) fn age(&self) {
        for word in self.lowest_resident.get() / SLICES_PER_WORD..self.committed_slices().div_ceil(SLICES_PER_WORD) {
            // SAFETY: the words are those of committed slices.
            let bits = unsafe { self.slice_bits(word) };
            bits.aged().set(bits.resident().get());
        }
    }
}
