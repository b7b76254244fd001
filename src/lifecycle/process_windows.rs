//! The start and the end of the process, the ends of threads, and the work after a slow allocation.

use core::ffi::c_void;
use core::ptr::NonNull;
#[cfg(feature = "c-abi")]
use core::ptr::null_mut;

#[cfg(feature = "c-abi")]
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};
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
        DLL_PROCESS_ATTACH => {
            #[cfg(feature = "c-abi")]
            stay();
            running::start();
        }
        DLL_THREAD_DETACH => thread::on_end(),
        _ => {}
    }
}

/// As elsewhere, the library is never unloaded: blocks outlive the call that would do it, threads
/// may be inside, and another one would reserve its address space anew.
#[cfg(feature = "c-abi")]
fn stay() {
    let flags = GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
    let (inside, mut module) = (&raw const ON_NEWS, null_mut());
    // SAFETY: by a flag, the name is an address in the library. What fails leaves it as it was.
    unsafe { GetModuleHandleExW(flags, inside.cast(), &raw mut module) };
}

/// At least `bytes` bytes when no free slot is ready. Afterwards the pending work outside the
/// allocator is done.
#[cold]
#[inline(never)]
pub(crate) fn allocate_slow(bytes: usize) -> Option<NonNull<u8>> {
    retry_at_new_limit(|| ALLOCATOR.allocate_slow(Thread, bytes))
}
