//! The fault handler: reports a trapped access to a guarded block, and then lets the process die of
//! it as it would have without the handler.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::{transmute, zeroed};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering};

use libc::{SA_ONSTACK, SA_SIGINFO, SIG_DFL, SIG_IGN, SIGSEGV, STDERR_FILENO, raise, sigaction, siginfo_t};

use super::loaded_object;
use super::report::Explanation;
use crate::process::instance::ALLOCATOR;
use crate::process::message::write_text;

/// The action for the signal before ours.
struct Before(UnsafeCell<Option<sigaction>>);

// SAFETY: written once, when the process starts, before the handler is installed.
unsafe impl Sync for Before {}

#[unsafe(link_section = ".data")]
static BEFORE: Before = Before(UnsafeCell::new(None));
#[unsafe(link_section = ".data")]
static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

type Handler = unsafe extern "C" fn(signal: c_int, info: *mut siginfo_t, context: *mut c_void);

/// Installs the handler, once.
pub(crate) fn install() {
    if IS_INSTALLED.swap(true, Ordering::Relaxed) {
        return;
    }
    loaded_object::prepare();
    // SAFETY: all zero is an action.
    let mut ours: sigaction = unsafe { zeroed() };
    ours.sa_sigaction = on_trap as Handler as usize;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    // SAFETY: all zero is an action.
    let mut before: sigaction = unsafe { zeroed() };
    // SAFETY: both are actions.
    unsafe { sigaction(SIGSEGV, null_mut(), &raw mut before) };
    // SAFETY: the handler, which reads it, is not installed yet.
    unsafe { BEFORE.0.get().write(Some(before)) };
    // SAFETY: the handler is valid for the life of the process: the library is never unloaded.
    unsafe { sigaction(SIGSEGV, &raw const ours, null_mut()) };
}

/// The report on an access at an address; `None` if the access was not meant for a guarded block.
/// Safe in signal handlers.
pub(crate) fn explain(address: usize) -> Option<Explanation> {
    ALLOCATOR.explain_trap(address).map(Explanation::new)
}

unsafe extern "C" fn on_trap(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid record.
    let info_read = unsafe { &*info };
    // SAFETY: a trapped access has an address.
    let address = unsafe { info_read.si_addr() }.addr();
    if let Some(explanation) = explain(address) {
        write_text(STDERR_FILENO, &explanation);
    }
    // SAFETY: written before the handler was installed.
    let before = unsafe { BEFORE.0.get().read() };
    // A signal that a process sent: no access is repeated.
    let is_sent = info_read.si_code <= 0;
    match before.map_or(SIG_DFL, |before| before.sa_sigaction) {
        SIG_IGN if is_sent => {}
        SIG_DFL | SIG_IGN => {
            // SAFETY: all zero is the default action. The access is repeated and ends the process.
            let default: sigaction = unsafe { zeroed() };
            // SAFETY: as above.
            unsafe { sigaction(signal, &raw const default, null_mut()) };
            if is_sent {
                // SAFETY: the signal waits until this handler returns.
                unsafe { raise(signal) };
            }
        }
        theirs => {
            // SAFETY: the program's own handler; one that takes no record ignores it.
            let handler: Handler = unsafe { transmute(theirs) };
            // SAFETY: the kernel would have made the same call.
            unsafe { handler(signal, info, context) };
        }
    }
}
