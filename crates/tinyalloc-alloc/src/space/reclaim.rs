//! Purging: free memory that goes back to the system.

use core::ptr::NonNull;

use tinyalloc_sys::Mapper;

use super::Space;
use super::decay::PurgeTarget;
use crate::config::policy::IDLE_PER_USED;
use crate::config::tunables::PurgeMode;
use crate::region::idle::{PurgeOutcome, PurgeScope};
use crate::region::slice::Run;
use crate::span::class::SLICE_BYTES;

/// A free run whose memory is being returned.
#[derive(Clone, Debug)]
pub(crate) struct IdleRun {
    region: usize,
    run: Run,
    start: NonNull<u8>,
    early: bool,
    to_trap: bool,
}

impl IdleRun {
    /// Whether it is to be trapped, where that is cheap.
    pub(crate) fn is_to_be_trapped(&self) -> bool {
        self.to_trap
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn bytes(&self) -> usize {
        self.run.len() * SLICE_BYTES
    }
}

impl Space {
    /// What should be purged, now that memory was freed.
    pub(crate) fn due(&mut self, now_milliseconds: impl FnOnce() -> u64) -> PurgeTarget {
        let balance = self.balance();
        self.decay.on_free(balance, &self.tunables, now_milliseconds)
    }

    /// There are threads, which may end an epoch later.
    pub(crate) fn begin_epochs(&mut self, now_milliseconds: impl FnOnce() -> u64) {
        self.decay.begin(now_milliseconds);
    }

    /// What should be purged, though nothing was freed.
    pub(crate) fn due_by_time(&mut self, now_milliseconds: u64) -> PurgeTarget {
        let balance = self.balance();
        self.decay.on_look(balance, &self.tunables, now_milliseconds)
    }

    /// As [`Space::due_by_time`], where memory goes back by time.
    pub(crate) fn due_in_decay(&mut self, now_milliseconds: impl FnOnce() -> u64) -> PurgeTarget {
        match self.tunables.purge_mode {
            PurgeMode::Decay => self.due_by_time(now_milliseconds()),
            PurgeMode::Eager | PurgeMode::Never => PurgeTarget::Nothing,
        }
    }

    /// Claims a free run that should go back to the system, if any is left.
    pub(crate) fn claim_idle<M: Mapper>(&mut self, mapper: &M, idle: PurgeScope, slices_max: usize) -> Option<IdleRun> {
        let claimed = self.regions.iter().enumerate().find_map(|(index, region)| {
            let run = region.claim_idle(mapper, idle, slices_max)?;
            let start = region.start_of(run.slices().next()?);
            Some(IdleRun { region: index, run, start, early: idle == PurgeScope::Excess, to_trap: false })
        })?;
        let may_trap = self.may_trap(mapper, claimed.region, &claimed.run);
        let to_trap = may_trap
            && match idle {
                // Once in an epoch, and no thread wanted it for that long.
                PurgeScope::Aged => !self.trap_budget.is_refused(),
                PurgeScope::Excess | PurgeScope::All => {
                    self.trap_budget.pay_for_purge(claimed.bytes(), || mapper.now_milliseconds())
                }
            };
        Some(IdleRun { to_trap, ..claimed })
    }

    /// Whether far more is free and resident than in use.
    pub(crate) fn is_mostly_idle(&self) -> bool {
        self.resident_free_bytes() / IDLE_PER_USED > self.used_bytes()
    }

    /// What is too much cannot be had cheaply: do not look again before there is more.
    pub(crate) fn keep_excess(&mut self) {
        self.decay.on_excess_kept(self.balance());
    }

    pub(crate) fn unclaim_idle(&mut self, idle: IdleRun, left: PurgeOutcome) {
        if left != PurgeOutcome::Dirty {
            if idle.early {
                self.decay.on_early_purge(idle.bytes());
            }
            self.counts.purges += 1;
            self.counts.purged_bytes += idle.bytes();
        }
        self.regions.at(idle.region).unclaim_idle(&idle.run, left);
    }

    /// One epoch passes.
    pub(crate) fn age(&mut self) {
        self.trap_budget.forget_refusal();
        for region in self.regions.iter() {
            region.age();
        }
    }
}
