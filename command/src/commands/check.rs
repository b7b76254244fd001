//! `tinyalloc check`.

use super::EXCESS;
use crate::failure::Failure;
use crate::options::{Check, SiteLimit};
use crate::profile::{By, Profile};
use crate::sites::{SiteSum, sites};
use crate::size::size;
use crate::text::{call, print_with_notes};

pub(super) fn check(options: &Check) -> Result<u8, Failure> {
    let profile = Profile::read(&options.dump)?;
    profile.check(if options.max_peak.is_some() { By::Peak } else { By::Live })?;
    let mut excesses = Vec::new();
    excesses.extend(excess("live", profile.live_bytes, options.max_live));
    excesses.extend(excess("at the peak", profile.peak_bytes, options.max_peak));
    let mut symbols = options.debugging.symbols()?;
    if !options.max_sites.is_empty() {
        let sums = sites(&profile, &mut symbols, By::Live, 1);
        excesses.extend(options.max_sites.iter().flat_map(|limit| excesses_of_sites(&sums, limit)));
    }
    print_with_notes(&excesses.concat(), &mut symbols)?;
    Ok(if excesses.is_empty() { 0 } else { EXCESS })
}

fn excess(what: &str, bytes: u64, most: Option<u64>) -> Option<String> {
    let most = most.filter(|most| bytes > *most)?;
    Some(format!("{} {what}, and {} are the most\n", size(bytes), size(most)))
}

fn excesses_of_sites(sums: &[SiteSum], limit: &SiteLimit) -> Vec<String> {
    let named = sums.iter().map(|sum| (sum.stack.first().map(call).unwrap_or_default(), sum.tally.bytes));
    let matching = named.filter(|(name, _)| limit.pattern.is_match(name));
    matching.filter_map(|(name, bytes)| excess(&format!("live at {name}"), bytes, Some(limit.bytes))).collect()
}
