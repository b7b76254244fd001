//! Which allocations are picked out, to be guarded.

use super::ThreadHeap;

impl ThreadHeap {
    /// So many slots came into a bin at once.
    pub(super) fn count_refill(&self, slots: u32) {
        self.slots_refilled.set(self.slots_refilled.get().saturating_add(slots));
    }

    /// Whether this allocation, whose bin is empty, is picked out. It represents the slots that
    /// refills have brought since this was asked last: most of them were allocated meanwhile.
    pub(crate) fn is_sampled_at_refill(&self, every: u32) -> bool {
        self.is_sampled_among(self.slots_refilled.replace(0).max(1), every)
    }

    /// Whether this allocation is the one of about so many that is picked out.
    pub(crate) fn is_sampled(&self, every: u32) -> bool {
        self.is_sampled_among(1, every)
    }

    /// As [`ThreadHeap::is_sampled`], for one that represents so many. What they exceed the gap by
    /// counts into the next one.
    fn is_sampled_among(&self, allocations: u32, every: u32) -> bool {
        let gap = u32::try_from(self.random.below((every as usize).saturating_mul(2))).unwrap_or(every);
        let (before, allocations, gap) = (self.to_sample.get(), i64::from(allocations), i64::from(gap));
        if before.is_none_or(|left| every > 1 && left > allocations) {
            self.to_sample.set(Some(before.map_or(gap, |left| left - allocations)));
            return every == 1;
        }
        let exceeded = before.unwrap_or(0) - allocations;
        self.to_sample.set(Some((exceeded + gap).max(-i64::from(every))));
        true
    }
}
