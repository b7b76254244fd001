//! Which allocations are picked out, to be guarded.

use super::ThreadHeap;

/// No gap to the next one was drawn yet.
pub(super) const NOT_DRAWN: i32 = i32::MIN;
const GAP_MAX: i32 = 1 << 29;

impl ThreadHeap {
    /// So many slots came into a bin at once.
    pub(super) fn count_refill(&self, slots: u32) {
        self.slots_refilled.set(self.slots_refilled.get().wrapping_add(slots));
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
        let gap = self.random.below((every as usize).saturating_mul(2));
        let gap = i32::try_from(gap).unwrap_or(GAP_MAX).min(GAP_MAX);
        let (left, allocations) = (self.to_sample.get(), i32::try_from(allocations).unwrap_or(GAP_MAX).min(GAP_MAX));
        if left == NOT_DRAWN || every > 1 && left > allocations {
            self.to_sample.set(if left == NOT_DRAWN { gap } else { left - allocations });
            return every == 1;
        }
        let exceeded = (left - allocations).max(-i32::try_from(every).unwrap_or(GAP_MAX));
        self.to_sample.set(exceeded + gap);
        true
    }
}
