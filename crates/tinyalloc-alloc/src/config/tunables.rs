//! What a user may set: when memory goes back, how large regions are, whether huge pages are asked
//! for, and how much may be had in all.

use super::checks::Checks;

/// When free memory is returned to the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PurgeMode {
    /// When no thread wanted it for a while, or when it is too much beside what is in use.
    #[default]
    Decay,
    /// With the call that frees it.
    Eager,
    /// Only when asked to: see [`crate::Allocator::purge_all`].
    Never,
}

/// Whether the system is asked for huge pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HugePagePolicy {
    /// Not by us.
    Never,
    /// For what a region has beyond its first 32 MiB.
    #[default]
    Madvise,
    /// For all of a region.
    Always,
}

/// Where memory comes from on a machine that has several nodes of it (NUMA).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumaPolicy {
    /// A thread gets memory of the node that it runs on.
    #[default]
    Auto,
    /// Nodes are not told apart.
    Off,
    /// Pages come from all nodes by turns.
    Interleave,
}

/// The settings of one allocator. What concerns regions holds for those that are reserved
/// afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunables {
    /// When free memory goes back.
    pub purge_mode: PurgeMode,
    /// In [`PurgeMode::Decay`], memory goes back after one to two times this many milliseconds in
    /// which no thread wanted it.
    pub purge_milliseconds: u64,
    /// Whether huge pages are asked for.
    pub huge_pages: HugePagePolicy,
    /// Which node's memory a thread gets, for regions that are reserved afterwards.
    pub numa: NumaPolicy,
    /// Bytes of address space that a region reserves, before halving where that is refused.
    pub region_bytes: usize,
    /// What is checked beyond the default; for good once the first block was allocated.
    pub checks: Checks,
    /// The most bytes that spans and blocks may take together; beyond it there is no memory.
    pub limit_bytes: usize,
    /// How many partitions requests with a token are divided into, 2 to 8; 0 for none. For good
    /// once the first block was allocated.
    pub partitions: u8,
    /// How many tokens there are, of which the upper half are those of types with pointers; 0 for
    /// as many as a word has. For good, as above.
    pub tokens: usize,
}

impl Tunables {
    /// What holds unless an option sets it.
    pub const DEFAULT: Tunables = Tunables {
        purge_mode: PurgeMode::Decay,
        purge_milliseconds: 400,
        huge_pages: HugePagePolicy::Madvise,
        numa: NumaPolicy::Auto,
        region_bytes: 1 << 40,
        checks: Checks::NONE,
        limit_bytes: usize::MAX,
        partitions: 0,
        tokens: 0,
    };
}

impl Default for Tunables {
    fn default() -> Tunables {
        Tunables::DEFAULT
    }
}
