//! Call sites: chains of calls that agree where the user looks, added up.

use std::borrow::Borrow;
use std::collections::HashMap;

use crate::profile::{By, Profile, Site, Tally};
use crate::symbols::{Frame, Symbols};
use crate::wrappers::{is_wrapper, site_of};

/// What the names of functions begin with that every program or thread has at its beginning.
const STARTERS: [&str; 5] = ["__libc_start", "_start", "start_thread", "clone", "__clone"];

/// What was allocated at a call site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteSum {
    /// The calls that are shown, the innermost first: the call site, and its callers. Never empty.
    pub stack: Vec<Frame>,
    /// Its blocks and bytes.
    pub tally: Tally,
    /// Those of its blocks that live.
    pub live: Tally,
    /// Sampled blocks that were freed.
    pub freed: u64,
    /// Those of them that another thread freed than the one that allocated them.
    pub freed_elsewhere: u64,
}

impl SiteSum {
    fn add(&mut self, site: &Site, by: By) {
        self.tally = self.tally.plus(by.of(site));
        self.live = self.live.plus(site.live);
        self.freed = self.freed.saturating_add(site.freed());
        self.freed_elsewhere = self.freed_elsewhere.saturating_add(site.freed_elsewhere);
    }

    /// The share of the freed blocks that other threads freed; None if none were freed.
    #[must_use]
    pub fn elsewhere_share(&self) -> Option<f64> {
        (self.freed > 0).then(|| self.freed_elsewhere as f64 / self.freed as f64)
    }
}

/// The call site of a chain of calls, and its callers: `depth` calls, but at least one. If none of
/// them has a name, the first caller that has one comes behind them.
#[must_use]
pub fn shown(stack: &[Frame], depth: usize) -> Vec<Frame> {
    let end = |from: usize| from.saturating_add(depth.max(1)).min(stack.len());
    let from = site_of(stack);
    if stack.is_empty() {
        return vec![Frame { function: String::from("[no callers]"), module: String::from("[unknown]"), ..Frame::default() }];
    }
    let (mut calls, callers) = (stack[from..end(from)].to_vec(), &stack[end(from)..]);
    if calls.iter().all(Frame::is_unknown) {
        calls.extend(callers.iter().find(|frame| tells_something(frame)).cloned());
    }
    calls
}

/// Whether the name of a function is known, and one of the program's.
fn tells_something(frame: &Frame) -> bool {
    !frame.is_unknown() && !is_wrapper(frame) && !STARTERS.iter().any(|starter| frame.function.starts_with(starter))
}

/// The call sites of a profile with the most bytes first. Sites are apart if `depth` of their calls
/// tell them apart.
pub fn sites(profile: &Profile, symbols: &mut Symbols, by: By, depth: usize) -> Vec<SiteSum> {
    let mut sums: HashMap<Vec<Frame>, SiteSum> = HashMap::new();
    for site in profile.sites.iter().filter(|site| by.of(site) != Tally::default()) {
        let stack = shown(&symbols.stack(profile, site), depth);
        symbols.note_call_site(&stack[0]);
        let sum = sums.entry(stack.clone()).or_insert_with(|| SiteSum { stack, ..SiteSum::default() });
        sum.add(site, by);
    }
    let mut sums: Vec<SiteSum> = sums.into_values().collect();
    sums.sort_by(|one, other| other.tally.bytes.cmp(&one.tally.bytes).then_with(|| one.stack.cmp(&other.stack)));
    sums
}

/// What became of a call site from the first profile to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As in [`SiteSum`].
    pub stack: Vec<Frame>,
    /// In each profile.
    pub tallies: Vec<Tally>,
}

impl Change {
    /// How many live bytes there are more in the last profile than in the first.
    #[must_use]
    pub fn growth(&self) -> i64 {
        let bytes = |tally: Option<&Tally>| i64::try_from(tally.map_or(0, |tally| tally.bytes)).unwrap_or(i64::MAX);
        bytes(self.tallies.last()) - bytes(self.tallies.first())
    }

    fn only_grows(&self) -> bool {
        self.growth() > 0 && self.tallies.is_sorted_by_key(|tally| tally.bytes)
    }
}

/// The live bytes of call sites in each of several profiles, those first that grew most. Sites
/// whose bytes are the same in all are left out.
pub fn changes(profiles: &[Profile], symbols: &mut Symbols, depth: usize) -> Vec<Change> {
    let mut changes: HashMap<Vec<Frame>, Vec<Tally>> = HashMap::new();
    for (place, profile) in profiles.iter().enumerate() {
        for sum in sites(profile, symbols, By::Live, depth) {
            changes.entry(sum.stack).or_insert_with(|| vec![Tally::default(); profiles.len()])[place] = sum.tally;
        }
    }
    let changes = changes.into_iter().map(|(stack, tallies)| Change { stack, tallies });
    sorted(changes.filter(|change| change.tallies.iter().any(|tally| tally.bytes != change.tallies[0].bytes)).collect())
}

/// The call sites whose live bytes never shrink from one profile to the next, and grow. Each chain
/// of calls counts for itself, and those that grow are added up.
pub fn leaks(profiles: &[Profile], symbols: &mut Symbols, depth: usize) -> Vec<Change> {
    let mut sums: HashMap<Vec<Frame>, Vec<Tally>> = HashMap::new();
    for change in changes(profiles, symbols, usize::MAX).into_iter().filter(Change::only_grows) {
        let stack = shown(&change.stack, depth);
        let sum = sums.entry(stack).or_insert_with(|| vec![Tally::default(); profiles.len()]);
        for (sum, tally) in sum.iter_mut().zip(change.tallies) {
            *sum = sum.plus(tally);
        }
    }
    sorted(sums.into_iter().map(|(stack, tallies)| Change { stack, tallies }).collect())
}

fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by(|one, other| other.growth().cmp(&one.growth()).then_with(|| one.stack.cmp(&other.stack)));
    changes
}

/// Puts profiles in the order of their time: of the dump, or of the file where one does not say.
/// The clocks are coarse: where they agree, the numbers in the names decide.
pub fn sort_by_time<P: Borrow<Profile>>(profiles: &mut [P]) {
    let have_clock = profiles.iter().all(|profile| profile.borrow().milliseconds > 0);
    let time = |profile: &Profile| match have_clock {
        true => (profile.milliseconds, None),
        false => (0, profile.modified),
    };
    profiles.sort_by_cached_key(|profile| (time(profile.borrow()), numbers(&profile.borrow().path.to_string_lossy())));
}

fn numbers(name: &str) -> Vec<u64> {
    name.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Frame, Profile, shown, sort_by_time};

    fn names(functions: &[&str], depth: usize) -> Vec<String> {
        let frame =
            |function: &&str| Frame { function: String::from(*function), module: String::from("lib"), ..Frame::default() };
        let stack: Vec<Frame> = functions.iter().map(frame).collect();
        shown(&stack, depth).into_iter().map(|frame| frame.function).collect()
    }

    #[test]
    fn what_has_no_name_is_shown_with_the_first_caller_that_has_one() {
        let stack = ["malloc", "lib+0x1", "lib+0x2", "xmalloc", "parse", "main"];
        assert_eq!(names(&stack, 1), ["lib+0x1", "parse"]);
        assert_eq!(names(&stack, 2), ["lib+0x1", "lib+0x2", "parse"]);
        assert_eq!(names(&stack, 5), ["lib+0x1", "lib+0x2", "xmalloc", "parse", "main"]);
        assert_eq!(names(&["malloc", "parse", "lib+0x1"], 1), ["parse"]);
        assert_eq!(names(&["malloc", "lib+0x1", "__libc_start_main"], 1), ["lib+0x1"]);
        assert_eq!(names(&[], 1), ["[no callers]"]);
    }

    #[test]
    fn profiles_of_the_same_moment_are_in_the_order_of_their_numbers() {
        let profile = |(name, milliseconds)| Profile { path: PathBuf::from(name), milliseconds, ..Profile::default() };
        let names = |profiles: &[Profile]| profiles.iter().map(|profile| profile.path.clone()).collect::<Vec<_>>();
        let mut profiles = [("7.10.heap", 5), ("7.9.heap", 5), ("7.11.heap", 4), ("7.2.heap", 5)].map(profile);
        sort_by_time(&mut profiles);
        assert_eq!(names(&profiles), ["7.11.heap", "7.2.heap", "7.9.heap", "7.10.heap"].map(PathBuf::from));
        let mut profiles = [("a.10.heap", 0), ("a.9.heap", 5)].map(profile);
        sort_by_time(&mut profiles);
        assert_eq!(names(&profiles), ["a.9.heap", "a.10.heap"].map(PathBuf::from));
    }
}
