//! Collapsed stacks, for flame graphs: a line for each chain of calls, the outermost first, and its
//! bytes.

use std::collections::BTreeMap;

use crate::profile::{By, Profile};
use crate::symbols::{Frame, Symbols};
use crate::text::plain;

/// The lines, in alphabetical order.
pub fn file(profile: &Profile, symbols: &mut Symbols, by: By) -> String {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for site in profile.sites.iter().filter(|site| by.of(site).bytes > 0) {
        let calls: Vec<String> = symbols.stack(profile, site).iter().rev().map(name).collect();
        let chain = if calls.is_empty() { String::from("[no callers]") } else { calls.join(";") };
        let bytes = lines.entry(chain).or_default();
        *bytes = bytes.saturating_add(by.of(site).bytes);
    }
    lines.into_iter().map(|(chain, bytes)| format!("{chain} {bytes}\n")).collect()
}

/// A semicolon would end the call.
fn name(frame: &Frame) -> String {
    plain(&frame.function).replace(';', ":")
}
