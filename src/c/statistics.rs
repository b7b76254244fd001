//! Statistics as numbers and as text: `ta_stats` and related functions.

use core::ffi::{c_char, c_int, c_uint, c_void};
use core::fmt::Display;

use tinyalloc_alloc::{CLASS_COUNT, ClassStats, NodeStats, Stats};
use tinyalloc_sys::SystemCalls;

use super::results::{failure_and, invalid};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;
use crate::report::stats_dump::PROCESS;
use crate::report::{Format, Report};
use crate::support::chunked_writer::write_in_chunks;

/// A table to read.
pub const TA_FORMAT_TEXT: c_int = 0;
/// One JSON object, on one line.
pub const TA_FORMAT_JSON: c_int = 1;
/// The text format of Prometheus.
pub const TA_FORMAT_PROMETHEUS: c_int = 2;
/// XML, as malloc_info(3) writes it.
pub const TA_FORMAT_XML: c_int = 3;

/// What a heap holds. Sizes are in bytes. What jemalloc counts too has jemalloc's name and meaning.
///
/// Exact for the calling thread and for all that is quiet; free slots that another running thread
/// keeps ready count as live. Later versions add fields at the end, and only there.
#[repr(C)]
pub struct TaStats {
    /// In live blocks, requests rounded up to their slots.
    allocated: usize,
    /// In spans and blocks, or free and not returned yet, and metadata.
    committed: usize,
    /// Address space.
    reserved: usize,
    /// For the allocator's own records.
    metadata: usize,
    /// Small slots that can be had without touching another page; a count.
    free_slots: usize,
    /// Small slots in use; a count.
    live_slots: usize,
    /// Runs of pages in use, for small slots or for one large block; a count.
    spans: usize,
    /// Live blocks above 32 KiB and below 32 MiB; a count.
    large_blocks: usize,
    /// Live blocks with a mapping of their own; a count.
    huge_blocks: usize,
    /// Thread heaps made so far, one per thread that allocates at a time; a count.
    heaps: usize,
    /// Times that memory was returned to the system.
    purges: usize,
    /// Returned to the system, in all.
    purged_bytes: usize,
    /// In pages of spans that hold or held live slots, and in blocks.
    active: usize,
    /// In memory at most: active, free and not returned yet, metadata.
    resident: usize,
    /// In spans and blocks.
    mapped: usize,
    /// Address space kept without memory.
    retained: usize,
    /// Free and not returned yet.
    resident_free: usize,
    /// In blocks with a mapping of their own.
    huge: usize,
    /// Slots that came home from other threads' frees; a count.
    remote_frees: usize,
    /// Calls of mmap(2) since the process started. These six are the whole process's, and 0 for any
    /// other heap.
    mmap_calls: usize,
    /// Calls of munmap(2).
    munmap_calls: usize,
    /// Calls of mprotect(2).
    mprotect_calls: usize,
    /// Calls of madvise(2).
    madvise_calls: usize,
    /// Calls of mremap(2).
    mremap_calls: usize,
    /// Calls of futex(2).
    futex_calls: usize,
}

impl TaStats {
    #[inline(never)]
    pub(crate) fn new(stats: &Stats, calls: SystemCalls) -> TaStats {
        TaStats {
            allocated: stats.allocated,
            committed: stats.committed,
            reserved: stats.reserved,
            metadata: stats.metadata,
            free_slots: stats.free_slots,
            live_slots: stats.live_slots,
            spans: stats.spans,
            large_blocks: stats.large_blocks,
            huge_blocks: stats.huge_blocks,
            heaps: stats.heaps,
            purges: stats.purges,
            purged_bytes: stats.purged,
            active: stats.active,
            resident: stats.resident,
            mapped: stats.mapped,
            retained: stats.retained,
            resident_free: stats.resident_free,
            huge: stats.huge,
            remote_frees: stats.remote_frees,
            mmap_calls: calls.mmap,
            munmap_calls: calls.munmap,
            mprotect_calls: calls.mprotect,
            madvise_calls: calls.madvise,
            mremap_calls: calls.mremap,
            futex_calls: calls.futex,
        }
    }

    /// Copies as many fields as the caller knows; -1 and `EINVAL` for a null `out`.
    ///
    /// # Safety
    /// `out` is null, or valid for a write of `out_bytes` bytes.
    pub(crate) unsafe fn copy_to(&self, out: *mut TaStats, out_bytes: usize) -> c_int {
        if out.is_null() {
            return invalid();
        }
        let bytes = out_bytes.min(size_of::<TaStats>());
        // SAFETY: the caller's promise.
        unsafe { out.cast::<u8>().copy_from((&raw const *self).cast(), bytes) };
        0
    }
}

/// Slots of one size.
#[repr(C)]
pub struct TaClassStats {
    /// Bytes of one slot.
    slot_bytes: usize,
    /// Spans cut into such slots.
    spans: usize,
    /// Slots in use.
    live_slots: usize,
    /// Slots that can be had without touching another page.
    free_slots: usize,
}

impl TaClassStats {
    fn new(class: ClassStats) -> TaClassStats {
        let ClassStats { slot_bytes, spans, live_slots, free_slots, slots: _ } = class;
        TaClassStats { slot_bytes, spans, live_slots, free_slots }
    }
}

/// What the heap has of one node's memory. Large blocks with a mapping of their own are not
/// counted.
#[repr(C)]
pub struct TaNodeStats {
    /// The node's number, as the system counts.
    node: c_uint,
    /// Bytes in spans and large blocks.
    used: usize,
    /// Bytes that are free and not decommitted yet.
    resident_free: usize,
}

impl TaNodeStats {
    fn new(stats: NodeStats) -> TaNodeStats {
        let NodeStats { node, used, resident_free } = stats;
        TaNodeStats { node, used, resident_free }
    }
}

/// Receives a part of a text: `bytes` bytes at `text`, without a null byte behind them. It may not
/// allocate if the caller may not.
pub type TaWriteFn = Option<unsafe extern "C" fn(context: *mut c_void, text: *const c_char, bytes: usize)>;

/// Fills in `*out`, or as much of it as `out_bytes` covers: pass `sizeof *out`. Allocates nothing.
///
/// Returns 0, or -1 with errno EINVAL when `out` is null.
///
/// # Safety
/// `out` is valid for a write of `out_bytes` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_stats(out: *mut TaStats, out_bytes: usize) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { TaStats::new(&ALLOCATOR.stats(Thread), SystemCalls::so_far()).copy_to(out, out_bytes) }
}

/// Fills in one entry for each size of slot, smallest first, as many as `count` allows. Allocates
/// nothing.
///
/// Returns how many sizes there are, whatever `count` is.
///
/// # Safety
/// `out` is valid for a write of `count` entries; it may be null if `count` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_stats_classes(out: *mut TaClassStats, count: usize) -> usize {
    let stats = if out.is_null() { Stats::default() } else { ALLOCATOR.stats(Thread) };
    for (at, class) in stats.classes.iter().enumerate().take(if out.is_null() { 0 } else { count }) {
        // SAFETY: the caller's promise: `count` entries fit.
        let entry = unsafe { out.add(at) };
        // SAFETY: as above.
        unsafe { entry.write(TaClassStats::new(*class)) };
    }
    CLASS_COUNT
}

/// Fills in one entry for each node of the machine's memory (NUMA) that threads of the process were
/// seen on, lowest first, as many as `count` allows. Allocates nothing.
///
/// Returns how many nodes there are, whatever `count` is. On a machine with one node it is one.
///
/// # Safety
/// `out` is valid for a write of `count` entries; it may be null if `count` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_stats_nodes(out: *mut TaNodeStats, count: usize) -> usize {
    let count = if out.is_null() { 0 } else { count };
    let mut nodes = 0;
    for stats in (0..u64::BITS).filter_map(|node| ALLOCATOR.node_stats(Thread, node)) {
        if nodes < count {
            // SAFETY: the caller's promise: `count` entries fit.
            let entry = unsafe { out.add(nodes) };
            // SAFETY: as above.
            unsafe { entry.write(TaNodeStats::new(stats)) };
        }
        nodes += 1;
    }
    nodes
}

/// Writes what the process's heap holds to a file descriptor. Allocates nothing.
///
/// Returns 0, or -1 with errno EINVAL for an unknown format, or as write(2) sets it.
#[unsafe(no_mangle)]
pub extern "C" fn ta_stats_print(format: c_int, descriptor: c_int) -> c_int {
    with_report(format, |report| print(report, descriptor)).unwrap_or_else(invalid)
}

/// Hands what the process's heap holds to `write`, in parts of up to 512 bytes, with `context`.
/// Allocates nothing, and holds no lock while `write` runs.
///
/// Returns 0, or -1 with errno EINVAL for an unknown format or a null `write`.
///
/// # Safety
/// `write` may be called with `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_stats_write(format: c_int, write: TaWriteFn, context: *mut c_void) -> c_int {
    let Some(write) = write else {
        return invalid();
    };
    // SAFETY: the caller's promise.
    with_report(format, |report| unsafe { hand_on(report, write, context) }).unwrap_or_else(invalid)
}

/// Writes what the process's heap holds to a buffer, cut to what fits, with a null byte at its end.
/// Allocates nothing.
///
/// Returns the characters of the whole text, as snprintf(3) does, or 0 with errno EINVAL for an
/// unknown format.
///
/// # Safety
/// `out` is valid for a write of `out_bytes` bytes; it may be null if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_stats_snprint(format: c_int, out: *mut c_char, out_bytes: usize) -> usize {
    // SAFETY: the caller's promise.
    with_report(format, |report| unsafe { copy(report, out, out_bytes) }).unwrap_or_else(|| {
        invalid();
        0
    })
}

fn with_report<R>(format: c_int, take: impl FnOnce(&Report<'_>) -> R) -> Option<R> {
    let format = format_of(format)?;
    let stats = ALLOCATOR.stats(Thread);
    Some(take(&Report::new(PROCESS, &stats, format).with_calls(SystemCalls::so_far())))
}

/// The format that a number of the C API represents.
pub(crate) fn format_of(format: c_int) -> Option<Format> {
    match format {
        TA_FORMAT_TEXT => Some(Format::Text),
        TA_FORMAT_JSON => Some(Format::Json),
        TA_FORMAT_PROMETHEUS => Some(Format::Prometheus),
        TA_FORMAT_XML => Some(Format::Xml),
        _ => None,
    }
}

/// Passes a report to `write` in chunks; returns 0.
///
/// # Safety
/// `write` may be called with `context`.
pub(crate) unsafe fn hand_on(
    report: &Report<'_>,
    write: unsafe extern "C" fn(*mut c_void, *const c_char, usize),
    context: *mut c_void,
) -> c_int {
    write_in_chunks(report, &mut |chunk: &[u8]| {
        // SAFETY: the caller's promise.
        unsafe { write(context, chunk.as_ptr().cast(), chunk.len()) };
    });
    0
}

/// Writes a report to a file descriptor. Returns 0, or -1 and `errno`.
pub(crate) fn print(report: &Report<'_>, descriptor: c_int) -> c_int {
    match report.write_to(descriptor) {
        Ok(()) => 0,
        Err(error) => failure_and(error),
    }
}

/// Writes text to a buffer, cut to fit, with a null byte at its end. Returns the length of the
/// whole text, as snprintf(3) does.
///
/// # Safety
/// `out` is valid for a write of `out_bytes` bytes, or null.
#[inline(never)]
pub(crate) unsafe fn copy(text: &dyn Display, out: *mut c_char, out_bytes: usize) -> usize {
    let room_bytes = if out.is_null() { 0 } else { out_bytes };
    let mut length = 0;
    write_in_chunks(text, &mut |chunk: &[u8]| {
        let taken = chunk.len().min(room_bytes.saturating_sub(length));
        let to = out.cast::<u8>().wrapping_add(length);
        // SAFETY: the caller's promise: the chunk fits.
        unsafe { to.copy_from_nonoverlapping(chunk.as_ptr(), taken) };
        length += chunk.len();
    });
    if let Some(last) = room_bytes.checked_sub(1) {
        // SAFETY: within the buffer.
        unsafe { out.wrapping_add(length.min(last)).write(0) };
    }
    length
}
