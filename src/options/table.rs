//! The table of the options: their names, values, times and storage. The parser, the messages,
//! `ta_option_get`, and the tests of the manual page and of the C API use it.

use core::fmt::{Result as FmtResult, Write};

use tinyalloc_alloc::{HugePagePolicy, NumaPolicy, PurgeMode, Tunables};
use tinyalloc_sys::SystemMapper;

use super::value::{partitions, percentage, signal, size, switch, write_choice, write_number, write_signal, write_switch};
use crate::process::settings::{PROFILE_INTERVAL, SETTINGS};
use crate::report::heap_profile::DEFAULT_FILE;
use crate::support::number::number;
use crate::support::string_table::{entry_at, position_of};

const PURGES: &str = "decay eager never";
const HUGE_PAGES: &str = "never madvise always";
const NUMA: &str = "auto off interleave";
const FORMATS: &str = "off text json prometheus";
const ON_ERROR: &str = "abort report";
const DEEPBIND: &str = "strip keep";

/// When an option may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    /// When the process starts, and while it runs.
    Any,
    /// When the process starts.
    Start,
}

/// Makes a [`Key`] of each row. The names are in one string, and the descriptions in another: a
/// table of strings would need relocations (see `string_table`).
macro_rules! options {
    ($($key:ident $name:literal, $time:ident, $expected:expr,
        set |$value:ident, $set_tunables:ident| $set:expr,
        get |$get_tunables:ident, $out:ident| $get:expr;)*) => {
        /// An option.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Key {
            $($key,)*
        }

        const NAMES: &str = concat!($($name, " ",)*);
        const EXPECTED: &str = concat!($($expected, "\n",)*);

        impl Key {
            const ALL: &[Key] = &[$(Key::$key,)*];

            const fn time(self) -> Time {
                match self {
                    $(Key::$key => Time::$time,)*
                }
            }

            /// Sets the option; changes nothing if the value is not allowed.
            pub(crate) fn set(self, value: &[u8], tunables: &mut Tunables) -> Option<()> {
                match self {
                    $(Key::$key => {
                        let ($value, $set_tunables) = (value, &mut *tunables);
                        $set
                    })*
                }
                Some(())
            }

            /// Writes the value in the form that [`Key::set`] takes.
            pub(crate) fn write(self, tunables: &Tunables, out: &mut dyn Write) -> FmtResult {
                match self {
                    $(Key::$key => {
                        let ($get_tunables, $out) = (tunables, out);
                        $get
                    })*
                }
            }
        }
    };
}

options! {
    PurgeDelay "purge_delay", Any, "a number of milliseconds",
        set |value, tunables| tunables.purge_milliseconds = number(value)?,
        get |tunables, out| write_number(out, tunables.purge_milliseconds);
    Purge "purge", Any, "decay, eager or never",
        set |value, tunables| tunables.purge_mode = *PURGE_MODES.get(position_of(PURGES, value)?)?,
        get |tunables, out| write_choice(out, PURGES, tunables.purge_mode as usize);
    BackgroundPurge "background_purge", Any, "on or off",
        set |value, _tunables| SETTINGS.set_background_purge(switch(value)?),
        get |_tunables, out| write_switch(out, SETTINGS.background_purge());
    Pressure "pressure", Any, "on or off",
        set |value, _tunables| SETTINGS.set_pressure(switch(value)?),
        get |_tunables, out| write_switch(out, SETTINGS.pressure());
    RegionSize "region_size", Any, "bytes, with K, M, G or T if need be",
        set |value, tunables| tunables.region_bytes = size(value)?,
        get |tunables, out| write_number(out, tunables.region_bytes as u64);
    HugePages "huge_pages", Any, "never, madvise or always",
        set |value, tunables| tunables.huge_pages = *HUGE_PAGE_POLICIES.get(position_of(HUGE_PAGES, value)?)?,
        get |tunables, out| write_choice(out, HUGE_PAGES, tunables.huge_pages as usize);
    Numa "numa", Any, "auto, off or interleave",
        set |value, tunables| tunables.numa = *NUMA_POLICIES.get(position_of(NUMA, value)?)?,
        get |tunables, out| write_choice(out, NUMA, tunables.numa as usize);
    StatsAtExit "stats_at_exit", Any, "off, text, json or prometheus",
        set |value, _tunables| SETTINGS.set_format_at_exit(position_of(FORMATS, value)?),
        get |_tunables, out| write_choice(out, FORMATS, SETTINGS.format_at_exit());
    StatsFile "stats_file", Any, "a path of less than 512 bytes, in which %p is the process number",
        set |value, _tunables| SETTINGS.file().set(value)?,
        get |_tunables, out| SETTINGS.file().write(out);
    StatsSignal "stats_signal", Any, "a signal's number or its name, like USR1; off for none",
        set |value, _tunables| SETTINGS.set_signal(signal(value)?),
        get |_tunables, out| write_signal(out, SETTINGS.signal());
    Profile "profile", Any, "bytes to a sample, with K, M, G or T if need be; on for 512K, off for none",
        set |value, _tunables| SETTINGS.set_profile_interval(match switch(value) {
            Some(is_on) => if is_on { PROFILE_INTERVAL } else { 0 },
            None => size(value)?,
        }),
        get |_tunables, out| match SETTINGS.profile_interval() {
            0 => write_switch(out, false),
            bytes => write_number(out, bytes as u64),
        };
    ProfileFile "profile_file", Any, "a path of less than 512 bytes, in which %p is the process number, and %n that of the file",
        set |value, _tunables| SETTINGS.profile_file().set(value)?,
        get |_tunables, out| match SETTINGS.profile_file() {
            file if file.has_bytes() => file.write(out),
            _ => out.write_str(DEFAULT_FILE),
        };
    ProfileAtExit "profile_at_exit", Any, "on or off",
        set |value, _tunables| SETTINGS.set_skips_profile_at_exit(!switch(value)?),
        get |_tunables, out| write_switch(out, !SETTINGS.skips_profile_at_exit());
    ProfileSignal "profile_signal", Any, "a signal's number or its name, like USR1; off for none",
        set |value, _tunables| SETTINGS.set_profile_signal(signal(value)?),
        get |_tunables, out| write_signal(out, SETTINGS.profile_signal());
    ProfileToggleSignal "profile_toggle_signal", Any, "a signal's number or its name, like USR1; off for none",
        set |value, _tunables| SETTINGS.set_profile_toggle_signal(signal(value)?),
        get |_tunables, out| write_signal(out, SETTINGS.profile_toggle_signal());
    ProfileGrowth "profile_growth", Any, "percent by which the heap grows from one profile to the next; 0 for none",
        set |value, _tunables| SETTINGS.set_profile_growth(u32::try_from(number(value)?).ok()?),
        get |_tunables, out| write_number(out, SETTINGS.profile_growth().into());
    Limit "limit", Any, "bytes, with K, M, G or T if need be, or a percentage, like 90%; 0 for none",
        set |value, tunables| {
            let percent = percentage(value)?;
            // Found out once no lock is held.
            let bytes = if percent == 0 { size(value)? } else { 0 };
            tunables.limit_bytes = if bytes == 0 { usize::MAX } else { bytes };
            SETTINGS.set_limit_percent(percent);
        },
        get |tunables, out| match (SETTINGS.limit_percent(), tunables.limit_bytes) {
            (0, usize::MAX) => write_number(out, 0),
            (0, bytes) => write_number(out, bytes as u64),
            (percent, _) => write_number(out, percent.into()).and_then(|()| out.write_str("%")),
        };
    OnError "on_error", Any, "abort or report",
        set |value, _tunables| SETTINGS.set_only_reports(position_of(ON_ERROR, value)? == 1),
        get |_tunables, out| write_choice(out, ON_ERROR, usize::from(SETTINGS.only_reports()));
    ZeroOnFree "zero_on_free", Start, "on or off, when the process starts",
        set |value, tunables| tunables.checks.zero_on_free = switch(value)?,
        get |tunables, out| write_switch(out, tunables.checks.zero_on_free);
    CheckSizes "check_sizes", Any, "on or off",
        set |value, _tunables| SETTINGS.set_checks_sizes(switch(value)?),
        get |_tunables, out| write_switch(out, SETTINGS.checks_sizes());
    Hardened "hardened", Start, "on or off, when the process starts",
        set |value, tunables| tunables.checks.hardened = switch(value)?,
        get |tunables, out| write_switch(out, tunables.checks.hardened);
    Quarantine "quarantine", Start, "bytes, with K, M, G or T if need be, when the process starts",
        set |value, tunables| tunables.checks.quarantine_bytes = size(value)?,
        get |tunables, out| write_number(out, tunables.checks.quarantine_bytes as u64);
    Guard "guard", Start, "one in how many allocations, when the process starts; 0 for none",
        set |value, tunables| {
            tunables.checks.guard_every = u32::try_from(number(value)?).ok()?;
            SETTINGS.set_guards(tunables.checks.guard_every > 0);
        },
        get |tunables, out| write_number(out, u64::from(tunables.checks.guard_every));
    Partitions "partitions", Start, "off, or a number from 2 to 8, when the process starts",
        set |value, tunables| tunables.partitions = partitions(value)?,
        get |tunables, out| match tunables.partitions {
            0 => write_switch(out, false),
            partitions => write_number(out, partitions.into()),
        };
    Tokens "tokens", Start, "how many the compiler was to use, when the process starts; 0 for no limit",
        set |value, tunables| tunables.tokens = usize::try_from(number(value)?).ok()?,
        get |tunables, out| write_number(out, tunables.tokens as u64);
    Sealed "sealed", Start, "on or off, when the process starts",
        set |value, _tunables| SETTINGS.set_seals(switch(value)?),
        get |_tunables, out| write_switch(out, SETTINGS.seals());
    NameMappings "name_mappings", Any, "on or off",
        set |value, _tunables| SystemMapper::set_names_mappings(switch(value)?),
        get |_tunables, out| write_switch(out, SystemMapper::names_mappings());
    Valgrind "valgrind", Start, "on or off, when the process starts",
        set |value, tunables| tunables.checks.valgrind = switch(value)?,
        get |tunables, out| write_switch(out, tunables.checks.valgrind);
    Deepbind "deepbind", Any, "strip or keep",
        set |value, _tunables| SETTINGS.set_keeps_deep_binding(position_of(DEEPBIND, value)? == 1),
        get |_tunables, out| write_choice(out, DEEPBIND, usize::from(SETTINGS.keeps_deep_binding()));
}

/// In the order of the words.
const PURGE_MODES: [PurgeMode; 3] = [PurgeMode::Decay, PurgeMode::Eager, PurgeMode::Never];
const NUMA_POLICIES: [NumaPolicy; 3] = [NumaPolicy::Auto, NumaPolicy::Off, NumaPolicy::Interleave];
const HUGE_PAGE_POLICIES: [HugePagePolicy; 3] = [HugePagePolicy::Never, HugePagePolicy::Madvise, HugePagePolicy::Always];

impl Key {
    /// Whether the option can only be set when the process starts.
    pub(crate) fn is_for_the_start(self) -> bool {
        self.time() == Time::Start
    }

    pub(crate) fn of(name: &[u8]) -> Option<Key> {
        Key::ALL.get(position_of(NAMES, name)?).copied().filter(|key| key.is_there())
    }

    /// Whether the platform has what the option is for: Windows has no signals, no background
    /// thread, no heap profile, no sized frees, no names of mappings, no valgrind and no dlopen.
    const fn is_there(self) -> bool {
        !cfg!(windows)
            || !matches!(
                self,
                Key::BackgroundPurge
                    | Key::Pressure
                    | Key::StatsSignal
                    | Key::Profile
                    | Key::ProfileFile
                    | Key::ProfileAtExit
                    | Key::ProfileSignal
                    | Key::ProfileToggleSignal
                    | Key::ProfileGrowth
                    | Key::CheckSizes
                    | Key::NameMappings
                    | Key::Valgrind
                    | Key::Deepbind
            )
    }

    pub(crate) fn all() -> impl Iterator<Item = Key> {
        Key::ALL.iter().copied()
    }

    pub(crate) fn name(self) -> &'static str {
        entry_at(NAMES, b' ', self as usize)
    }

    pub(crate) fn expected(self) -> &'static str {
        entry_at(EXPECTED, b'\n', self as usize)
    }
}
