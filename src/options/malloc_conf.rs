//! `MALLOC_CONF=key:value,...`, as jemalloc reads it, and the program's own variable `malloc_conf`.
//! What is like one of our options sets it, before `TINYALLOC_OPTIONS` does.

use core::arch::asm;
use core::ffi::{CStr, c_char, c_void};
use core::fmt::{Display, Formatter, Result as FmtResult};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicU32, Ordering};

use libc::abort;
use tinyalloc_alloc::Tunables;

use super::mistake::Shown;
use super::table::Key;
use crate::process::message::say;
use crate::process::settings::SETTINGS;
use crate::support::environment::variable_at_start;
use crate::support::number::number;
use crate::support::weak_symbol::bound_symbol;

const VARIABLE: &[u8] = b"MALLOC_CONF=";
/// jemalloc's: one sample to 512 KiB.
const LG_PROF_SAMPLE: u32 = 19;
/// The largest interval of ours that is a power of two. What is above becomes this, as in jemalloc
/// what is above 63 becomes that.
pub(crate) const LG_PROF_SAMPLE_MAX: u32 = 31;
const OPTS_BYTES_MAX: usize = 32;
const PREFIX_BYTES_MAX: usize = 200;
const PATTERN_BYTES_MAX: usize = 256;

/// Defined by a program that has options of its own.
#[unsafe(no_mangle)]
#[expect(unreachable_pub, reason = "programs define it")]
#[allow(non_upper_case_globals, reason = "jemalloc's name")]
pub static malloc_conf: AtomicPtr<c_char> = AtomicPtr::new(null_mut());

/// What has no option of ours.
pub(crate) struct Conf {
    prints_stats: AtomicBool,
    print_opts: [AtomicU8; OPTS_BYTES_MAX],
    prof_prefix: [AtomicU8; PREFIX_BYTES_MAX],
    muzzy_decay_ms: AtomicIsize,
    has_prof: AtomicBool,
    starts_prof: AtomicBool,
    accumulates_prof: AtomicBool,
    lg_prof_sample: AtomicU32,
    aborts: AtomicBool,
    confirms: AtomicBool,
}

pub(crate) static CONF: Conf = Conf {
    prints_stats: AtomicBool::new(false),
    print_opts: [const { AtomicU8::new(0) }; OPTS_BYTES_MAX],
    prof_prefix: [const { AtomicU8::new(0) }; PREFIX_BYTES_MAX],
    muzzy_decay_ms: AtomicIsize::new(0),
    has_prof: AtomicBool::new(false),
    starts_prof: AtomicBool::new(true),
    accumulates_prof: AtomicBool::new(false),
    lg_prof_sample: AtomicU32::new(LG_PROF_SAMPLE),
    aborts: AtomicBool::new(false),
    confirms: AtomicBool::new(false),
};

impl Conf {
    /// Whether statistics are printed when the process ends.
    pub(crate) fn prints_stats(&self) -> bool {
        self.prints_stats.load(Ordering::Relaxed)
    }

    /// The options for that, a C string.
    pub(crate) fn print_opts(&self) -> *const c_char {
        self.print_opts.as_ptr().cast()
    }

    /// What the names of profiles begin with, a C string; empty if it was not given.
    pub(crate) fn prof_prefix(&self) -> *const c_char {
        self.prof_prefix.as_ptr().cast()
    }

    pub(crate) fn muzzy_decay_ms(&self) -> isize {
        self.muzzy_decay_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn set_muzzy_decay_ms(&self, milliseconds: isize) {
        self.muzzy_decay_ms.store(milliseconds, Ordering::Relaxed);
    }

    /// Whether a heap profile was asked for, active or not.
    pub(crate) fn has_prof(&self) -> bool {
        self.has_prof.load(Ordering::Relaxed)
    }

    /// Whether `prof.dump` says what there was, beside what lives.
    pub(crate) fn accumulates_prof(&self) -> bool {
        self.accumulates_prof.load(Ordering::Relaxed)
    }

    /// Whether a mistake in the options ends the process.
    pub(crate) fn aborts(&self) -> bool {
        self.aborts.load(Ordering::Relaxed)
    }

    /// Whether keys without an effect are named.
    pub(crate) fn confirms(&self) -> bool {
        self.confirms.load(Ordering::Relaxed)
    }

    fn apply_prof(&self) {
        if !self.has_prof() {
            return;
        }
        SETTINGS.set_profile_interval(1 << self.lg_prof_sample.load(Ordering::Relaxed));
        if !self.starts_prof.load(Ordering::Relaxed) {
            SETTINGS.set_profile_interval(0);
        }
    }
}

/// Whether there may be anything to read.
pub(super) fn is_there() -> bool {
    !own_conf().is_null() || variable_at_start(VARIABLE).is_some_and(|text| !text.is_empty())
}

fn own_conf() -> *const c_char {
    let variable = bound_symbol!("malloc_conf").cast::<*const c_char>();
    // SAFETY: the program's definition, or ours.
    unsafe { variable.read() }
}

/// Reads the program's variable, and then the environment's.
pub(super) fn read_all(tunables: &mut Tunables) {
    let own = own_conf();
    if !own.is_null() {
        // SAFETY: the program promises a C string.
        read(unsafe { CStr::from_ptr(own) }.to_bytes(), tunables);
    }
    read(variable_at_start(VARIABLE).unwrap_or_default(), tunables);
    CONF.apply_prof();
}

fn read(text: &[u8], tunables: &mut Tunables) {
    for pair in text.split(|byte| *byte == b',').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b':');
        let (key, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        let mistake = match set(key, value, tunables) {
            Setting::NoEffect if CONF.confirms() => Mistake::Unheeded(key),
            Setting::Done | Setting::NoEffect => continue,
            Setting::NoKey => Mistake::NoKey(key),
            Setting::NoValue => Mistake::NoValue(key, value),
        };
        say(&mistake);
        if CONF.aborts() && !matches!(mistake, Mistake::Unheeded(_)) {
            // SAFETY: ends the process.
            unsafe { abort() };
        }
    }
}

enum Setting {
    Done,
    NoEffect,
    NoKey,
    NoValue,
}

fn set(key: &[u8], value: &[u8], tunables: &mut Tunables) -> Setting {
    let is_set = match key {
        b"dirty_decay_ms" => set_decay(value, tunables),
        b"muzzy_decay_ms" => milliseconds(value).map(|value| CONF.set_muzzy_decay_ms(value)),
        b"background_thread" => switch(value).map(|is_on| SETTINGS.set_background_purge(is_on)),
        b"thp" => set_thp(value, tunables),
        b"stats_print" => set_switch(&CONF.prints_stats, value),
        b"stats_print_opts" => set_text(&CONF.print_opts, value),
        b"prof" => set_switch(&CONF.has_prof, value).map(|()| SETTINGS.set_skips_profile_at_exit(true)),
        b"prof_accum" => set_switch(&CONF.accumulates_prof, value),
        b"prof_active" => set_switch(&CONF.starts_prof, value),
        b"prof_final" => switch(value).map(|is_on| SETTINGS.set_skips_profile_at_exit(!is_on)),
        b"prof_prefix" => set_text(&CONF.prof_prefix, value).and_then(|()| set_prof_prefix(value)),
        b"lg_prof_sample" => set_lg_prof_sample(value),
        b"abort_conf" => set_switch(&CONF.aborts, value),
        b"confirm_conf" => set_switch(&CONF.confirms, value),
        _ if is_for_machinery(key) => return Setting::NoEffect,
        _ => return kept(key, value),
    };
    if is_set.is_some() { Setting::Done } else { Setting::NoValue }
}

/// Keys that tune jemalloc's own arenas, caches and extents, and how its profile keeps books.
/// Programs have them built in: a line about them would come from every process.
fn is_for_machinery(key: &[u8]) -> bool {
    const KEYS: [&[u8]; 22] = [
        b"abort",
        b"bin_shards",
        b"cache_oblivious",
        b"calloc_madvise_threshold",
        b"debug_double_free_max_scan",
        b"disable_large_size_classes",
        b"dss",
        b"lg_extent_max_active_fit",
        b"max_background_threads",
        b"metadata_thp",
        b"mutex_max_spin",
        b"narenas",
        b"oversize_threshold",
        b"percpu_arena",
        b"process_madvise_max_batch",
        b"prof_bt_max",
        b"prof_recent_alloc_max",
        b"prof_time_resolution",
        b"retain",
        b"slab_sizes",
        b"tcache",
        b"trust_madvise",
    ];
    const BEGINNINGS: [&[u8]; 5] = [b"hpa", b"experimental_hpa", b"lg_tcache_", b"remote_max", b"tcache_"];
    KEYS.contains(&key) || BEGINNINGS.iter().any(|beginning| key.starts_with(beginning))
}

/// What is so here, and can be nothing else.
fn kept(key: &[u8], value: &[u8]) -> Setting {
    let only: &[u8] = match key {
        b"junk" | b"zero" | b"xmalloc" | b"utrace" | b"prof_gdump" | b"prof_leak" => b"false",
        b"lg_prof_interval" | b"stats_interval" => b"-1",
        b"zero_realloc" => b"free",
        _ => return Setting::NoKey,
    };
    if value == only { Setting::Done } else { Setting::NoValue }
}

fn set_decay(value: &[u8], tunables: &mut Tunables) -> Option<()> {
    match value {
        b"-1" => Key::Purge.set(b"never", tunables),
        b"0" => Key::Purge.set(b"eager", tunables),
        _ => {
            Key::PurgeDelay.set(value, tunables)?;
            Key::Purge.set(b"decay", tunables)
        }
    }
}

fn set_thp(value: &[u8], tunables: &mut Tunables) -> Option<()> {
    if value == b"default" { Some(()) } else { Key::HugePages.set(value, tunables).filter(|()| value != b"madvise") }
}

fn set_text(to: &[AtomicU8], value: &[u8]) -> Option<()> {
    let end = to.get(value.len())?;
    value.iter().zip(to).for_each(|(byte, to)| to.store(*byte, Ordering::Relaxed));
    end.store(0, Ordering::Relaxed);
    Some(())
}

/// Profiles are numbered as jemalloc numbers its own.
pub(crate) fn set_prof_prefix(prefix: &[u8]) -> Option<()> {
    const REST: &[u8] = b".%p.%n.heap";
    let mut pattern = [0; PATTERN_BYTES_MAX];
    let bytes = pattern.get_mut(..prefix.len() + REST.len())?;
    bytes.iter_mut().zip(prefix.iter().chain(REST)).for_each(|(to, byte)| *to = *byte);
    SETTINGS.profile_file().set(bytes)
}

fn set_lg_prof_sample(value: &[u8]) -> Option<()> {
    let lg = u32::try_from(number(value)?).unwrap_or(LG_PROF_SAMPLE_MAX).min(LG_PROF_SAMPLE_MAX);
    CONF.lg_prof_sample.store(lg, Ordering::Relaxed);
    Some(())
}

fn set_switch(to: &AtomicBool, value: &[u8]) -> Option<()> {
    to.store(switch(value)?, Ordering::Relaxed);
    Some(())
}

fn switch(value: &[u8]) -> Option<bool> {
    match value {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

fn milliseconds(value: &[u8]) -> Option<isize> {
    if value == b"-1" { Some(-1) } else { number(value)?.try_into().ok() }
}

enum Mistake<'text> {
    Unheeded(&'text [u8]),
    NoKey(&'text [u8]),
    NoValue(&'text [u8], &'text [u8]),
}

impl Display for Mistake<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        match *self {
            Mistake::Unheeded(key) => write!(out, "MALLOC_CONF: {} has no effect here", Shown::new(key)),
            Mistake::NoKey(key) => write!(out, "MALLOC_CONF: no key \"{}\" here", Shown::new(key)),
            Mistake::NoValue(key, value) => {
                write!(out, "MALLOC_CONF: {} cannot be \"{}\"", Shown::new(key), Shown::new(value))
            }
        }
    }
}
