//! Dumps of the statistics, at the end of the process and on a signal, as the options say.

use core::ffi::{c_char, c_int};
use core::mem::zeroed;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering};

use libc::{
    AT_FDCWD, O_CLOEXEC, O_CREAT, O_TRUNC, O_WRONLY, SA_ONSTACK, SA_RESTART, SIG_DFL, STDERR_FILENO, SYS_close, SYS_openat,
    getpid, sigaction, sighandler_t, syscall,
};
use tinyalloc_alloc::Stats;
use tinyalloc_sys::SystemCalls;

use super::{Format, Report};
use crate::process::instance::ALLOCATOR;
use crate::process::settings::{FILE_BYTES_MAX, SETTINGS};
use crate::process::thread::Thread;
use crate::support::chunked_writer::write_in_chunks;
use crate::support::errno::{errno, set_errno};

/// The name of the process's heap.
pub(crate) const PROCESS: &str = "process";
const FILE_RIGHTS: c_int = 0o644;

/// A signal was not answered yet, because its thread was inside the allocator or another report was
/// being written.
#[unsafe(link_section = ".data")]
static IS_LATE: AtomicBool = AtomicBool::new(false);
/// A report is being written, and no other may be written between its chunks.
#[unsafe(link_section = ".data")]
static IS_WRITING: AtomicBool = AtomicBool::new(false);

/// Runs after other destructors: the library is initialised first, and finished last.
#[used]
#[unsafe(link_section = ".fini_array.00101")]
static END: extern "C" fn() = end;

#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
extern "C" fn end() {
    if let Some(format) = format_at_exit() {
        IS_WRITING.store(true, Ordering::Relaxed);
        write(&ALLOCATOR.stats(Thread), format);
    }
}

/// The format of the report at the end; `None` for no report.
fn format_at_exit() -> Option<Format> {
    [Format::Text, Format::Json, Format::Prometheus].get(SETTINGS.format_at_exit().wrapping_sub(1)).copied()
}

/// Installs the handler for the signal that requests statistics.
pub(crate) fn listen_to(signal: c_int) {
    let handler: extern "C" fn(c_int) = on_signal;
    if signal != 0 {
        set_handler(signal, handler as sighandler_t);
    }
}

/// Returns the signal to the program.
pub(crate) fn ignore(signal: c_int) {
    if signal != 0 {
        set_handler(signal, SIG_DFL);
    }
}

fn set_handler(signal: c_int, handler: sighandler_t) {
    // SAFETY: all zero is no flags and an empty mask.
    let mut action: sigaction = unsafe { zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    // SAFETY: the handler is valid for the life of the process, and calls only what signal handlers
    // may.
    unsafe { sigaction(signal, &raw const action, null_mut()) };
}

extern "C" fn on_signal(_signal: c_int) {
    let before = errno();
    IS_LATE.store(true, Ordering::Relaxed);
    answer();
    set_errno(before);
}

/// Answers pending signals, one report at a time.
fn answer() {
    while IS_LATE.load(Ordering::Relaxed) && !IS_WRITING.swap(true, Ordering::Acquire) {
        let stats = ALLOCATOR.stats(Thread);
        let is_known = stats.reserved != 0;
        if is_known {
            IS_LATE.store(false, Ordering::Relaxed);
            write(&stats, format_at_exit().unwrap_or_default());
        }
        IS_WRITING.store(false, Ordering::Release);
        if !is_known {
            return;
        }
    }
}

/// In the child of a fork no other thread is writing.
pub(crate) fn on_child() {
    IS_WRITING.store(false, Ordering::Relaxed);
}

/// A slow allocation has finished: answers a signal that came during it.
#[inline]
pub(crate) fn on_allocation() {
    if SETTINGS.signal() != 0 {
        catch_up();
    }
}

#[cold]
#[inline(never)]
fn catch_up() {
    let before = errno();
    answer();
    set_errno(before);
}

fn write(stats: &Stats, format: Format) {
    let report = Report::new(PROCESS, stats, format).with_calls(SystemCalls::so_far());
    let Some(descriptor) = open_file() else {
        // If the write fails, the report is lost.
        let _ = report.write_to(STDERR_FILENO);
        return;
    };
    let _ = report.write_to(descriptor);
    // SAFETY: opened above.
    unsafe { syscall(SYS_close, descriptor) };
}

/// Opens the file that the options name; `None` if there is no name, or the file cannot be opened.
fn open_file() -> Option<c_int> {
    let mut path = Path { bytes: [0; FILE_BYTES_MAX + 64], length: 0 };
    path.expand(SETTINGS.file())?;
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    // SAFETY: the path ends with a null byte.
    let descriptor = unsafe { syscall(SYS_openat, AT_FDCWD, path.bytes.as_ptr().cast::<c_char>(), flags, FILE_RIGHTS) };
    c_int::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0)
}

struct Path {
    bytes: [u8; FILE_BYTES_MAX + 64],
    length: usize,
}

impl Path {
    /// Copies a pattern and replaces each `%p` by the process id; `None` if the result is empty or
    /// too long.
    fn expand(&mut self, pattern: impl Iterator<Item = u8>) -> Option<()> {
        let mut pattern = pattern.peekable();
        while let Some(byte) = pattern.next() {
            if byte == b'%' && pattern.next_if_eq(&b'p').is_some() {
                // SAFETY: always succeeds.
                let process = unsafe { getpid() };
                write_in_chunks(&process, &mut |digits: &[u8]| digits.iter().for_each(|digit| self.push(*digit)));
            } else {
                self.push(byte);
            }
        }
        // The last byte stays null.
        (1..self.bytes.len()).contains(&self.length).then_some(())
    }

    fn push(&mut self, byte: u8) {
        if let Some(to) = self.bytes.get_mut(self.length) {
            *to = byte;
        }
        self.length += 1;
    }
}
