//! The GNU C library's functions about the heap: mallinfo, malloc_stats, malloc_info, malloc_trim.

use core::ffi::c_int;
use core::fmt::{Display, Formatter, Result as FmtResult};

use libc::{EINVAL, FILE, STDERR_FILENO, fwrite};
use tinyalloc_alloc::{HugePeak, Stats};
use tinyalloc_sys::SystemCalls;

use super::trim::ta_purge;
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;
use crate::report::stats_dump::PROCESS;
use crate::report::{Format, Report, write_text_to};
use crate::support::chunked_writer::write_in_chunks;

/// The fields of mallinfo(3): of `mallinfo2`, or of `mallinfo`, which some C libraries do not have.
#[repr(C)]
pub struct Mallinfo<Number> {
    arena: Number,
    ordblks: Number,
    smblks: Number,
    hblks: Number,
    hblkhd: Number,
    usmblks: Number,
    fsmblks: Number,
    uordblks: Number,
    fordblks: Number,
    keepcost: Number,
}

fn info() -> Mallinfo<usize> {
    let stats = ALLOCATOR.stats(Thread);
    Mallinfo {
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

/// The heap in the C library's terms; mallinfo(3) explains the fields.
#[unsafe(export_name = "mallinfo2")]
pub extern "C" fn info_wide() -> Mallinfo<usize> {
    info()
}

/// As `mallinfo2`, in fields of type int: a number that does not fit becomes the largest int.
#[unsafe(export_name = "mallinfo")]
pub extern "C" fn info_narrow() -> Mallinfo<c_int> {
    let info = info();
    let narrow = |bytes: usize| c_int::try_from(bytes).unwrap_or(c_int::MAX);
    Mallinfo {
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

/// Releases all free memory to the system; returns 1 if there was any. `pad`, the bytes to keep at
/// the top of the heap, is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_trim(_pad: usize) -> c_int {
    ta_purge()
}

/// Accepts every parameter of the C library and changes nothing. Returns 1.
#[unsafe(no_mangle)]
pub extern "C" fn mallopt(_parameter: c_int, _value: c_int) -> c_int {
    1
}

/// Writes a summary to standard error: a table, and the last lines of the GNU C library's summary.
/// It is no cancellation point.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_stats() {
    let stats = ALLOCATOR.stats(Thread);
    let table = Report::new(PROCESS, &stats, Format::Text).with_calls(SystemCalls::so_far());
    let totals = Totals { stats: &stats, peak: ALLOCATOR.huge_peak(Thread) };
    // There is no way to report a failure.
    let _ = write_text_to(&format_args!("{table}{totals}"), STDERR_FILENO);
}

/// The last lines of the GNU C library's summary, which programs parse: the same words and columns,
/// but not cut to 32 bits.
struct Totals<'stats> {
    stats: &'stats Stats,
    peak: HugePeak,
}

impl Display for Totals<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        writeln!(out, "Total (incl. mmap):")?;
        writeln!(out, "system bytes     = {:>10}", self.stats.committed)?;
        writeln!(out, "in use bytes     = {:>10}", self.stats.allocated)?;
        writeln!(out, "max mmap regions = {:>10}", self.peak.blocks)?;
        writeln!(out, "max mmap bytes   = {:>10}", self.peak.bytes)
    }
}

/// Writes the heap as XML to `stream`. Returns 0, or `EINVAL` unless `options` is 0, as in the GNU
/// C library.
///
/// # Safety
/// `stream` is open for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_info(options: c_int, stream: *mut FILE) -> c_int {
    if options != 0 || stream.is_null() {
        return EINVAL;
    }
    let stats = ALLOCATOR.stats(Thread);
    let report = Report::new(PROCESS, &stats, Format::Xml).with_calls(SystemCalls::so_far());
    write_in_chunks(&report, &mut |chunk: &[u8]| {
        // SAFETY: the caller's promise.
        unsafe { fwrite(chunk.as_ptr().cast(), 1, chunk.len(), stream) };
    });
    0
}
