//! The heap through the GNU C library's own windows: mallinfo, malloc_stats, malloc_info, malloc_trim; and `ta_purge`.

use core::ffi::c_int;

use libc::{EINVAL, FILE, STDERR_FILENO, fwrite, mallinfo, mallinfo2};
use tinyalloc_sys::SystemCalls;

use super::statistics::{TA_FORMAT_TEXT, ta_stats_print};
use crate::process::ALLOCATOR;
use crate::report::{Format, Report};
use crate::snapshot::PROCESS;
use crate::thread::Thread;

fn info() -> mallinfo2 {
    let stats = ALLOCATOR.stats(Thread);
    mallinfo2 {
        arena: stats.committed - stats.huge,
        ordblks: stats.free_slots,
        smblks: 0,
        hblks: stats.huge_blocks,
        hblkhd: stats.huge,
        usmblks: 0,
        fsmblks: 0,
        uordblks: stats.allocated - stats.huge,
        fordblks: stats.committed - stats.allocated,
        keepcost: stats.resident_free,
    }
}

/// The heap in the C library's terms; the fields' meanings are in mallinfo(3).
#[unsafe(export_name = "mallinfo2")]
pub extern "C" fn info_wide() -> mallinfo2 {
    info()
}

/// As `mallinfo2`, in fields that are too small: what does not fit is the largest that does.
#[unsafe(export_name = "mallinfo")]
pub extern "C" fn info_narrow() -> mallinfo {
    let info = info();
    let narrow = |bytes: usize| c_int::try_from(bytes).unwrap_or(c_int::MAX);
    mallinfo {
        arena: narrow(info.arena),
        ordblks: narrow(info.ordblks),
        smblks: narrow(info.smblks),
        hblks: narrow(info.hblks),
        hblkhd: narrow(info.hblkhd),
        usmblks: narrow(info.usmblks),
        fsmblks: narrow(info.fsmblks),
        uordblks: narrow(info.uordblks),
        fordblks: narrow(info.fordblks),
        keepcost: narrow(info.keepcost),
    }
}

/// Gives all free memory back to the system at once, as malloc_trim(3) does.
///
/// Returns 1 if there was any, else 0.
#[unsafe(no_mangle)]
pub extern "C" fn ta_purge() -> c_int {
    ALLOCATOR.purge_all(Thread).into()
}

/// Gives all that is free back to the system; 1 if anything was. `pad`, what to keep at the top, means nothing here.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_trim(_pad: usize) -> c_int {
    ta_purge()
}

/// Accepts every parameter of the C library and changes nothing: none of them has a counterpart here. Returns 1.
#[unsafe(no_mangle)]
pub extern "C" fn mallopt(_parameter: c_int, _value: c_int) -> c_int {
    1
}

/// Writes a summary to standard error.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_stats() {
    ta_stats_print(TA_FORMAT_TEXT, STDERR_FILENO);
}

/// Writes the heap as XML to `stream`. Returns 0, or `EINVAL` unless `options` is 0, as the GNU C library does.
///
/// # Safety
/// `stream` is open for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_info(options: c_int, stream: *mut FILE) -> c_int {
    if options != 0 || stream.is_null() {
        return EINVAL;
    }
    let stats = ALLOCATOR.stats(Thread);
    Report::new(PROCESS, &stats, Format::Xml).with_calls(SystemCalls::so_far()).write_pieces(|piece| {
        // SAFETY: the caller's promise.
        unsafe { fwrite(piece.as_ptr().cast(), 1, piece.len(), stream) };
    });
    0
}
