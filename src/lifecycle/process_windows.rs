//! The start and the end of the process, the ends of threads, and the work after a slow allocation.

use core::ffi::c_void;
use core::ptr::NonNull;

use windows_sys::Win32::System::SystemServices::{DLL_PROCESS_ATTACH, DLL_THREAD_DETACH};

use crate::options::running;
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::retry_at_new_limit;
use crate::process::thread::{self, Thread};
use crate::report::stats_dump;

/// The loader calls it in the order of the names: after those of the language runtimes, which end
/// what is local to a thread and free what that held.
#[used]
#[unsafe(link_section = ".CRT$XLY")]
static ON_NEWS: unsafe extern "system" fn(*mut c_void, u32, *mut c_void) = on_news;

/// What the C runtime calls last when the process ends, or the library is unloaded.
#[cfg(target_env = "gnu")]
#[used]
#[unsafe(link_section = ".dtors")]
static END: extern "C" fn() = stats_dump::end;

unsafe extern "system" fn on_news(_image: *mut c_void, reason: u32, _reserved: *mut c_void) {
    match reason {
        DLL_PROCESS_ATTACH => running::start(),
        DLL_THREAD_DETACH => thread::on_end(),
        _ => {}
    }
}

/// At least `bytes` bytes when no free slot is ready. Afterwards the pending work outside the
/// allocator is done.
#[cold]
#[inline(never)]
pub(crate) fn allocate_slow(bytes: usize) -> Option<NonNull<u8>> {
    retry_at_new_limit(|| ALLOCATOR.allocate_slow(Thread, bytes))
}
