//! Who keeps memory: live blocks that hold free memory of their spans back from the system.

use std::collections::HashMap;

use crate::profile::{Block, Profile, Tally, rounded};
use crate::statistics::Bin;

/// What the sampled blocks of a site say.
#[derive(Clone, Copy, Default)]
struct Sum {
    samples: u64,
    blocks: f64,
    bytes: f64,
}

/// Adds up by site what the live blocks pin. Together they pin no more of a size class than it has
/// free: where the samples say more, all of them are scaled down.
pub(crate) fn add_pinned(profile: &mut Profile) {
    let scales = scales(profile);
    let mut sums = vec![Sum::default(); profile.sites.len()];
    for block in profile.blocks.iter().filter(|block| block.pins > 0) {
        if let Some(sum) = sums.get_mut(block.site) {
            sum.samples += 1;
            sum.blocks += blocks(block);
            sum.bytes += pinned(block) * scales.get(&block.bytes).copied().unwrap_or(0.0);
        }
    }
    for (site, sum) in profile.sites.iter_mut().zip(sums) {
        site.pinned = Tally { samples: sum.samples, blocks: rounded(sum.blocks), bytes: rounded(sum.bytes) };
    }
}

/// By the bytes of a slot.
fn scales(profile: &Profile) -> HashMap<u64, f64> {
    let mut sums: HashMap<u64, f64> = HashMap::new();
    profile.blocks.iter().for_each(|block| *sums.entry(block.bytes).or_default() += pinned(block));
    let free: HashMap<u64, u64> = Bin::all(profile).iter().map(|bin| (bin.size, bin.free_bytes())).collect();
    let scale = |(bytes, sum): (u64, f64)| {
        let free = free.get(&bytes).copied().unwrap_or(0) as f64;
        (bytes, if sum > free { free / sum } else { 1.0 })
    };
    sums.into_iter().map(scale).collect()
}

/// The blocks that a sampled one represents.
fn blocks(block: &Block) -> f64 {
    block.represents as f64 / block.bytes.max(1) as f64
}

/// What they pin, together.
fn pinned(block: &Block) -> f64 {
    blocks(block) * block.pins as f64
}
