//! Dumps of the heap profile in jemalloc's own form of heap_v2, which readers of `prof.dump` know:
//! the callers of a site in one line, its samples in the next. What is behind the samples is as in
//! our form.

use core::ffi::c_int;
use core::fmt::{Display, Formatter, Result as FmtResult};

use tinyalloc_alloc::{ProfileSummary, SiteProfile};

use crate::options::malloc_conf::CONF;
use crate::process::instance::ALLOCATOR;
use crate::process::settings::SETTINGS;
use crate::process::thread::Thread;
use crate::report::heap_profile::{MARK, sites, write_behind_samples};
use crate::report::write_text_to;

/// Writes a dump to a file descriptor.
///
/// # Errors
/// The `errno` of the write that failed; the rest is not written.
pub(super) fn write_to(descriptor: c_int) -> Result<(), c_int> {
    let summary = ALLOCATOR.profile_summary(Thread);
    write_text_to(&Samples(&summary), descriptor)?;
    write_behind_samples(&summary, descriptor)
}

struct Samples<'summary>(&'summary ProfileSummary);

impl Display for Samples<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let sum = sites(self.0).fold(Counted::default(), |sum, site| sum.plus(Counted::of(&site)));
        write!(out, "heap_v2/{}\n{sum}{MARK}", interval(self.0))?;
        for site in sites(self.0) {
            let counted = Counted::of(&site);
            if !counted.is_shown() {
                continue;
            }
            out.write_str("@")?;
            for caller in site.callers() {
                write!(out, " {caller:#x}")?;
            }
            write!(out, "\n{counted}")?;
        }
        Ok(())
    }
}

/// A profile that is off has the samples of the interval before.
fn interval(summary: &ProfileSummary) -> usize {
    if summary.interval > 0 { summary.interval } else { SETTINGS.profile_interval_before() }
}

/// Samples and their bytes: those that live, and, with `prof_accum`, all there were.
#[derive(Clone, Copy, Default)]
struct Counted {
    live: (u64, u64),
    total: (u64, u64),
}

impl Counted {
    fn of(site: &SiteProfile) -> Counted {
        let live = (site.live.samples, site.live.sampled_bytes);
        let total = if CONF.accumulates_prof() { (site.total.samples, site.total.sampled_bytes) } else { (0, 0) };
        Counted { live, total }
    }

    fn plus(self, other: Counted) -> Counted {
        let sum = |one: (u64, u64), two: (u64, u64)| (one.0 + two.0, one.1 + two.1);
        Counted { live: sum(self.live, other.live), total: sum(self.total, other.total) }
    }

    /// Readers divide by the number of live samples, where jemalloc counts no others.
    const fn is_shown(&self) -> bool {
        self.live.0 > 0 || self.total.0 > 0
    }
}

impl Display for Counted {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let Counted { live, total } = self;
        writeln!(out, "  t*: {}: {} [{}: {}]", live.0, live.1, total.0, total.1)
    }
}
