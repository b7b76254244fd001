//! Where the resident memory of a process goes: parts that add up to what the kernel says is in
//! memory.

use serde::Serialize;

use crate::profile::{Block, Profile, Resident, rounded};
use crate::statistics::{Bin, Statistics};

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Residence {
    /// What is in memory: `Rss`, or what the allocator counts, if the dump does not say whose that
    /// is.
    pub bytes: u64,
    /// The allocator's part of it.
    pub own: u64,
    /// The statistics count so much more, which is left out of live blocks: most of it was never
    /// touched.
    pub untouched: u64,
    /// Without those that are empty. Their sum is all of it.
    pub parts: Vec<Part>,
}

/// A part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// A word for programs.
    pub key: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// What is in it.
    pub meaning: &'static str,
    /// Its size.
    pub bytes: u64,
}

/// Keys, names and meanings, in the order of [`Residence::parts`].
const PARTS: [(&str, &str, &str); 10] = [
    ("live", "Live blocks", "asked for and not yet freed, or freed by another thread and not yet collected"),
    ("rounding", "Rounding", "live blocks are larger than what was asked for; estimated from samples"),
    ("slots", "Free slots", "in spans that live blocks keep; the next requests of these sizes take them"),
    ("spans", "Ends of spans, kept blocks", "behind the last slot, and freed large blocks that threads keep for the next"),
    ("free", "Free spans", "free and not yet returned to the system; purging returns them"),
    ("metadata", "Metadata", "records of spans, bits and maps"),
    ("huge", "Parts of huge pages", "never used, and in memory since the rest of the huge page is"),
    ("rest", "Profile and rest", "the samples of the heap profile, and what the statistics do not count"),
    ("files", "Files", "programs and libraries, with their data"),
    ("other", "Other mappings", "stacks, and what the program mapped itself"),
];
/// The parts that the statistics count.
const COUNTED: usize = 7;

impl Residence {
    /// None if the dump has no statistics.
    #[must_use]
    pub fn of(profile: &Profile) -> Option<Residence> {
        let stats = Statistics::of(profile).filter(|stats| stats.resident > 0)?;
        let mut counted = counted(profile, &stats);
        let sum: u64 = counted.iter().sum();
        let Resident { own, files, other } = profile
            .resident
            .filter(|resident| resident.own > 0)
            .unwrap_or_else(|| Resident { own: stats.resident, ..Resident::default() });
        let untouched = sum.saturating_sub(own);
        leave_out(&mut counted, untouched);
        let all = counted.into_iter().chain([own.saturating_sub(sum), files, other]);
        let part = |((key, name, meaning), bytes)| Part { key, name, meaning, bytes };
        let parts = PARTS.into_iter().zip(all).map(part).filter(|part| part.bytes > 0).collect();
        Some(Residence { bytes: own.saturating_add(files).saturating_add(other), own, untouched, parts })
    }
}

/// The program goes on while the library counts: what comes later has what is left for it.
fn counted(profile: &Profile, stats: &Statistics) -> [u64; COUNTED] {
    let rounding = rounded(profile.blocks.iter().map(Block::rounding).sum()).min(stats.allocated);
    let free_slots = Bin::all(profile).iter().fold(0_u64, |sum, bin| sum.saturating_add(bin.free_bytes()));
    let claims = [
        stats.allocated - rounding,
        rounding,
        free_slots,
        stats.active.saturating_sub(stats.allocated).saturating_sub(free_slots),
        stats.resident_free,
        stats.metadata,
        u64::MAX,
    ];
    let mut left = stats.resident;
    claims.map(|claim| {
        let bytes = claim.min(left);
        left -= bytes;
        bytes
    })
}

/// Takes so many bytes off the parts, the first ones first.
fn leave_out(parts: &mut [u64; COUNTED], bytes: u64) {
    let mut left = bytes;
    for part in parts {
        let taken = left.min(*part);
        *part -= taken;
        left -= taken;
    }
}
