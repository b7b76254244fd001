//! The options, by name: what each may be, and where it is kept.

use core::fmt::{Result as FmtResult, Write};

use tinyalloc_alloc::{HugePagePolicy, PurgeMode, Tunables};

use super::settings::SETTINGS;
use super::value::{number, signal, size, switch, write_choice, write_number, write_switch};
use crate::words::{place_of, word_at};

/// In the order of [`Key`].
const NAMES: &str = "purge_delay purge background_purge region_size huge_pages stats_at_exit stats_file stats_signal limit on_error \
                     zero_on_free check_sizes hardened quarantine guard sealed valgrind deepbind";
const EXPECTED: &str = "\
a number of milliseconds
decay, eager or never
on or off
bytes, with K, M, G or T if need be
never, madvise or always
off, text, json or prometheus
a path of less than 512 bytes, in which %p is the process number
a signal's number or its name, like USR1; off for none
bytes, with K, M, G or T if need be; 0 for none
abort or report
on or off, when the process starts
on or off
on or off, when the process starts
bytes, with K, M, G or T if need be, when the process starts
one in how many allocations, when the process starts; 0 for none
on or off, when the process starts
on or off, when the process starts
strip or keep";

const PURGES: &str = "decay eager never";
const HUGE_PAGES: &str = "never madvise always";
const FORMATS: &str = "off text json prometheus";
const ON_ERROR: &str = "abort report";
const DEEPBIND: &str = "strip keep";

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    PurgeDelay,
    Purge,
    BackgroundPurge,
    RegionSize,
    HugePages,
    StatsAtExit,
    StatsFile,
    StatsSignal,
    Limit,
    OnError,
    ZeroOnFree,
    CheckSizes,
    Hardened,
    Quarantine,
    Guard,
    Sealed,
    Valgrind,
    Deepbind,
}

impl Key {
    const ALL: [Key; 18] = [
        Key::PurgeDelay,
        Key::Purge,
        Key::BackgroundPurge,
        Key::RegionSize,
        Key::HugePages,
        Key::StatsAtExit,
        Key::StatsFile,
        Key::StatsSignal,
        Key::Limit,
        Key::OnError,
        Key::ZeroOnFree,
        Key::CheckSizes,
        Key::Hardened,
        Key::Quarantine,
        Key::Guard,
        Key::Sealed,
        Key::Valgrind,
        Key::Deepbind,
    ];

    /// Whether it is settled once the process has started.
    pub(super) fn is_for_the_start(self) -> bool {
        matches!(self, Key::ZeroOnFree | Key::Hardened | Key::Quarantine | Key::Guard | Key::Sealed | Key::Valgrind)
    }

    pub(super) fn of(name: &[u8]) -> Option<Key> {
        Key::ALL.get(place_of(NAMES, name)?).copied()
    }

    pub(super) fn all() -> impl Iterator<Item = Key> {
        Key::ALL.into_iter()
    }

    pub(super) fn name(self) -> &'static str {
        word_at(NAMES, b' ', self as usize)
    }

    pub(super) fn expected(self) -> &'static str {
        word_at(EXPECTED, b'\n', self as usize)
    }

    /// Sets the option, or changes nothing if the value is not one of its.
    pub(super) fn set(self, value: &[u8], tunables: &mut Tunables) -> Option<()> {
        match self {
            Key::PurgeDelay => tunables.purge_milliseconds = number(value)?,
            Key::Purge => tunables.purge_mode = [PurgeMode::Decay, PurgeMode::Eager, PurgeMode::Never][place_of(PURGES, value)?],
            Key::BackgroundPurge => SETTINGS.set_background_purge(switch(value)?),
            Key::RegionSize => tunables.region_bytes = size(value)?,
            Key::HugePages => {
                tunables.huge_pages =
                    [HugePagePolicy::Never, HugePagePolicy::Madvise, HugePagePolicy::Always][place_of(HUGE_PAGES, value)?];
            }
            Key::StatsAtExit => SETTINGS.set_format_at_exit(place_of(FORMATS, value)?),
            Key::StatsFile => SETTINGS.set_file(value)?,
            Key::StatsSignal => SETTINGS.set_signal(signal(value)?),
            Key::Limit => tunables.limit_bytes = size(value).map(|bytes| if bytes == 0 { usize::MAX } else { bytes })?,
            Key::OnError => SETTINGS.set_only_reports(place_of(ON_ERROR, value)? == 1),
            Key::ZeroOnFree => tunables.checks.zero_on_free = switch(value)?,
            Key::CheckSizes => SETTINGS.set_checks_sizes(switch(value)?),
            Key::Hardened => tunables.checks.hardened = switch(value)?,
            Key::Quarantine => tunables.checks.quarantine_bytes = size(value)?,
            Key::Guard => {
                tunables.checks.guard_every = u32::try_from(number(value)?).ok()?;
                SETTINGS.set_guards(tunables.checks.guard_every > 0);
            }
            Key::Sealed => SETTINGS.set_only_protects(!switch(value)?),
            Key::Valgrind => tunables.checks.valgrind = switch(value)?,
            Key::Deepbind => SETTINGS.set_keeps_deep_binding(place_of(DEEPBIND, value)? == 1),
        }
        Some(())
    }

    /// Writes the value as [`Key::set`] takes it.
    pub(super) fn write(self, tunables: &Tunables, out: &mut dyn Write) -> FmtResult {
        match self {
            Key::PurgeDelay => write_number(out, tunables.purge_milliseconds),
            Key::Purge => write_choice(out, PURGES, tunables.purge_mode as usize),
            Key::BackgroundPurge => write_switch(out, SETTINGS.background_purge()),
            Key::RegionSize => write_number(out, tunables.region_bytes as u64),
            Key::HugePages => write_choice(out, HUGE_PAGES, tunables.huge_pages as usize),
            Key::StatsAtExit => write_choice(out, FORMATS, SETTINGS.format_at_exit()),
            Key::StatsFile => SETTINGS.write_file(out),
            Key::StatsSignal if SETTINGS.signal() == 0 => write_switch(out, false),
            Key::StatsSignal => write_number(out, u64::try_from(SETTINGS.signal()).unwrap_or(0)),
            Key::Limit if tunables.limit_bytes == usize::MAX => write_number(out, 0),
            Key::Limit => write_number(out, tunables.limit_bytes as u64),
            Key::OnError => write_choice(out, ON_ERROR, usize::from(SETTINGS.only_reports())),
            Key::ZeroOnFree => write_switch(out, tunables.checks.zero_on_free),
            Key::CheckSizes => write_switch(out, SETTINGS.checks_sizes()),
            Key::Hardened => write_switch(out, tunables.checks.hardened),
            Key::Quarantine => write_number(out, tunables.checks.quarantine_bytes as u64),
            Key::Guard => write_number(out, u64::from(tunables.checks.guard_every)),
            Key::Sealed => write_switch(out, !SETTINGS.only_protects()),
            Key::Valgrind => write_switch(out, tunables.checks.valgrind),
            Key::Deepbind => write_choice(out, DEEPBIND, usize::from(SETTINGS.keeps_deep_binding())),
        }
    }
}
