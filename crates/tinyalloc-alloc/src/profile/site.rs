//! A call site: the calls that led to an allocation, and what was allocated there.

use core::mem::offset_of;

use super::estimate::{BLOCK_PARTS, Estimate};

/// Addresses of code that a site has at most.
pub const CALLERS_MAX: usize = 64;
/// Lifetimes are counted by powers of two, of milliseconds.
pub const LIFETIMES: usize = 32;

/// Blocks and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sampled blocks.
    pub samples: u64,
    /// Their bytes.
    pub sampled_bytes: u64,
    /// All bytes, estimated.
    pub bytes: u64,
    block_parts: u64,
}

impl Tally {
    /// All blocks, estimated.
    #[must_use]
    pub const fn blocks(&self) -> u64 {
        (self.block_parts + BLOCK_PARTS / 2) / BLOCK_PARTS
    }

    pub(super) fn add(&mut self, bytes: usize, estimate: Estimate) {
        self.samples += 1;
        self.sampled_bytes += bytes as u64;
        self.bytes += estimate.bytes();
        self.block_parts += estimate.block_parts();
    }

    pub(super) fn subtract(&mut self, bytes: usize, estimate: Estimate) {
        self.samples = self.samples.saturating_sub(1);
        self.sampled_bytes = self.sampled_bytes.saturating_sub(bytes as u64);
        self.bytes = self.bytes.saturating_sub(estimate.bytes());
        self.block_parts = self.block_parts.saturating_sub(estimate.block_parts());
    }
}

/// What was allocated at a call site.
#[derive(Clone, Copy, Debug)]
pub struct SiteProfile {
    callers: [usize; CALLERS_MAX],
    /// What lives.
    pub live: Tally,
    /// What lived when most did.
    pub peak: Tally,
    /// All there was.
    pub total: Tally,
    /// Sampled blocks that another thread freed than the one that allocated them.
    pub freed_elsewhere: u64,
    /// Sampled blocks that were freed, by how long they lived: less than 2^n milliseconds, and as
    /// long at least as the entry before says.
    pub lifetimes: [u32; LIFETIMES],
}

impl SiteProfile {
    /// For debuggers: where the callers are.
    pub(super) const CALLERS_AT: usize = offset_of!(SiteProfile, callers);

    pub(super) fn new(callers: &[usize]) -> SiteProfile {
        let mut site = SiteProfile {
            callers: [0; CALLERS_MAX],
            live: Tally::default(),
            peak: Tally::default(),
            total: Tally::default(),
            freed_elsewhere: 0,
            lifetimes: [0; LIFETIMES],
        };
        site.callers.iter_mut().zip(callers).for_each(|(to, caller)| *to = *caller);
        site
    }

    /// Addresses of code, the innermost first.
    #[must_use]
    pub fn callers(&self) -> &[usize] {
        let end = self.callers.iter().position(|caller| *caller == 0).unwrap_or(CALLERS_MAX);
        self.callers.get(..end).unwrap_or_default()
    }
}
