//! Where resident memory goes, and who keeps it, as `tinyalloc run` sums it up.

use super::sites;
use crate::profile::{By, Profile};
use crate::residence::Residence;
use crate::sites::sites as sites_of;
use crate::size::size;
use crate::symbols::Symbols;
use crate::text::{Table, percent};

/// Smaller parts are not shown.
const SHARE_LEAST: f64 = 0.01;
/// Who keeps memory is shown from this share of the allocator's resident memory on.
const PINNED_SHARE_LEAST: f64 = 0.05;
const TOP: usize = 5;

/// The parts; empty if the dump has no statistics.
pub(super) fn parts(profile: &Profile) -> String {
    let Some(residence) = Residence::of(profile) else {
        return String::new();
    };
    let mut table = Table::new(&["bytes", "share", "part"]);
    for part in &residence.parts {
        let share = part.bytes as f64 / residence.bytes as f64;
        if share >= SHARE_LEAST {
            table.add(vec![size(part.bytes), percent(share), format!("{}: {}", part.name, part.meaning)]);
        }
    }
    format!("\nresident: {}\n{}", size(residence.bytes), table.text())
}

/// The call sites that keep the most free memory; empty if that is little.
pub(super) fn keepers(profile: &Profile, symbols: &mut Symbols) -> String {
    let own = Residence::of(profile).map_or(0, |residence| residence.own);
    if profile.sum(By::Pinned).bytes as f64 <= own as f64 * PINNED_SHARE_LEAST {
        return String::new();
    }
    format!("\n{}", sites::table(profile, By::Pinned, &sites_of(profile, symbols, By::Pinned, 1), TOP))
}
