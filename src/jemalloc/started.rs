//! What the options were when the process started, for `opt.*`; and the statistics when it ends.

use core::ffi::c_char;
use core::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};

use tinyalloc_alloc::{HugePagePolicy, PurgeMode};

use crate::options::malloc_conf::CONF;
use crate::process::settings::SETTINGS;
use crate::process::tunables::tunables;

pub(super) static STARTED: Started = Started {
    dirty_decay_ms: AtomicIsize::new(0),
    muzzy_decay_ms: AtomicIsize::new(0),
    background_thread: AtomicBool::new(false),
    huge_pages: AtomicUsize::new(0),
    profile_interval: AtomicUsize::new(0),
    profile_before: AtomicUsize::new(0),
    profile_at_exit: AtomicBool::new(false),
};

pub(super) struct Started {
    dirty_decay_ms: AtomicIsize,
    muzzy_decay_ms: AtomicIsize,
    background_thread: AtomicBool,
    huge_pages: AtomicUsize,
    profile_interval: AtomicUsize,
    profile_before: AtomicUsize,
    profile_at_exit: AtomicBool,
}

/// Runs after the start in `lifecycle`.
#[used]
#[unsafe(link_section = ".init_array.00103")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    STARTED.dirty_decay_ms.store(dirty_decay_ms(), Ordering::Relaxed);
    STARTED.muzzy_decay_ms.store(CONF.muzzy_decay_ms(), Ordering::Relaxed);
    STARTED.background_thread.store(SETTINGS.background_purge(), Ordering::Relaxed);
    STARTED.huge_pages.store(tunables().huge_pages as usize, Ordering::Relaxed);
    STARTED.profile_interval.store(SETTINGS.profile_interval(), Ordering::Relaxed);
    STARTED.profile_before.store(SETTINGS.profile_interval_before(), Ordering::Relaxed);
    STARTED.profile_at_exit.store(!SETTINGS.skips_profile_at_exit(), Ordering::Relaxed);
}

/// When free memory goes back, as jemalloc says it: -1 for never, 0 for at once.
pub(super) fn dirty_decay_ms() -> isize {
    let tunables = tunables();
    match tunables.purge_mode {
        PurgeMode::Never => -1,
        PurgeMode::Eager => 0,
        PurgeMode::Decay => isize::try_from(tunables.purge_milliseconds).unwrap_or(isize::MAX),
    }
}

impl Started {
    pub(super) fn dirty_decay_ms(&self) -> isize {
        self.dirty_decay_ms.load(Ordering::Relaxed)
    }

    pub(super) fn muzzy_decay_ms(&self) -> isize {
        self.muzzy_decay_ms.load(Ordering::Relaxed)
    }

    pub(super) fn background_thread(&self) -> bool {
        self.background_thread.load(Ordering::Relaxed)
    }

    pub(super) fn huge_pages(&self) -> HugePagePolicy {
        match self.huge_pages.load(Ordering::Relaxed) {
            number if number == HugePagePolicy::Never as usize => HugePagePolicy::Never,
            number if number == HugePagePolicy::Always as usize => HugePagePolicy::Always,
            _ => HugePagePolicy::Madvise,
        }
    }

    /// Whether a heap profile was asked for, active or not.
    pub(super) fn has_prof(&self) -> bool {
        CONF.has_prof() || self.is_profiling()
    }

    pub(super) fn is_profiling(&self) -> bool {
        self.profile_interval.load(Ordering::Relaxed) > 0
    }

    /// Bytes to a sample, once there are samples.
    pub(super) fn profile_interval(&self) -> usize {
        let interval = if self.is_profiling() { &self.profile_interval } else { &self.profile_before };
        interval.load(Ordering::Relaxed)
    }

    pub(super) fn profile_at_exit(&self) -> bool {
        self.profile_at_exit.load(Ordering::Relaxed)
    }

    pub(super) fn print_opts(&self) -> *const c_char {
        CONF.print_opts()
    }
}
