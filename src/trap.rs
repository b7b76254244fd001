//! A trapped access to a guarded block: says what it was, and lets the process die of it as it would have.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_int, c_void};
use core::fmt::{Display, Formatter, Result as FmtResult};
use core::mem::{transmute, zeroed};
use core::ptr::{null_mut, with_exposed_provenance};
use core::sync::atomic::{AtomicBool, Ordering};

use libc::{Dl_info, SA_ONSTACK, SA_SIGINFO, SIG_DFL, SIG_IGN, SIGSEGV, dladdr, sigaction, siginfo_t};
use tinyalloc_alloc::{GuardReport, GuardedAccess, Trace};

use crate::process::{ALLOCATOR, say};

/// What handled the signal before us.
struct Before(UnsafeCell<Option<sigaction>>);

// SAFETY: written once, when the process starts, before the handler is there.
unsafe impl Sync for Before {}

static BEFORE: Before = Before(UnsafeCell::new(None));
static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

type Handler = unsafe extern "C" fn(signal: c_int, info: *mut siginfo_t, context: *mut c_void);

/// Watches for trapped accesses from now on.
pub(crate) fn watch() {
    if IS_INSTALLED.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: all zero is an action.
    let mut ours: sigaction = unsafe { zeroed() };
    ours.sa_sigaction = on_trap as Handler as usize;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    // SAFETY: all zero is an action.
    let mut before: sigaction = unsafe { zeroed() };
    // SAFETY: both are actions.
    unsafe { sigaction(SIGSEGV, null_mut(), &raw mut before) };
    // SAFETY: nobody reads it yet.
    unsafe { BEFORE.0.get().write(Some(before)) };
    // SAFETY: the handler is there for good: the library is never unloaded.
    unsafe { sigaction(SIGSEGV, &raw const ours, null_mut()) };
}

unsafe extern "C" fn on_trap(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's own.
    let info_read = unsafe { &*info };
    // SAFETY: a trapped access has an address.
    let address = unsafe { info_read.si_addr() }.addr();
    if let Some(report) = ALLOCATOR.explain_trap(address) {
        explain(&report);
    }
    // SAFETY: written before the handler was installed.
    let before = unsafe { BEFORE.0.get().read() };
    match before.filter(|before| !matches!(before.sa_sigaction, SIG_DFL | SIG_IGN)) {
        Some(before) => {
            // SAFETY: the program's own handler; one without information ignores it.
            let handler: Handler = unsafe { transmute(before.sa_sigaction) };
            // SAFETY: as the kernel would have called it.
            unsafe { handler(signal, info, context) };
        }
        None => {
            // SAFETY: all zero is the default action. The access is tried again, and ends the process.
            let default: sigaction = unsafe { zeroed() };
            // SAFETY: as above.
            unsafe { sigaction(signal, &raw const default, null_mut()) };
        }
    }
}

fn explain(report: &GuardReport) {
    say(&Headline(report));
    say(&Who { what: "it was allocated", thread: report.made_by });
    callers(&report.made_at);
    if report.access == GuardedAccess::AfterFree {
        say(&Who { what: "it was freed", thread: report.freed_by });
        callers(&report.freed_at);
    }
}

fn callers(trace: &Trace) {
    trace.iter().take_while(|caller| **caller != 0).for_each(|caller| say(&Caller(*caller)));
}

struct Headline<'report>(&'report GuardReport);

impl Display for Headline<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let GuardReport { access, address, start, bytes, .. } = *self.0;
        match access {
            GuardedAccess::AfterFree if address < start => {
                write!(
                    out,
                    "use after free: {address:#x} is {} bytes before a freed block of {bytes} bytes at {start:#x}",
                    start - address
                )
            }
            GuardedAccess::AfterFree => {
                write!(
                    out,
                    "use after free: {address:#x} is {} bytes inside a freed block of {bytes} bytes at {start:#x}",
                    address - start
                )
            }
            GuardedAccess::Overflow => {
                let beyond = address - start - bytes;
                write!(out, "overflow: {address:#x} is {beyond} bytes behind the end of a block of {bytes} bytes at {start:#x}")
            }
            GuardedAccess::Underflow => {
                write!(out, "underflow: {address:#x} is {} bytes before a block of {bytes} bytes at {start:#x}", start - address)
            }
        }
    }
}

struct Who {
    what: &'static str,
    thread: usize,
}

impl Display for Who {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        write!(out, "{} by thread {:#x} here:", self.what, self.thread)
    }
}

/// An address of code, with the file that it is from, as addr2line(1) takes it.
struct Caller(usize);

impl Display for Caller {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let mut info = Dl_info { dli_fname: null_mut(), dli_fbase: null_mut(), dli_sname: null_mut(), dli_saddr: null_mut() };
        // SAFETY: `info` is valid for the write.
        if unsafe { dladdr(with_exposed_provenance(self.0), &raw mut info) } == 0 || info.dli_fname.is_null() {
            return write!(out, "    {:#x}", self.0);
        }
        // SAFETY: dladdr names the file.
        let file = unsafe { CStr::from_ptr(info.dli_fname) }.to_str().unwrap_or("?");
        write!(out, "    {:#x} {file}+{:#x}", self.0, self.0 - info.dli_fbase.addr())
    }
}
