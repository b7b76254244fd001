//! When to purge: free memory that no thread wanted for two epochs, or that outweighs what is in
//! use.

use crate::config::policy::{
    EVENTS_PER_LOOK, KEPT_STEP_BYTES, REGRETTED_BYTES_MAX, RESIDENT_FREE_BYTES_MIN, SLACK_BYTES_MAX, SWING_BYTES_MAX,
    SWINGS_PER_EPOCH, USED_PER_RESIDENT_FREE,
};
use crate::config::tunables::{PurgeMode, Tunables};

/// What to purge now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PurgeTarget {
    Nothing,
    /// What has been idle since the epoch before the last.
    Aged,
    /// As much as brings free memory down to this.
    DownTo(usize),
}

/// How much memory is in use, and how much is free but resident.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Balance {
    used_bytes: usize,
    resident_free_bytes: usize,
}

impl Balance {
    pub(crate) const fn new(used_bytes: usize, resident_free_bytes: usize) -> Balance {
        Balance { used_bytes, resident_free_bytes }
    }
}

/// The cap on resident free memory is learned: what was purged for outweighing the rest, and was
/// wanted again within the epoch, should have stayed, so the cap grows by as much. A burst is
/// decommitted on the way; a program that allocates and frees the same megabytes over and over
/// stops paying for it after a few rounds, whatever their size if there are many in an epoch.
#[derive(Debug)]
pub(crate) struct Decay {
    events: u32,
    epoch_start: Option<u64>,
    slack_bytes: usize,
    purged_early_bytes: usize,
    regretted_bytes: usize,
    is_swinging: bool,
    idle_bytes: usize,
    kept: Option<Balance>,
    peak_bytes: usize,
}

impl Decay {
    pub(crate) const fn new() -> Decay {
        Decay {
            events: 0,
            epoch_start: None,
            slack_bytes: 0,
            purged_early_bytes: 0,
            regretted_bytes: 0,
            is_swinging: false,
            idle_bytes: usize::MAX,
            kept: None,
            peak_bytes: 0,
        }
    }

    /// Memory was taken, of which so much was not resident.
    pub(crate) fn on_take(&mut self, fresh_bytes: usize, balance: Balance) {
        self.peak_bytes = self.peak_bytes.max(balance.used_bytes);
        self.idle_bytes = self.idle_bytes.min(balance.resident_free_bytes);
        let regretted = fresh_bytes.min(self.purged_early_bytes);
        self.purged_early_bytes -= regretted;
        self.regretted_bytes += regretted;
        self.is_swinging |= self.regretted_bytes > REGRETTED_BYTES_MAX
            || self.regretted_bytes > self.peak_bytes * SWINGS_PER_EPOCH && self.peak_bytes <= SWING_BYTES_MAX;
        self.slack_bytes = (self.slack_bytes + regretted).min(self.slack_bytes_max());
    }

    const fn slack_bytes_max(&self) -> usize {
        if self.is_swinging { SWING_BYTES_MAX } else { SLACK_BYTES_MAX }
    }

    /// Memory that was not idle for long was purged.
    pub(crate) fn on_early_purge(&mut self, bytes: usize) {
        self.purged_early_bytes += bytes;
    }

    /// So much stays resident and free for now, though it is above the cap.
    pub(crate) fn on_excess_kept(&mut self, balance: Balance) {
        self.kept = Some(balance);
    }

    /// Whether things are as they were when nothing could be done.
    fn is_kept(&self, balance: Balance) -> bool {
        self.kept.is_some_and(|kept| {
            balance.resident_free_bytes < kept.resident_free_bytes + KEPT_STEP_BYTES.max(kept.resident_free_bytes / 4)
                && balance.used_bytes > kept.used_bytes - kept.used_bytes / 4
        })
    }

    /// Memory was freed: what should be purged?
    pub(crate) fn on_free(
        &mut self,
        balance: Balance,
        tunables: &Tunables,
        now_milliseconds: impl FnOnce() -> u64,
    ) -> PurgeTarget {
        match tunables.purge_mode {
            PurgeMode::Decay => {}
            PurgeMode::Eager if balance.resident_free_bytes > 0 && !self.is_kept(balance) => return PurgeTarget::DownTo(0),
            PurgeMode::Eager | PurgeMode::Never => return PurgeTarget::Nothing,
        }
        // After a burst that no slack could hold, holding a part of it helps no thread.
        let is_burst = self.peak_bytes.saturating_sub(balance.used_bytes) > self.slack_bytes_max();
        let slack = if is_burst { 0 } else { self.slack_bytes };
        let cap = RESIDENT_FREE_BYTES_MIN + balance.used_bytes / USED_PER_RESIDENT_FREE + slack;
        if balance.resident_free_bytes > cap && !self.is_kept(balance) {
            return PurgeTarget::DownTo(cap - cap / 4);
        }
        self.events = self.events.wrapping_add(1);
        if self.events % EVENTS_PER_LOOK != 0 {
            return PurgeTarget::Nothing;
        }
        self.on_look(balance, tunables, now_milliseconds())
    }

    /// The first epoch begins.
    pub(crate) fn begin(&mut self, now_milliseconds: impl FnOnce() -> u64) -> u64 {
        *self.epoch_start.get_or_insert_with(now_milliseconds)
    }

    /// The clock was read.
    pub(crate) fn on_look(&mut self, balance: Balance, tunables: &Tunables, now: u64) -> PurgeTarget {
        let start = self.begin(|| now);
        if now.wrapping_sub(start) < tunables.purge_milliseconds {
            return PurgeTarget::Nothing;
        }
        self.epoch_start = Some(now);
        // What was never needed during an epoch was too much.
        self.is_swinging &= self.idle_bytes < self.slack_bytes / 2;
        self.slack_bytes = self.slack_bytes.saturating_sub(self.idle_bytes);
        self.regretted_bytes = 0;
        self.idle_bytes = usize::MAX;
        self.purged_early_bytes = 0;
        self.peak_bytes = balance.used_bytes.max(self.peak_bytes / 2);
        self.kept = None;
        PurgeTarget::Aged
    }
}

#[cfg(test)]
mod tests {
    use super::{Balance, Decay, EVENTS_PER_LOOK, PurgeTarget};
    use crate::config::tunables::{PurgeMode, Tunables};

    const MIB: usize = 1024 * 1024;
    const TUNABLES: Tunables = Tunables::DEFAULT;

    fn begun() -> Decay {
        let mut decay = Decay::new();
        assert_eq!(decay.on_look(idle(0), &TUNABLES, 0), PurgeTarget::Nothing, "the first epoch begins");
        decay
    }

    fn idle(resident_free_bytes: usize) -> Balance {
        Balance { used_bytes: 0, resident_free_bytes }
    }

    #[test]
    fn a_burst_is_given_back_but_for_a_few_mebibytes() {
        let mut decay = begun();
        let PurgeTarget::DownTo(kept) = decay.on_free(idle(1024 * MIB), &TUNABLES, || 0) else {
            panic!("nothing was due");
        };
        assert!(kept <= 2 * MIB);
    }

    #[test]
    fn what_is_wanted_again_at_once_is_kept_from_the_second_round_on() {
        let mut decay = begun();
        assert!(matches!(decay.on_free(idle(20 * MIB), &TUNABLES, || 0), PurgeTarget::DownTo(_)));
        decay.on_early_purge(20 * MIB);
        decay.on_take(20 * MIB, Balance { used_bytes: 20 * MIB, resident_free_bytes: 0 });
        assert_eq!(decay.on_free(idle(20 * MIB), &TUNABLES, || 0), PurgeTarget::Nothing);
    }

    /// A round of so many bytes: taken, and freed. Whether anything of it was purged at once.
    fn swing(decay: &mut Decay, bytes: usize, resident: &mut usize) -> bool {
        decay.on_take(bytes - *resident, Balance { used_bytes: bytes, resident_free_bytes: 0 });
        *resident = bytes;
        let PurgeTarget::DownTo(left) = decay.on_free(idle(bytes), &TUNABLES, || 0) else {
            return false;
        };
        decay.on_early_purge(bytes - left);
        *resident = left;
        true
    }

    #[test]
    fn a_large_swing_is_kept_once_it_has_come_often_in_an_epoch_and_goes_when_it_stays_away() {
        for bytes in [70 * MIB, 120 * MIB] {
            let (mut decay, mut resident) = (begun(), 0);
            let purged = (0..20).filter(|_| swing(&mut decay, bytes, &mut resident)).count();
            assert!((1..=4).contains(&purged), "{purged} of 20");
            for epoch in 1..4 {
                assert_eq!(decay.on_look(idle(bytes), &TUNABLES, epoch * TUNABLES.purge_milliseconds), PurgeTarget::Aged);
                assert!(!swing(&mut decay, bytes, &mut resident), "in use in each epoch");
            }
            for epoch in 4..7 {
                let _ = decay.on_look(idle(bytes), &TUNABLES, epoch * TUNABLES.purge_milliseconds);
            }
            assert!(swing(&mut decay, bytes, &mut resident), "not in use for an epoch");
        }
    }

    #[test]
    fn a_swing_that_is_larger_still_goes_each_time() {
        let (mut decay, mut resident) = (begun(), 0);
        assert!((0..20).all(|_| swing(&mut decay, 300 * MIB, &mut resident)));
        assert!(resident <= 2 * MIB);
    }

    #[test]
    fn a_large_swing_that_comes_once_in_an_epoch_goes_each_time() {
        for bytes in [100 * MIB, 200 * MIB] {
            let (mut decay, mut resident) = (begun(), 0);
            for epoch in 1..10 {
                assert!(swing(&mut decay, bytes, &mut resident));
                let _ = decay.on_look(idle(resident), &TUNABLES, epoch * TUNABLES.purge_milliseconds);
            }
        }
    }

    /// A garbage collector frees a part of what is in use, several times a second.
    #[test]
    fn parts_that_are_freed_at_once_are_kept_while_they_are_wanted_again_at_once() {
        let (in_use, part) = (200 * MIB, 90 * MIB);
        let (mut decay, mut resident, mut purged) = (begun(), 0, 0);
        for round in 0..40 {
            decay.on_take(part - resident, Balance { used_bytes: in_use, resident_free_bytes: 0 });
            resident = part;
            let balance = Balance { used_bytes: in_use - part, resident_free_bytes: part };
            if let PurgeTarget::DownTo(left) = decay.on_free(balance, &TUNABLES, || 0) {
                decay.on_early_purge(part - left);
                resident = left;
                purged += 1;
            }
            if round % 2 == 1 {
                let _ = decay.on_look(balance, &TUNABLES, (round / 2 + 1) * TUNABLES.purge_milliseconds);
            }
        }
        assert!((1..=4).contains(&purged), "{purged} of 40");
    }

    #[test]
    fn what_is_wanted_again_after_an_epoch_was_purged_rightly() {
        let mut decay = begun();
        assert!(matches!(decay.on_free(idle(20 * MIB), &TUNABLES, || 0), PurgeTarget::DownTo(_)));
        decay.on_early_purge(20 * MIB);
        for _ in 0..EVENTS_PER_LOOK {
            let _ = decay.on_free(idle(MIB), &TUNABLES, || TUNABLES.purge_milliseconds);
        }
        decay.on_take(20 * MIB, Balance { used_bytes: 20 * MIB, resident_free_bytes: 0 });
        assert!(matches!(decay.on_free(idle(20 * MIB), &TUNABLES, || 2 * TUNABLES.purge_milliseconds), PurgeTarget::DownTo(_)));
    }

    #[test]
    fn an_eager_purge_keeps_nothing_and_none_keeps_all() {
        let with = |purge_mode| Tunables { purge_mode, ..TUNABLES };
        let mut decay = begun();
        assert_eq!(decay.on_free(idle(MIB), &with(PurgeMode::Eager), || 0), PurgeTarget::DownTo(0));
        assert_eq!(decay.on_free(idle(1024 * MIB), &with(PurgeMode::Never), || 0), PurgeTarget::Nothing);
    }
}
