//! Dumps of the statistics, at the end of the process and on a signal, as the options say.

use core::ffi::c_int;

use tinyalloc_alloc::Stats;
use tinyalloc_sys::SystemCalls;

#[cfg(unix)]
use super::late_dump::LateDump;
use super::{Format, Report};
use crate::process::instance::ALLOCATOR;
use crate::process::settings::SETTINGS;
use crate::process::thread::Thread;
use crate::support::path_pattern;
use crate::support::small_file::close;

/// The name of the process's heap.
pub(crate) const PROCESS: &str = "process";

#[cfg(unix)]
#[unsafe(link_section = ".data")]
static DUMP: LateDump = LateDump::new();

const STANDARD_ERROR: c_int = 2;

/// Runs after other destructors: the library is initialised first, and finished last.
#[cfg(unix)]
#[used]
#[unsafe(link_section = ".fini_array.00101")]
static END: extern "C" fn() = end;

#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub(crate) extern "C" fn end() {
    if let Some(format) = format_at_exit() {
        #[cfg(unix)]
        DUMP.end();
        write(&ALLOCATOR.stats(Thread), format);
    }
}

/// The format of the report at the end; `None` for no report.
fn format_at_exit() -> Option<Format> {
    [Format::Text, Format::Json, Format::Prometheus].get(SETTINGS.format_at_exit().wrapping_sub(1)).copied()
}

/// A signal requests statistics.
#[cfg(unix)]
pub(crate) fn request() {
    DUMP.request(dump);
}

/// Writes the statistics; false in a signal handler that interrupted the allocator.
#[cfg(unix)]
fn dump() -> bool {
    let stats = ALLOCATOR.stats(Thread);
    let is_known = stats.reserved != 0;
    if is_known {
        write(&stats, format_at_exit().unwrap_or_default());
    }
    is_known
}

/// In the child of a fork no other thread is writing.
#[cfg(unix)]
pub(crate) fn on_child() {
    DUMP.on_child();
}

/// A slow allocation has finished: answers a signal that came during it.
#[cfg(unix)]
#[inline]
pub(crate) fn on_allocation() {
    if SETTINGS.signal() != 0 {
        catch_up();
    }
}

#[cfg(unix)]
#[cold]
#[inline(never)]
fn catch_up() {
    DUMP.answer(dump);
}

fn write(stats: &Stats, format: Format) {
    let report = Report::new(PROCESS, stats, format).with_calls(SystemCalls::so_far());
    // Without a name, or a file that can be opened, standard error has to do. If the write fails,
    // the report is lost.
    match path_pattern::create(&mut SETTINGS.file().bytes(), 0) {
        Err(_) => drop(report.write_to(STANDARD_ERROR)),
        Ok(descriptor) => {
            let _ = report.write_to(descriptor);
            close(descriptor);
        }
    }
}
