//! Which allocations are picked out, to be guarded.

use super::ThreadHeap;

impl ThreadHeap {
    /// Whether this allocation is the one of about so many that is picked out.
    pub(crate) fn is_sampled(&self, every: u32) -> bool {
        self.is_sampled_among(1, every)
    }

    /// As [`ThreadHeap::is_sampled`], for one that represents so many.
    pub(crate) fn is_sampled_among(&self, allocations: u32, every: u32) -> bool {
        let left = self.to_sample.get();
        if every > 1 && left > allocations {
            self.to_sample.set(left - allocations);
            return false;
        }
        let span = (every as usize).saturating_mul(2);
        // Those that this one represents are still to come: they will be counted once they are
        // there.
        self.to_sample.set(u32::try_from(self.random.below(span)).unwrap_or(every).saturating_add(allocations));
        left > 0 || every == 1
    }
}
