//! `tinyalloc diff` and `tinyalloc leaks`: what became of call sites.

use serde_json::{Value, json};

use super::read_all;
use crate::failure::Failure;
use crate::options::{Diff, Leaks};
use crate::profile::{Profile, Tally};
use crate::sites::{Change, changes, leaks as leaks_of, sort_by_time};
use crate::size::{signed_size, size};
use crate::text::{Table, plain, print_with_notes};

/// More than so many are not listed one by one.
const PROFILES_SHOWN: usize = 6;

pub(super) fn diff(options: &Diff) -> Result<u8, Failure> {
    let profiles = read_all(&[options.old.clone(), options.new.clone()])?;
    let mut symbols = options.debugging.symbols()?;
    let changes = changes(&profiles, &mut symbols, options.depth);
    let none = "no call site has other live bytes\n";
    print_with_notes(&text(&profiles, &changes, options.top, options.json, none), &mut symbols)?;
    Ok(0)
}

pub(super) fn leaks(options: &Leaks) -> Result<u8, Failure> {
    let mut profiles = read_all(&options.dumps)?;
    sort_by_time(&mut profiles);
    let mut symbols = options.debugging.symbols()?;
    let changes = leaks_of(&profiles, &mut symbols, options.depth);
    let none = "no call site only grows\n";
    print_with_notes(&text(&profiles, &changes, options.top, options.json, none), &mut symbols)?;
    Ok(0)
}

fn text(profiles: &[Profile], changes: &[Change], top: usize, is_json: bool, none: &str) -> String {
    if is_json {
        return format!("{:#}\n", as_json(profiles, changes, top));
    }
    let list = if changes.is_empty() { String::from(none) } else { table(changes, top) };
    format!("{}\n{list}", heading(profiles))
}

fn heading(profiles: &[Profile]) -> String {
    let line = |profile: &Profile| format!("{}: {} live\n", plain(&profile.path.display().to_string()), size(profile.live_bytes));
    match profiles {
        [first, .., last] if profiles.len() > PROFILES_SHOWN => {
            format!("{}and {} more, to\n{}", line(first), profiles.len() - 2, line(last))
        }
        _ => profiles.iter().map(line).collect(),
    }
}

fn table(changes: &[Change], top: usize) -> String {
    let mut table = Table::new(&["growth", "from", "to", "blocks", "call site"]);
    for change in changes.iter().take(top) {
        let (first, last) = ends(change);
        let blocks = format!("{:+}", i128::from(last.blocks) - i128::from(first.blocks));
        table.add_site(vec![signed_size(change.growth()), size(first.bytes), size(last.bytes), blocks], &change.stack);
    }
    let rest = changes.get(top..).unwrap_or_default();
    let growth: i64 = rest.iter().fold(0, |sum: i64, change| sum.saturating_add(change.growth()));
    let rest = if rest.is_empty() { String::new() } else { format!("{} more with {}\n", rest.len(), signed_size(growth)) };
    format!("{}{rest}", table.text())
}

fn ends(change: &Change) -> (Tally, Tally) {
    (change.tallies.first().copied().unwrap_or_default(), change.tallies.last().copied().unwrap_or_default())
}

fn as_json(profiles: &[Profile], changes: &[Change], top: usize) -> Value {
    let dump = |profile: &Profile| json!({ "dump": profile.path, "milliseconds": profile.milliseconds, "live_bytes": profile.live_bytes });
    let site = |change: &Change| {
        let first = change.stack.first().cloned().unwrap_or_default();
        json!({
            "growth": change.growth(),
            "bytes": change.tallies.iter().map(|tally| tally.bytes).collect::<Vec<_>>(),
            "blocks": change.tallies.iter().map(|tally| tally.blocks).collect::<Vec<_>>(),
            "function": first.function,
            "file": first.file,
            "line": first.line,
            "module": first.module,
            "stack": change.stack,
        })
    };
    json!({
        "dumps": profiles.iter().map(dump).collect::<Vec<_>>(),
        "site_count": changes.len(),
        "sites": changes.iter().take(top).map(site).collect::<Vec<_>>(),
    })
}
