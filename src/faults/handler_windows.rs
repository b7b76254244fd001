//! The fault handler: reports a trapped access to a guarded block, and then lets the process end as
//! it would have without the handler.

use core::sync::atomic::{AtomicBool, Ordering};

use windows_sys::Win32::Foundation::EXCEPTION_ACCESS_VIOLATION;
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_CONTINUE_SEARCH, EXCEPTION_POINTERS,
};

use super::report::Explanation;
use crate::process::instance::ALLOCATOR;
use crate::process::message::write_error;

static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

/// Installs the handler, once. It comes after those of the program.
pub(crate) fn install() {
    if !IS_INSTALLED.swap(true, Ordering::Relaxed) {
        // SAFETY: the handler is valid for the life of the process.
        unsafe { AddVectoredExceptionHandler(0, Some(on_exception)) };
    }
}

/// The report on an access at an address; `None` if the access was not meant for a guarded block.
pub(crate) fn explain(address: usize) -> Option<Explanation> {
    ALLOCATOR.explain_trap(address).map(Explanation::new)
}

unsafe extern "system" fn on_exception(exception: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system passes valid records.
    let record = unsafe { (*exception).ExceptionRecord };
    // SAFETY: as above.
    let record = unsafe { &*record };
    // The first word says whether it was a read; the second is the address.
    if record.ExceptionCode == EXCEPTION_ACCESS_VIOLATION {
        if let Some(explanation) = explain(record.ExceptionInformation[1]) {
            write_error(&explanation);
        }
    }
    EXCEPTION_CONTINUE_SEARCH
}
