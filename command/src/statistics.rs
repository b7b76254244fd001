//! What the library counts: its statistics at the time of a dump.

use serde::Deserialize;

use crate::profile::Profile;

/// Bytes. What a library does not say is 0.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// In live blocks, requests rounded to their slots.
    pub allocated: u64,
    /// In pages of spans that hold or held live slots, and in blocks.
    pub active: u64,
    /// Free, and not returned to the system.
    pub resident_free: u64,
    /// In records, bits and maps.
    pub metadata: u64,
    /// The sum of the last three, and parts of huge pages that no slot was in.
    pub resident: u64,
}

/// The slots of a size class.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Bin {
    /// The bytes of one.
    pub size: u64,
    /// So many are free, and in memory.
    pub free: u64,
}

impl Statistics {
    /// None if the dump has none.
    #[must_use]
    pub fn of(profile: &Profile) -> Option<Statistics> {
        Statistics::deserialize(profile.stats.get("stats")?).ok()
    }
}

impl Bin {
    /// Those of a dump.
    #[must_use]
    pub fn all(profile: &Profile) -> Vec<Bin> {
        let bins = profile.stats.get("bins").and_then(|bins| Vec::deserialize(bins).ok());
        bins.unwrap_or_default()
    }

    /// The bytes of its free slots.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.free.saturating_mul(self.size)
    }
}
