//! `tinyalloc sites`.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::options::Sites;
use crate::profile::{By, Profile, Tally};
use crate::sites::{SiteSum, sites};
use crate::size::size;
use crate::text::{Table, percent, plain, print_with_notes};

pub(super) fn list(options: &Sites) -> Result<u8, Failure> {
    let profile = Profile::read(&options.dump)?;
    let mut symbols = options.debugging.symbols()?;
    let by = By::from(options.by);
    profile.check(by)?;
    let sums = sites(&profile, &mut symbols, by, options.depth);
    let text = match options.json {
        true => format!("{:#}\n", as_json(&profile, by, &sums, options.top)),
        false => format!("{}\n{}", heading(&profile), table(&profile, by, &sums, options.top)),
    };
    print_with_notes(&text, &mut symbols)?;
    Ok(0)
}

/// What the profile is of, and what it lacks.
pub(super) fn heading(profile: &Profile) -> String {
    let mut text = format!("{}: {} live", plain(&profile.path.display().to_string()), size(profile.live_bytes));
    if profile.has_details {
        text += &format!(", {} at the peak", size(profile.peak_bytes));
    }
    let total = profile.sum(By::Total);
    text += &format!(", {} allocated in {} blocks", size(total.bytes), total.blocks);
    if profile.interval > 1 {
        text += &format!("; {} samples, one for {}", total.samples, size(profile.interval));
    }
    text.push('\n');
    if profile.lost_samples > 0 {
        text += &format!("{} samples were lost: there is more than is listed\n", profile.lost_samples);
    }
    if profile.lost_frees > 0 {
        text += &format!("{} frees went unnoticed: less lives than is listed\n", profile.lost_frees);
    }
    text
}

/// The first call sites in a table, and what the others have.
pub(super) fn table(profile: &Profile, by: By, sums: &[SiteSum], top: usize) -> String {
    if sums.is_empty() {
        let text = if by == By::Pinned { "no block keeps free memory" } else { "no sampled blocks" };
        return format!("{}: {text}\n", by.name());
    }
    let all = total(sums);
    let fifth = if by == By::Pinned { "live" } else { "elsewhere" };
    let mut table = Table::new(&["bytes", "blocks", "share", fifth, "call site"]);
    for sum in sums.iter().take(top) {
        let elsewhere = sum.elsewhere_share().filter(|_| profile.has_details);
        let live = (by == By::Pinned).then(|| size(sum.live.bytes));
        let fifth = live.or_else(|| elsewhere.map(percent)).unwrap_or_else(|| String::from("-"));
        let (bytes, blocks) = (size(sum.tally.bytes), sum.tally.blocks.to_string());
        table.add_site(vec![bytes, blocks, percent(share(sum.tally, all)), fifth], &sum.stack);
    }
    let rest = total(sums.get(top..).unwrap_or_default());
    let rest = match sums.len().saturating_sub(top) {
        0 => String::new(),
        others => format!("{others} more with {} in {} blocks\n", size(rest.bytes), rest.blocks),
    };
    let verb = if by == By::Pinned { "kept by" } else { "in" };
    format!("{}: {} {verb} {} blocks\n{}{rest}", by.name(), size(all.bytes), all.blocks, table.text())
}

fn total(sums: &[SiteSum]) -> Tally {
    sums.iter().fold(Tally::default(), |all, sum| all.plus(sum.tally))
}

fn share(part: Tally, all: Tally) -> f64 {
    if all.bytes == 0 { 0.0 } else { part.bytes as f64 / all.bytes as f64 }
}

fn as_json(profile: &Profile, by: By, sums: &[SiteSum], top: usize) -> Value {
    let all = total(sums);
    let site = |sum: &SiteSum| {
        let first = sum.stack.first().cloned().unwrap_or_default();
        json!({
            "bytes": sum.tally.bytes,
            "blocks": sum.tally.blocks,
            "samples": sum.tally.samples,
            "live_bytes": sum.live.bytes,
            "share": share(sum.tally, all),
            "elsewhere_share": sum.elsewhere_share().filter(|_| profile.has_details),
            "function": first.function,
            "file": first.file,
            "line": first.line,
            "module": first.module,
            "stack": sum.stack,
        })
    };
    json!({
        "dump": profile.path,
        "by": by.name(),
        "interval": profile.interval,
        "milliseconds": profile.milliseconds,
        "live_bytes": profile.live_bytes,
        "peak_bytes": profile.peak_bytes,
        "lost_samples": profile.lost_samples,
        "lost_frees": profile.lost_frees,
        "bytes": all.bytes,
        "blocks": all.blocks,
        "site_count": sums.len(),
        "sites": sums.iter().take(top).map(site).collect::<Vec<_>>(),
    })
}
