//! Dumps that a signal requests: written in the handler, or later where its thread is inside the
//! allocator.

use core::ffi::c_int;
use core::mem::zeroed;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering};

use libc::{SA_ONSTACK, SA_RESTART, SIG_DFL, sigaction, sighandler_t};

use crate::support::errno::{errno, set_errno};
use crate::support::own_stack::on_own_stack;

/// One kind of dump, which is written once at a time.
pub(crate) struct LateDump {
    is_late: AtomicBool,
    is_writing: AtomicBool,
}

impl LateDump {
    pub(crate) const fn new() -> LateDump {
        LateDump { is_late: AtomicBool::new(false), is_writing: AtomicBool::new(false) }
    }

    /// The signal came. `write` runs on a stack of its own, and returns false if it is inside the
    /// allocator: it is tried again by [`LateDump::answer`].
    pub(crate) fn request(&self, write: fn() -> bool) {
        self.is_late.store(true, Ordering::Relaxed);
        self.answer(write);
    }

    /// Answers pending signals, one dump at a time.
    pub(crate) fn answer(&self, write: fn() -> bool) {
        let before = errno();
        while self.is_late.load(Ordering::Relaxed) && !self.is_writing.swap(true, Ordering::Acquire) {
            self.is_late.store(false, Ordering::Relaxed);
            let is_written = on_own_stack(write).unwrap_or(false);
            if !is_written {
                self.is_late.store(true, Ordering::Relaxed);
            }
            self.is_writing.store(false, Ordering::Release);
            if !is_written {
                break;
            }
        }
        set_errno(before);
    }

    /// From here on no dump is begun: the process ends, and this is its last one.
    pub(crate) fn end(&self) {
        self.is_writing.store(true, Ordering::Relaxed);
    }

    /// In the child of a fork no other thread is writing, and the parent answers its signals.
    pub(crate) fn on_child(&self) {
        self.is_late.store(false, Ordering::Relaxed);
        self.is_writing.store(false, Ordering::Relaxed);
    }
}

/// Installs the handler of a signal, instead of that of another one, which is the program's again
/// unless a further dump has it. 0 is no signal.
pub(crate) fn replace_handler(before: c_int, further: c_int, signal: c_int, handler: extern "C" fn(c_int)) {
    if before == signal {
        return;
    }
    if before != further {
        set_handler(before, None);
    }
    set_handler(signal, Some(handler));
}

/// The handler calls only what signal handlers may; without one, the signal is the program's again.
fn set_handler(signal: c_int, handler: Option<extern "C" fn(c_int)>) {
    if signal == 0 {
        return;
    }
    // SAFETY: all zero is no flags and an empty mask.
    let mut action: sigaction = unsafe { zeroed() };
    action.sa_sigaction = handler.map_or(SIG_DFL, |handler| handler as sighandler_t);
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    // SAFETY: the handler is valid for the life of the process.
    unsafe { sigaction(signal, &raw const action, null_mut()) };
}
