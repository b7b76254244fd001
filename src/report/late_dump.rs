//! Dumps that a signal requests: written in the handler, or later where its thread is inside the
//! allocator.

use core::sync::atomic::{AtomicBool, Ordering};

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
