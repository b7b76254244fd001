//! The values of the options that are not the engine's.

use core::ffi::c_int;
use core::fmt::{Result as FmtResult, Write};
use core::str::from_utf8;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicUsize, Ordering};

use crate::support::path_pattern::PATTERN_BYTES_MAX;

/// What the background thread is there for.
const BY_TIME: u8 = 1;
const UNDER_PRESSURE: u8 = 2;

/// All values are zero at first.
/// Bytes to a sample of the heap profile, if it is on and no option says how many.
pub(crate) const PROFILE_INTERVAL: usize = 512 * 1024;

pub(crate) struct Settings {
    background: AtomicU8,
    limit_percent: AtomicU8,
    only_reports: AtomicBool,
    checks_sizes: AtomicBool,
    guards: AtomicBool,
    seals: AtomicBool,
    keeps_deep_binding: AtomicBool,
    format_at_exit: AtomicU8,
    signal: AtomicI32,
    skips_profile_at_exit: AtomicBool,
    profile_signal: AtomicI32,
    profile_toggle_signal: AtomicI32,
    profile_growth: AtomicU32,
    may_profile: AtomicBool,
    heap_profiles: AtomicBool,
    profile_interval: AtomicUsize,
    interval_before: AtomicUsize,
}

/// In `.data`, next to other data that every process touches.
#[unsafe(link_section = ".data")]
pub(crate) static SETTINGS: Settings = Settings {
    background: AtomicU8::new(0),
    limit_percent: AtomicU8::new(0),
    only_reports: AtomicBool::new(false),
    checks_sizes: AtomicBool::new(false),
    guards: AtomicBool::new(false),
    seals: AtomicBool::new(false),
    keeps_deep_binding: AtomicBool::new(false),
    format_at_exit: AtomicU8::new(0),
    signal: AtomicI32::new(0),
    skips_profile_at_exit: AtomicBool::new(false),
    profile_signal: AtomicI32::new(0),
    profile_toggle_signal: AtomicI32::new(0),
    profile_growth: AtomicU32::new(0),
    may_profile: AtomicBool::new(false),
    heap_profiles: AtomicBool::new(false),
    profile_interval: AtomicUsize::new(0),
    interval_before: AtomicUsize::new(PROFILE_INTERVAL),
};

#[unsafe(link_section = ".tinyalloc_rare")]
static FILE: FileSetting = FileSetting([const { AtomicU8::new(0) }; PATTERN_BYTES_MAX]);
#[unsafe(link_section = ".tinyalloc_rare")]
static PROFILE_FILE: FileSetting = FileSetting([const { AtomicU8::new(0) }; PATTERN_BYTES_MAX]);

/// The pattern of a path; empty if no option says one.
pub(crate) struct FileSetting([AtomicU8; PATTERN_BYTES_MAX]);

impl FileSetting {
    pub(crate) fn has_bytes(&self) -> bool {
        self.bytes().next().is_some()
    }

    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.iter().map(|byte| byte.load(Ordering::Relaxed)).take_while(|byte| *byte != 0)
    }

    /// Writes the pattern, or `?` if it is not UTF-8.
    pub(crate) fn write(&self, out: &mut dyn Write) -> FmtResult {
        let (mut bytes, mut length) = ([0; PATTERN_BYTES_MAX], 0);
        for (to, byte) in bytes.iter_mut().zip(self.bytes()) {
            *to = byte;
            length += 1;
        }
        out.write_str(bytes.get(..length).and_then(|path| from_utf8(path).ok()).unwrap_or("?"))
    }

    /// `None`, without a change, for a pattern that is too long.
    pub(crate) fn set(&self, pattern: &[u8]) -> Option<()> {
        let end = self.0.get(pattern.len())?;
        for (byte, to) in pattern.iter().zip(&self.0) {
            to.store(*byte, Ordering::Relaxed);
        }
        end.store(0, Ordering::Relaxed);
        Some(())
    }
}

impl Settings {
    /// Whether there is to be a background thread.
    #[cfg(unix)]
    pub(crate) fn background(&self) -> bool {
        self.background.load(Ordering::Relaxed) != 0
    }

    /// Whether a background thread releases memory as time passes. One that runs for another option
    /// does so too.
    pub(crate) fn background_purge(&self) -> bool {
        self.background.load(Ordering::Relaxed) & BY_TIME != 0
    }

    pub(crate) fn set_background_purge(&self, is_on: bool) {
        self.set_background(BY_TIME, is_on);
    }

    /// Whether the background thread releases memory when the machine or a control group runs short
    /// of it.
    pub(crate) fn pressure(&self) -> bool {
        self.background.load(Ordering::Relaxed) & UNDER_PRESSURE != 0
    }

    pub(crate) fn set_pressure(&self, is_on: bool) {
        self.set_background(UNDER_PRESSURE, is_on);
    }

    fn set_background(&self, reason: u8, is_on: bool) {
        if is_on {
            self.background.fetch_or(reason, Ordering::Relaxed);
        } else {
            self.background.fetch_and(!reason, Ordering::Relaxed);
        }
    }

    /// The limit in percent of the memory that the process may have; 0 if it is in bytes, or none.
    pub(crate) fn limit_percent(&self) -> u8 {
        self.limit_percent.load(Ordering::Relaxed)
    }

    pub(crate) fn set_limit_percent(&self, percent: u8) {
        self.limit_percent.store(percent, Ordering::Relaxed);
    }

    /// Whether a detected misuse is only reported, and the call ignored.
    pub(crate) fn only_reports(&self) -> bool {
        self.only_reports.load(Ordering::Relaxed)
    }

    pub(crate) fn set_only_reports(&self, is_on: bool) {
        self.only_reports.store(is_on, Ordering::Relaxed);
    }

    /// Whether the sizes passed to sized frees are checked.
    pub(crate) fn checks_sizes(&self) -> bool {
        self.checks_sizes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_checks_sizes(&self, is_on: bool) {
        self.checks_sizes.store(is_on, Ordering::Relaxed);
    }

    /// Whether some blocks are guarded.
    pub(crate) fn guards(&self) -> bool {
        self.guards.load(Ordering::Relaxed)
    }

    pub(crate) fn set_guards(&self, is_on: bool) {
        self.guards.store(is_on, Ordering::Relaxed);
    }

    /// Whether the read-only state is sealed, too.
    pub(crate) fn seals(&self) -> bool {
        self.seals.load(Ordering::Relaxed)
    }

    pub(crate) fn set_seals(&self, is_on: bool) {
        self.seals.store(is_on, Ordering::Relaxed);
    }

    /// Whether RTLD_DEEPBIND stays: libraries may then be bound past this one.
    pub(crate) fn keeps_deep_binding(&self) -> bool {
        self.keeps_deep_binding.load(Ordering::Relaxed)
    }

    pub(crate) fn set_keeps_deep_binding(&self, is_on: bool) {
        self.keeps_deep_binding.store(is_on, Ordering::Relaxed);
    }

    /// 0 for none, else one more than the index of the format.
    pub(crate) fn format_at_exit(&self) -> usize {
        self.format_at_exit.load(Ordering::Relaxed).into()
    }

    pub(crate) fn set_format_at_exit(&self, format: usize) {
        self.format_at_exit.store(u8::try_from(format).unwrap_or(0), Ordering::Relaxed);
    }

    /// The signal that requests statistics; 0 for none.
    pub(crate) fn signal(&self) -> c_int {
        self.signal.load(Ordering::Relaxed)
    }

    pub(crate) fn set_signal(&self, signal: c_int) {
        self.signal.store(signal, Ordering::Relaxed);
    }

    /// The file for statistics; empty for standard error.
    pub(crate) fn file(&self) -> &'static FileSetting {
        &FILE
    }

    /// The files for heap profiles; empty for those of the usual name.
    pub(crate) fn profile_file(&self) -> &'static FileSetting {
        &PROFILE_FILE
    }

    /// Bytes to a sample of the heap profile; 0 for no profile.
    pub(crate) fn profile_interval(&self) -> usize {
        self.profile_interval.load(Ordering::Relaxed)
    }

    pub(crate) fn set_profile_interval(&self, bytes: usize) {
        let before = self.profile_interval.swap(bytes, Ordering::Relaxed);
        self.note_profile(bytes > 0);
        if before > 0 {
            self.interval_before.store(before, Ordering::Relaxed);
        }
    }

    /// The last interval that was one.
    #[cfg(unix)]
    pub(crate) fn profile_interval_before(&self) -> usize {
        self.interval_before.load(Ordering::Relaxed)
    }

    /// Of a profile that is off.
    #[cfg(feature = "jemalloc")]
    pub(crate) fn set_profile_interval_before(&self, bytes: usize) {
        self.interval_before.store(bytes, Ordering::Relaxed);
    }

    /// An isolated heap has an interval of its own.
    pub(crate) fn note_heap_profile(&self) {
        self.heap_profiles.store(true, Ordering::Relaxed);
        self.note_profile(true);
    }

    fn note_profile(&self, may_be: bool) {
        if may_be {
            self.may_profile.store(true, Ordering::Relaxed);
        }
    }

    /// Whether there is, or ever was, a profile, or a signal may begin one.
    #[cfg(unix)]
    pub(crate) fn may_profile(&self) -> bool {
        self.may_profile.load(Ordering::Relaxed)
    }

    /// Whether blocks are sampled, of the process or of some heap at least.
    #[cfg(unix)]
    pub(crate) fn has_profile(&self) -> bool {
        self.profile_interval() > 0 || self.heap_profiles.load(Ordering::Relaxed)
    }

    /// Whether no profile is written when the process ends.
    pub(crate) fn skips_profile_at_exit(&self) -> bool {
        self.skips_profile_at_exit.load(Ordering::Relaxed)
    }

    pub(crate) fn set_skips_profile_at_exit(&self, skips: bool) {
        self.skips_profile_at_exit.store(skips, Ordering::Relaxed);
    }

    /// The signal that requests a heap profile; 0 for none.
    pub(crate) fn profile_signal(&self) -> c_int {
        self.profile_signal.load(Ordering::Relaxed)
    }

    pub(crate) fn set_profile_signal(&self, signal: c_int) {
        self.profile_signal.store(signal, Ordering::Relaxed);
    }

    /// The signal that turns the heap profile on and off; 0 for none.
    pub(crate) fn profile_toggle_signal(&self) -> c_int {
        self.profile_toggle_signal.load(Ordering::Relaxed)
    }

    pub(crate) fn set_profile_toggle_signal(&self, signal: c_int) {
        self.profile_toggle_signal.store(signal, Ordering::Relaxed);
        self.note_profile(signal != 0);
    }

    /// A profile is written when the live bytes are by so many percent above those of the last one;
    /// 0 for none.
    pub(crate) fn profile_growth(&self) -> u32 {
        self.profile_growth.load(Ordering::Relaxed)
    }

    pub(crate) fn set_profile_growth(&self, percent: u32) {
        self.profile_growth.store(percent, Ordering::Relaxed);
    }
}
