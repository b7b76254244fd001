//! The state of the background thread, and how another thread wakes it.

use core::sync::atomic::{AtomicU32, Ordering};

use tinyalloc_sys::wake_one;

pub(crate) const NONE: u32 = 0;
pub(crate) const RUNNING: u32 = 1;

#[unsafe(link_section = ".data")]
pub(crate) static STATE: AtomicU32 = AtomicU32::new(NONE);
/// Changes when the background thread has to look at once.
#[unsafe(link_section = ".data")]
pub(crate) static NEWS: AtomicU32 = AtomicU32::new(0);

/// The last thread that allocated has ended.
pub(crate) fn on_last_thread() {
    if STATE.load(Ordering::Relaxed) == RUNNING {
        wake_up();
    }
}

pub(crate) fn wake_up() {
    NEWS.fetch_add(1, Ordering::Release);
    wake_one(&NEWS);
}
