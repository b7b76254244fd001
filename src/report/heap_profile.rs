//! Dumps of the heap profile: at the end of the process, on a signal, when the heap grows, and when
//! the program asks.
//!
//! The format is heap_v2, which jeprof and pprof read: samples by call site, then the mappings of
//! the process. Behind those come lines of JSON for the command `tinyalloc`, which other readers
//! pass over: the statistics, and of each site what heap_v2 has no place for.

use core::ffi::c_int;
use core::fmt::{Display, Formatter, Result as FmtResult};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use libc::{O_RDONLY, STDERR_FILENO, SYS_read, syscall};
use tinyalloc_alloc::{HeapSummary, LiveBlock, ProfileSummary, SiteProfile};
use tinyalloc_sys::{Mapper, SystemCalls, SystemMapper};

use super::build_id::write_module;
use super::late_dump::LateDump;
use super::names::Quoted;
use super::resident::Resident;
use super::stats_dump::PROCESS;
use super::{Format, Report, write_text_to, write_whole};
use crate::process::instance::ALLOCATOR;
use crate::process::message::write_text;
use crate::process::settings::SETTINGS;
use crate::process::thread::Thread;
use crate::support::path_pattern;
use crate::support::small_file::{close, open};

/// Where dumps go if no option says so.
pub(crate) const DEFAULT_FILE: &str = "tinyalloc.%p.%n.heap";
/// Whether a heap may have a profile.
pub(crate) const IS_THERE: bool = true;
/// The version of the lines of JSON.
const VERSION: u64 = 1;
/// A comment for readers of heap_v2. It tells the command that what is behind the mappings belongs
/// to the dump: without it, a dump that was cut off there would look whole.
pub(crate) const MARK: &str = "# tinyalloc\n";
/// Heaps that are copied while their lock is held.
const HEAPS_AT_ONCE: usize = 32;
/// A heap that has not grown by this much is not dumped for having grown.
const GROWTH_BYTES_MIN: u64 = 1024 * 1024;

#[unsafe(link_section = ".data")]
static DUMP: LateDump = LateDump::new();
/// Not a dump, but requested as one is.
#[unsafe(link_section = ".data")]
static TOGGLE: LateDump = LateDump::new();
/// Dumps so far.
#[unsafe(link_section = ".data")]
static NUMBER: AtomicUsize = AtomicUsize::new(0);
/// Live bytes at the last dump for growth.
#[unsafe(link_section = ".data")]
static DUMPED_BYTES: AtomicU64 = AtomicU64::new(0);

/// Runs after other destructors: the library is initialised first, and finished last.
#[used]
#[unsafe(link_section = ".fini_array.00101")]
static END: extern "C" fn() = end;

#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
extern "C" fn end() {
    if SETTINGS.has_profile() && !SETTINGS.skips_profile_at_exit() {
        DUMP.end();
        dump_as_configured();
    }
}

/// A signal requests a dump.
pub(crate) fn request() {
    DUMP.request(dump_as_configured);
}

/// A signal turns the profile on or off.
pub(crate) fn request_toggle() {
    TOGGLE.request(toggle);
}

/// Turns the profile off, or on with the interval that it had. False, and nothing was done, in a
/// signal handler that interrupted the allocator.
fn toggle() -> bool {
    if !is_at_hand() {
        return false;
    }
    let interval = if SETTINGS.profile_interval() > 0 { 0 } else { SETTINGS.profile_interval_before() };
    let is_done = ALLOCATOR.set_profile_interval(Thread, interval);
    if is_done {
        SETTINGS.set_profile_interval(interval);
    } else if is_at_hand() {
        write_text(
            STDERR_FILENO,
            &"tinyalloc: the heap profile stays off: every call is checked, or there is no memory for it\n",
        );
        return true;
    }
    // Beside a fork that lasts it is tried again.
    is_done
}

/// In the child of a fork, which has a profile of its own.
pub(crate) fn on_child() {
    DUMP.on_child();
    TOGGLE.on_child();
    DUMPED_BYTES.store(0, Ordering::Relaxed);
}

/// Forgets all samples; false, and nothing was done, in a signal handler that interrupted the
/// allocator, and beside a fork that lasts.
#[cfg(feature = "jemalloc")]
pub(crate) fn forget() -> bool {
    let is_done = ALLOCATOR.reset_profile(Thread);
    if is_done {
        DUMPED_BYTES.store(0, Ordering::Relaxed);
    }
    is_done
}

/// A slow allocation has finished: writes what a signal has requested meanwhile, and what is due
/// because the heap has grown.
#[inline]
pub(crate) fn on_allocation() {
    if SETTINGS.may_profile() {
        catch_up();
    }
}

#[cold]
#[inline(never)]
fn catch_up() {
    TOGGLE.answer(toggle);
    if !SETTINGS.has_profile() {
        return;
    }
    let (live, percent) = (ALLOCATOR.profiled_bytes(), u64::from(SETTINGS.profile_growth()));
    let dumped = DUMPED_BYTES.load(Ordering::Relaxed);
    let due = dumped + (dumped / 100 * percent).max(GROWTH_BYTES_MIN);
    if percent > 0 && live >= due && DUMPED_BYTES.compare_exchange(dumped, live, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        return DUMP.request(dump_as_configured);
    }
    DUMP.answer(dump_as_configured);
}

/// Writes a dump where the options say. False, and nothing was done, in a signal handler that
/// interrupted the allocator.
fn dump_as_configured() -> bool {
    if !is_at_hand() {
        return false;
    }
    let result = dump_to_file();
    if let Err(error) = result {
        write_text(STDERR_FILENO, &Failure(error));
    }
    true
}

/// Writes a dump to the file that the options name.
///
/// # Errors
/// An `errno`.
pub(crate) fn dump_to_file() -> Result<(), c_int> {
    dump_to_file_by(write_to)
}

/// As [`dump_to_file`], with what `write` writes.
pub(crate) fn dump_to_file_by(write: fn(c_int) -> Result<(), c_int>) -> Result<(), c_int> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let descriptor = match SETTINGS.profile_file().has_bytes() {
        true => path_pattern::create(&mut SETTINGS.profile_file().bytes(), number),
        false => path_pattern::create(&mut DEFAULT_FILE.bytes(), number),
    }?;
    let result = write(descriptor);
    close(descriptor);
    result
}

/// Whether the profile can be read: not by a signal handler that interrupted the allocator.
pub(crate) fn is_at_hand() -> bool {
    ALLOCATOR.profile_is_at_hand(Thread)
}

/// Writes a dump to a file descriptor.
///
/// # Errors
/// The `errno` of the write that failed; the rest is not written.
#[inline(never)]
pub(crate) fn write_to(descriptor: c_int) -> Result<(), c_int> {
    let summary = ALLOCATOR.profile_summary(Thread);
    write_text_to(&Samples(&summary), descriptor)?;
    write_behind_samples(&summary, descriptor)
}

/// The rest of a dump.
///
/// # Errors
/// As for [`write_to`].
pub(crate) fn write_behind_samples(summary: &ProfileSummary, descriptor: c_int) -> Result<(), c_int> {
    write_mappings(descriptor)?;
    write_text_to(&Details(summary), descriptor)?;
    Report::new(PROCESS, &ALLOCATOR.stats(Thread), Format::Json).with_calls(SystemCalls::so_far()).write_to(descriptor)
}

/// Copies the mappings of the process.
fn write_mappings(descriptor: c_int) -> Result<(), c_int> {
    write_whole(descriptor, b"\nMAPPED_LIBRARIES:\n")?;
    let Some(mappings) = open(c"/proc/self/maps", O_RDONLY) else {
        return Ok(());
    };
    let mut chunk = [0_u8; 1024];
    let mut result = Ok(());
    while result.is_ok() {
        // SAFETY: there is that much room.
        let bytes = unsafe { syscall(SYS_read, mappings, chunk.as_mut_ptr(), chunk.len()) };
        match usize::try_from(bytes).ok().and_then(|bytes| chunk.get(..bytes)) {
            Some(read) if !read.is_empty() => result = write_whole(descriptor, read),
            _ => break,
        }
    }
    close(mappings);
    result
}

pub(crate) fn sites(summary: &ProfileSummary) -> impl Iterator<Item = SiteProfile> {
    (0..summary.sites).map_while(|index| ALLOCATOR.profile_site(Thread, index))
}

/// The part in heap_v2.
struct Samples<'summary>(&'summary ProfileSummary);

impl Display for Samples<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let (mut live, mut total) = ((0, 0), (0, 0));
        for site in sites(self.0) {
            live = (live.0 + site.live.samples, live.1 + site.live.sampled_bytes);
            total = (total.0 + site.total.samples, total.1 + site.total.sampled_bytes);
        }
        writeln!(out, "heap profile: {}: {} [{}: {}] @ heap_v2/{}", live.0, live.1, total.0, total.1, self.0.interval.max(1))?;
        out.write_str(MARK)?;
        for site in sites(self.0) {
            let (live, total) = (site.live, site.total);
            write!(out, "{}: {} [{}: {}] @", live.samples, live.sampled_bytes, total.samples, total.sampled_bytes)?;
            for caller in site.callers() {
                write!(out, " {caller:#x}")?;
            }
            out.write_str("\n")?;
        }
        Ok(())
    }
}

/// The lines of JSON but for the statistics.
struct Details<'summary>(&'summary ProfileSummary);

impl Display for Details<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let ProfileSummary { interval, sites: _, live_bytes, peak_bytes, lost_samples, lost_frees } = *self.0;
        let numbers = [
            ("version", VERSION),
            ("interval", interval as u64),
            ("milliseconds", SystemMapper::new().now_milliseconds()),
            ("live_bytes", live_bytes),
            ("peak_bytes", peak_bytes),
            ("lost_samples", lost_samples),
            ("lost_frees", lost_frees),
        ];
        write_object(out, "\nTINYALLOC:\n{\"profile\":", &numbers)?;
        out.write_str("}\n")?;
        for site in sites(self.0) {
            write_site(&site, out)?;
        }
        let blocks = (0..).map_while(|index| ALLOCATOR.profile_block(Thread, index)).filter(|block| block.bytes > 0);
        for block in blocks {
            write_block(&block, out)?;
        }
        write_heaps(out)?;
        let resident = Resident::of_process(&mut |start| write_module(start, out));
        write_object(out, "{\"resident\":", &resident.parts())?;
        out.write_str("}\n")
    }
}

fn write_block(block: &LiveBlock, out: &mut Formatter<'_>) -> FmtResult {
    let LiveBlock { site, bytes, represents, requested, align, heap, origin: _, span_bytes: _, thread, made_at } = *block;
    let pins = ALLOCATOR.pinned_bytes(Thread, block);
    let numbers = [
        ("site", site as u64),
        ("bytes", bytes as u64),
        ("requested", requested as u64),
        ("alignment", align as u64),
        ("pins", pins as u64),
        ("heap", heap as u64),
        ("thread", thread as u64),
        ("represents", represents),
        ("milliseconds", made_at),
    ];
    write_object(out, "{\"block\":", &numbers)?;
    out.write_str("}\n")
}

fn write_heaps(out: &mut Formatter<'_>) -> FmtResult {
    let (mut before, mut some) = (usize::MAX, [HeapSummary::default(); HEAPS_AT_ONCE]);
    loop {
        let found = ALLOCATOR.sampled_heaps_before(Thread, before, &mut some);
        for heap in some.iter().take(found) {
            write_heap(heap, out)?;
            before = heap.number;
        }
        if found < HEAPS_AT_ONCE {
            return Ok(());
        }
    }
}

fn write_heap(heap: &HeapSummary, out: &mut Formatter<'_>) -> FmtResult {
    let HeapSummary { number, name, limit, charged } = heap;
    let name = Quoted::new(name.as_str());
    writeln!(out, "{{\"heap\":{{\"number\":{number},\"name\":\"{name}\",\"limit\":{limit},\"charged\":{charged}}}}}")
}

fn write_site(site: &SiteProfile, out: &mut Formatter<'_>) -> FmtResult {
    write_list(out, "{\"site\":{\"callers\":", &mut site.callers().iter().map(|caller| *caller as u64))?;
    for (name, tally) in [(",\"live\":", &site.live), (",\"peak\":", &site.peak), (",\"total\":", &site.total)] {
        write_object(out, name, &[("samples", tally.samples), ("blocks", tally.blocks()), ("bytes", tally.bytes)])?;
    }
    write!(out, ",\"freed_elsewhere\":{}", site.freed_elsewhere)?;
    let used = site.lifetimes.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
    write_list(out, ",\"lifetimes\":", &mut site.lifetimes.iter().take(used).map(|count| u64::from(*count)))?;
    out.write_str("}}\n")
}

#[inline(never)]
fn write_object(out: &mut Formatter<'_>, before: &str, numbers: &[(&str, u64)]) -> FmtResult {
    out.write_str(before)?;
    write_fields(out, numbers)?;
    out.write_str("}")
}

fn write_fields(out: &mut Formatter<'_>, numbers: &[(&str, u64)]) -> FmtResult {
    let mut comma = '{';
    for (name, number) in numbers {
        write!(out, "{comma}\"{name}\":{number}")?;
        comma = ',';
    }
    Ok(())
}

#[inline(never)]
fn write_list(out: &mut Formatter<'_>, before: &str, numbers: &mut dyn Iterator<Item = u64>) -> FmtResult {
    out.write_str(before)?;
    let mut comma = "[";
    for number in numbers {
        write!(out, "{comma}{number}")?;
        comma = ",";
    }
    out.write_str(if comma == "[" { "[]" } else { "]" })
}

/// Why there is no dump, in one line.
struct Failure(c_int);

impl Display for Failure {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        writeln!(out, "tinyalloc: no heap profile was written: errno {}", self.0)
    }
}
