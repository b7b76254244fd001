//! Options of a running process, set and read by name. Every change is made under the lock of the
//! tunables.

use core::ffi::c_int;
use core::fmt::{Display, Formatter, Result as FmtResult};

use tinyalloc_alloc::{HeapRef, Tunables};

use super::start::{read_all, unread};
use super::table::Key;
use crate::faults::backtrace::rule_cache;
use crate::faults::{handler, loaded_object};
use crate::process::background;
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit;
use crate::process::message::say;
use crate::process::settings::SETTINGS;
use crate::process::thread::Thread;
use crate::process::tunables::{tunables, with_tunables};
use crate::report::{heap_profile, requests};

/// Why an option was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionError {
    /// There is no option of that name.
    UnknownName,
    /// The option may not have this value.
    BadValue,
    /// A signal handler that interrupted the allocator made the call.
    Busy,
    /// The option can only be set when the process starts.
    Late,
}

impl Display for OptionError {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        out.write_str(match self {
            OptionError::UnknownName => "no such option",
            OptionError::BadValue => "not a value of that option",
            OptionError::Busy => "asked from inside the allocator",
            OptionError::Late => "fixed when the process starts",
        })
    }
}

/// Applies the options of the environment when the process starts.
pub(crate) fn start() {
    if let Some(text) = unread() {
        with_tunables(&mut |tunables| read_all(text, tunables));
    }
    memory_limit::refresh();
    if SETTINGS.signal() != 0 {
        requests::listen(0, SETTINGS.signal());
    }
    if SETTINGS.profile_signal() != 0 {
        requests::listen(0, SETTINGS.profile_signal());
    }
    if SETTINGS.profile_toggle_signal() != 0 {
        listen_to_toggle(0);
    }
    if SETTINGS.profile_interval() > 0 && !follow_profile(0) {
        say(&"no heap profile: not with hardened, zero_on_free, quarantine or valgrind, nor without memory");
    }
    if SETTINGS.guards() {
        handler::install();
    }
}

/// Sets an option of a running process.
///
/// # Errors
/// The option then keeps its value.
pub(crate) fn set(name: &[u8], value: &[u8]) -> Result<(), OptionError> {
    let key = Key::of(name).ok_or(OptionError::UnknownName)?;
    if key.is_for_the_start() {
        return Err(OptionError::Late);
    }
    let (mut is_set, signal_before) = (None, SETTINGS.signal());
    let (profile_signal_before, interval_before) = (SETTINGS.profile_signal(), SETTINGS.profile_interval());
    let toggle_signal_before = SETTINGS.profile_toggle_signal();
    if !with_tunables(&mut |tunables| is_set = key.set(value, tunables)) {
        return Err(OptionError::Busy);
    }
    is_set.ok_or(OptionError::BadValue)?;
    match key {
        Key::BackgroundPurge | Key::Pressure => background::on_option(),
        Key::Limit => {
            memory_limit::refresh();
        }
        Key::StatsSignal => {
            requests::listen(signal_before, SETTINGS.signal());
        }
        Key::ProfileSignal => requests::listen(profile_signal_before, SETTINGS.profile_signal()),
        Key::ProfileToggleSignal => listen_to_toggle(toggle_signal_before),
        Key::Profile if !follow_profile(interval_before) => {
            let is_busy = !heap_profile::is_at_hand();
            return Err(if is_busy { OptionError::Busy } else { OptionError::BadValue });
        }
        _ => {}
    }
    Ok(())
}

/// What a sample needs and a signal handler could not do.
fn prepare_profile() {
    loaded_object::prepare();
    rule_cache::prepare();
}

/// One sample represents about so many bytes of an isolated heap; as many as in the process, if it
/// is none. False, and nothing was changed, where that cannot be.
pub(crate) fn set_heap_interval(heap: HeapRef, interval: Option<usize>) -> bool {
    if interval.is_some_and(|interval| interval > 0) {
        if !heap_profile::IS_THERE {
            return false;
        }
        prepare_profile();
        SETTINGS.note_heap_profile();
    }
    ALLOCATOR.set_heap_profile_interval(Thread, heap, interval)
}

fn listen_to_toggle(before: c_int) {
    prepare_profile();
    requests::listen(before, SETTINGS.profile_toggle_signal());
}

/// Samples blocks as the option says; false, and the option is what it was, where that cannot be.
fn follow_profile(before: usize) -> bool {
    let interval = SETTINGS.profile_interval();
    if interval > 0 {
        prepare_profile();
    }
    let follows = ALLOCATOR.set_profile_interval(Thread, interval);
    if !follows {
        SETTINGS.set_profile_interval(before);
    }
    follows
}

/// The value of an option, written in the form that sets it.
#[derive(Clone, Copy, Debug)]
pub struct OptionValue {
    key: Key,
    tunables: Tunables,
}

impl OptionValue {
    pub(crate) fn of(name: &[u8]) -> Option<OptionValue> {
        let key = Key::of(name)?;
        Some(OptionValue { key, tunables: tunables() })
    }
}

impl Display for OptionValue {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        self.key.write(&self.tunables, out)
    }
}
