//! How much traps may cost: a hundredth of the time that passes, half of it for frees, whatever a
//! program does.
//!
//! A block that is trapped as soon as it is freed costs two system calls, and a fault for each of
//! its pages when the memory is used again. A program that frees large blocks now and then does not
//! notice, and all of them trap; one that does little else would.

use crate::config::policy::{
    FREED_TRAP_NANOSECONDS, PURGED_TRAP_NANOSECONDS, TRAP_NANOSECONDS_AT_START, TRAP_NANOSECONDS_MAX,
    TRAP_NANOSECONDS_PER_MILLISECOND,
};

const PART_BYTES: usize = 4096;

/// What a trap costs: the calls, and every part.
fn cost((call_nanoseconds, part_nanoseconds): (i64, i64), bytes: usize) -> i64 {
    let parts = i64::try_from(bytes.div_ceil(PART_BYTES)).unwrap_or(i64::MAX);
    parts.saturating_mul(part_nanoseconds).saturating_add(call_nanoseconds)
}

/// What was not spent yet, in nanoseconds. A trap that finds any left may spend more than that, so
/// that no block is too large to be trapped; then it takes the longer until there is some again.
#[derive(Debug)]
struct Purse {
    countdown: i64,
    filled_at: Option<u64>,
}

impl Purse {
    const fn new() -> Purse {
        Purse { countdown: TRAP_NANOSECONDS_AT_START, filled_at: None }
    }

    fn pay(&mut self, cost: i64, now_milliseconds: impl FnOnce() -> u64) -> bool {
        if self.countdown <= 0 || self.filled_at.is_none() {
            self.fill(now_milliseconds());
        }
        let pays = self.countdown > 0;
        if pays {
            self.countdown = self.countdown.saturating_sub(cost);
        }
        pays
    }

    fn fill(&mut self, now: u64) {
        let passed = now.saturating_sub(self.filled_at.replace(now).unwrap_or(now));
        let earned = i64::try_from(passed).unwrap_or(i64::MAX).saturating_mul(TRAP_NANOSECONDS_PER_MILLISECOND);
        self.countdown = self.countdown.saturating_add(earned).min(TRAP_NANOSECONDS_MAX);
    }
}

/// A token bucket for what is freed, and one for what is decommitted: neither empties the other.
#[derive(Debug)]
pub(crate) struct TrapBudget {
    for_frees: Purse,
    for_purges: Purse,
    refused: bool,
}

impl TrapBudget {
    pub(crate) const fn new() -> TrapBudget {
        TrapBudget { for_frees: Purse::new(), for_purges: Purse::new(), refused: false }
    }

    /// Whether freed memory is to be trapped at once; it is paid for then.
    pub(crate) fn pay_for_free(&mut self, bytes: usize, now_milliseconds: impl FnOnce() -> u64) -> bool {
        !self.refused && self.for_frees.pay(cost(FREED_TRAP_NANOSECONDS, bytes), now_milliseconds)
    }

    /// Whether memory that is decommitted is to be trapped as well; it is paid for then.
    pub(crate) fn pay_for_purge(&mut self, bytes: usize, now_milliseconds: impl FnOnce() -> u64) -> bool {
        !self.refused && self.for_purges.pay(cost(PURGED_TRAP_NANOSECONDS, bytes), now_milliseconds)
    }

    /// The system refuses: it is not asked again in this epoch.
    pub(crate) fn refuse(&mut self) {
        self.refused = true;
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// One epoch passes.
    pub(crate) fn forget_refusal(&mut self) {
        self.refused = false;
    }
}

#[cfg(test)]
mod tests {
    use super::TrapBudget;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn the_first_block_is_trapped_however_large_it_is() {
        assert!(TrapBudget::new().pay_for_free(31 * MIB, || 0));
    }

    #[test]
    fn a_loop_spends_half_a_hundredth_of_its_time() {
        let mut budget = TrapBudget::new();
        let trapped = (0..1_000_000).filter(|step| budget.pay_for_free(64 * 1024, || step / 100)).count();
        // Ten seconds, and 33.06 microseconds for each of them.
        assert!((1_524..1_534).contains(&trapped), "{trapped} blocks");
    }

    #[test]
    fn who_frees_rarely_has_every_block_trapped() {
        let mut budget = TrapBudget::new();
        assert!((0..1_000).all(|second| budget.pay_for_free(MIB, || second * 1_000)));
    }

    #[test]
    fn what_was_saved_up_is_at_most_what_an_epoch_brings() {
        let mut budget = TrapBudget::new();
        assert!(budget.pay_for_free(MIB, || 0));
        let trapped = (0..1_000_000).filter(|_| budget.pay_for_free(64 * 1024, || 1_000_000)).count();
        assert_eq!(trapped, 64, "2 milliseconds' worth");
    }

    #[test]
    fn nothing_is_spent_on_what_is_refused_until_an_epoch_has_passed() {
        let mut budget = TrapBudget::new();
        budget.refuse();
        assert!(!budget.pay_for_free(MIB, || 0) && budget.is_refused());
        budget.forget_refusal();
        assert!(budget.pay_for_free(MIB, || 0));
    }

    #[test]
    fn memory_that_is_given_back_anyway_costs_less() {
        let mut budget = TrapBudget::new();
        assert_eq!((0..1_000).filter(|_| budget.pay_for_free(MIB, || 0)).count(), 2);
        assert_eq!((0..1_000).filter(|_| budget.pay_for_purge(MIB, || 0)).count(), 59);
    }
}
