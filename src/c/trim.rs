//! Memory that goes back when the program says so: `ta_purge` and `ta_thread_idle`.

use core::ffi::c_int;

use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::purge_all;
use crate::process::thread::Thread;

/// Returns all free memory to the system at once, as malloc_trim(3) does.
///
/// Returns 1 if there was any, else 0.
#[unsafe(no_mangle)]
pub extern "C" fn ta_purge() -> c_int {
    purge_all().into()
}

/// The calling thread is about to wait for long: other threads, and `ta_purge`, may have what it
/// keeps ready. It keeps its blocks, and may allocate and free at any time afterwards. Does nothing
/// while the thread has pushed a heap.
#[unsafe(no_mangle)]
pub extern "C" fn ta_thread_idle() {
    ALLOCATOR.idle(Thread);
}
