//! The text of a fault report.

use core::fmt::{Display, Formatter, Result as FmtResult};

use tinyalloc_alloc::{GuardReport, GuardedAccess, Trace};

use super::loaded_object::LoadedObject;

/// The beginning of each line.
const PREFIX: &str = "tinyalloc: ";

/// The report on a trapped access to a guarded block: what was wrong, and which code allocated and
/// freed the block, in lines. Writing it allocates nothing and takes no lock.
#[derive(Clone, Copy, Debug)]
pub struct Explanation(GuardReport);

impl Explanation {
    pub(crate) const fn new(report: GuardReport) -> Explanation {
        Explanation(report)
    }
}

impl Display for Explanation {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let report = &self.0;
        writeln!(out, "{PREFIX}{}", Headline(report))?;
        Who { what: "it was allocated", thread: report.made_by, callers: &report.made_at }.fmt(out)?;
        if report.access == GuardedAccess::AfterFree {
            Who { what: "it was freed", thread: report.freed_by, callers: &report.freed_at }.fmt(out)?;
        }
        Ok(())
    }
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

struct Who<'report> {
    what: &'static str,
    thread: usize,
    callers: &'report Trace,
}

impl Display for Who<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        writeln!(out, "{PREFIX}{} by thread {:#x} here:", self.what, self.thread)?;
        self.callers.iter().take_while(|caller| **caller != 0).try_for_each(|caller| Caller(*caller).fmt(out))
    }
}

/// An address of code, with its file and the offset there, as addr2line(1) takes it.
struct Caller(usize);

impl Display for Caller {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let Some(object) = LoadedObject::around(self.0) else {
            return writeln!(out, "{PREFIX}    {:#x}", self.0);
        };
        writeln!(out, "{PREFIX}    {:#x} {object}+{:#x}", self.0, self.0.wrapping_sub(object.base()))
    }
}
