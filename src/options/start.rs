//! `TINYALLOC_OPTIONS=key=value,...`, read when the process starts.

use core::sync::atomic::{AtomicBool, Ordering};

use tinyalloc_alloc::{SealPolicy, Tunables};

use crate::process::message::say;
use crate::process::settings::SETTINGS;
use crate::support::environment::variable_at_start;

const VARIABLE: &[u8] = b"TINYALLOC_OPTIONS=";

use super::malloc_conf;
use super::mistake::Mistake;
use super::table::Key;

/// Whether the environment was read. In `.data`, next to other data that every process touches.
#[unsafe(link_section = ".data")]
static IS_READ: AtomicBool = AtomicBool::new(false);

/// Reads the environment when the allocator starts, if the environment can be found already: the
/// allocator may start before the C library.
pub(crate) fn configure(tunables: &mut Tunables) {
    if !IS_READ.load(Ordering::Relaxed) {
        if let Some(text) = variable_at_start(VARIABLE) {
            IS_READ.store(true, Ordering::Relaxed);
            read_all(text, tunables);
        }
    }
}

/// How the read-only state is protected. Nothing is protected before the environment was read.
pub(crate) fn seal_policy() -> SealPolicy {
    match IS_READ.load(Ordering::Relaxed) {
        false => SealPolicy::Writable,
        true if SETTINGS.seals() => SealPolicy::Sealed,
        true => SealPolicy::ReadOnly,
    }
}

/// The options of the environment when the process starts, unless they were read before or are
/// empty.
pub(crate) fn unread() -> Option<&'static [u8]> {
    if IS_READ.swap(true, Ordering::Relaxed) {
        return None;
    }
    variable_at_start(VARIABLE).filter(|text| !text.is_empty() || malloc_conf::is_there())
}

/// Reads what the environment says, last what is ours: it wins.
pub(crate) fn read_all(text: &[u8], tunables: &mut Tunables) {
    malloc_conf::read_all(tunables);
    read(text, tunables);
}

/// Reads `key=value,...`. A mistake is reported in one line on standard error and changes nothing.
fn read(text: &[u8], tunables: &mut Tunables) {
    for part in text.split(|byte| *byte == b',').filter(|part| !part.is_empty()) {
        if let Err(mistake) = read_one(part, tunables) {
            say(&mistake);
        }
    }
}

fn read_one<'text>(part: &'text [u8], tunables: &mut Tunables) -> Result<(), Mistake<'text>> {
    let mut halves = part.splitn(2, |byte| *byte == b'=');
    let name = halves.next().unwrap_or_default();
    let key = Key::of(name).ok_or(Mistake::UnknownKey(name))?;
    let value = halves.next().ok_or(Mistake::NoValue(key))?;
    key.set(value, tunables).ok_or(Mistake::BadValue(key, value))
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "tests may allocate")]
mod tests {
    extern crate std;

    use std::string::{String, ToString};

    use tinyalloc_alloc::{HugePagePolicy, PurgeMode, Tunables};

    use super::super::table::Key;
    use super::read_one;

    fn line(part: &str) -> String {
        let mistake = read_one(part.as_bytes(), &mut Tunables::default()).expect_err("a mistake");
        mistake.to_string()
    }

    fn tuned(part: &str) -> Tunables {
        let mut tunables = Tunables::default();
        assert!(read_one(part.as_bytes(), &mut tunables).is_ok(), "{part}");
        tunables
    }

    #[test]
    fn each_key_of_the_engine_sets_its_tunable() {
        assert_eq!(tuned("purge_delay=1500").purge_milliseconds, 1500);
        assert_eq!(tuned("purge=eager").purge_mode, PurgeMode::Eager);
        assert_eq!(tuned("purge=never").purge_mode, PurgeMode::Never);
        assert_eq!(tuned("huge_pages=always").huge_pages, HugePagePolicy::Always);
        assert_eq!(tuned("region_size=64M").region_bytes, 64 << 20);
        assert_eq!(tuned("limit=3k").limit_bytes, 3 << 10);
        assert_eq!(tuned("limit=0").limit_bytes, usize::MAX);
    }

    #[test]
    fn a_mistake_names_the_nearest_key_or_what_is_expected() {
        assert_eq!(line("prge_delay=1"), "TINYALLOC_OPTIONS: no key \"prge_delay\"; the nearest is purge_delay");
        assert_eq!(line("zero=on"), "TINYALLOC_OPTIONS: no key \"zero\"; the nearest is purge");
        assert_eq!(line("purge=soon"), "TINYALLOC_OPTIONS: purge cannot be \"soon\": it is decay, eager or never");
        assert_eq!(
            line("limit=-1"),
            "TINYALLOC_OPTIONS: limit cannot be \"-1\": it is bytes, with K, M, G or T if need be, or a percentage, like 90%; 0 for none"
        );
        assert_eq!(
            line("limit"),
            "TINYALLOC_OPTIONS: limit needs a value: it is bytes, with K, M, G or T if need be, or a percentage, like 90%; 0 for none"
        );
    }

    #[test]
    fn a_bad_value_changes_nothing() {
        let mut tunables = Tunables::default();
        for part in [
            "purge_delay=",
            "purge_delay=4x",
            "limit=99999999999999999999",
            "limit=9999999999T",
            "limit=0%",
            "limit=101%",
            "region_size=1KK",
            "purge=DECAY",
        ] {
            assert!(read_one(part.as_bytes(), &mut tunables).is_err(), "{part}");
        }
        assert_eq!(tunables, Tunables::default());
    }

    /// The options that the manual page describes, each with its default.
    fn options_of_the_manual() -> impl Iterator<Item = (&'static str, &'static str)> {
        include_str!("../../docs/man/tinyalloc.7").lines().filter_map(|line| {
            let (name, default) = line.strip_prefix(".B ")?.split_once(" \\fR(")?;
            Some((name, default.strip_suffix(')')?))
        })
    }

    fn default_of(key: Key) -> String {
        let mut text = String::new();
        assert!(key.write(&Tunables::default(), &mut text).is_ok());
        text
    }

    #[test]
    #[cfg_attr(windows, ignore = "some options are not there")]
    fn the_manual_page_has_every_option_with_its_default_and_no_other() {
        for (name, default) in options_of_the_manual() {
            let key = Key::of(name.as_bytes()).expect(name);
            let mut tunables = Tunables::default();
            let default = if key == Key::StatsFile { "" } else { default };
            assert!(key.set(default.as_bytes(), &mut tunables).is_some(), "{name} ({default})");
            assert_eq!(tunables, Tunables::default(), "{name} ({default})");
        }
        for key in Key::all() {
            assert_eq!(options_of_the_manual().filter(|(name, _)| *name == key.name()).count(), 1, "{}", key.name());
        }
    }

    #[test]
    #[cfg_attr(windows, ignore = "some options are not there")]
    fn the_c_interface_is_tested_for_every_option() {
        let test = include_str!("../../c-tests/options/every_option_can_be_read_and_set_by_name.c");
        for key in Key::all() {
            assert!(test.contains(&std::format!("(\"{}\", \"", key.name())), "{}", key.name());
            assert!(Key::of(key.name().as_bytes()) == Some(key) && !default_of(key).contains(','));
        }
    }

    #[test]
    #[cfg_attr(windows, ignore = "some options are not there")]
    fn every_key_can_be_read_back_as_it_is_set() {
        for key in Key::all() {
            let mut text = String::new();
            assert!(key.write(&Tunables::default(), &mut text).is_ok());
            assert_eq!(Key::of(key.name().as_bytes()), Some(key));
            assert!(key.set(text.as_bytes(), &mut Tunables::default()).is_some(), "{}={text}", key.name());
        }
    }
}
