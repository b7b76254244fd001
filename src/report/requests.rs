//! Signals that request something: statistics, a heap profile, or that the profile begins or ends.
//! One may request several.

use core::ffi::c_int;
use core::mem::zeroed;
use core::ptr::null_mut;

use libc::{SA_ONSTACK, SA_RESTART, SIG_DFL, sigaction, sighandler_t};

use super::{heap_profile, stats_dump};
use crate::process::settings::SETTINGS;

/// An option names another signal than before. 0 is no signal.
pub(crate) fn listen(before: c_int, signal: c_int) {
    if before == signal {
        return;
    }
    // What no option names any more is the program's again.
    if !wanted().contains(&before) {
        set_handler(before, None);
    }
    set_handler(signal, Some(on_signal));
}

fn wanted() -> [c_int; 3] {
    [SETTINGS.signal(), SETTINGS.profile_signal(), SETTINGS.profile_toggle_signal()]
}

extern "C" fn on_signal(signal: c_int) {
    let requests: [fn(); 3] = [stats_dump::request, heap_profile::request, heap_profile::request_toggle];
    wanted().into_iter().zip(requests).filter(|(wanted, _)| *wanted == signal).for_each(|(_, request)| request());
}

/// The handler calls only what signal handlers may. With musl no signal comes while it runs: the
/// program's stack may hold what the kernel saves once, and musl's `raise` lets all that is pending
/// in at once.
fn set_handler(signal: c_int, handler: Option<extern "C" fn(c_int)>) {
    if signal == 0 {
        return;
    }
    // SAFETY: all zero is no flags and an empty mask.
    let mut action: sigaction = unsafe { zeroed() };
    action.sa_sigaction = handler.map_or(SIG_DFL, |handler| handler as sighandler_t);
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    // SAFETY: a set of signals is bits.
    #[cfg(target_env = "musl")]
    unsafe {
        (&raw mut action.sa_mask).write_bytes(u8::MAX, 1);
    }
    // SAFETY: the handler is valid for the life of the process.
    unsafe { sigaction(signal, &raw const action, null_mut()) };
}
