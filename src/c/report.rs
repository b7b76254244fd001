//! What the heap holds, through the C library's own windows: mallinfo, malloc_stats, malloc_info, malloc_trim; and `ta_stats`.

use core::ffi::{c_int, c_void};
use core::fmt::{Display, Formatter, Result as FmtResult, Write};

use libc::{EINVAL, FILE, STDERR_FILENO, fwrite, mallinfo, mallinfo2};
use tinyalloc_alloc::{ClassStats, Stats};

use super::errno::set_errno;
use crate::process::{ALLOCATOR, write_all};
use crate::thread::Thread;

/// `struct ta_stats` of `tinyalloc.h`.
#[repr(C)]
pub struct TaStats {
    allocated: usize,
    committed: usize,
    reserved: usize,
    metadata: usize,
    free_slots: usize,
    live_slots: usize,
    spans: usize,
    large_blocks: usize,
    huge_blocks: usize,
    heaps: usize,
    purges: usize,
    purged_bytes: usize,
}

/// Fills in `*out`, or as much of it as `out_bytes` covers. Returns 0, or -1 and `EINVAL` when `out` is null.
///
/// # Safety
/// `out` is valid for a write of `out_bytes` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_stats(out: *mut c_void, out_bytes: usize) -> c_int {
    if out.is_null() {
        set_errno(EINVAL);
        return -1;
    }
    let stats = ALLOCATOR.stats(Thread);
    let stats = TaStats {
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
    };
    let bytes = out_bytes.min(size_of::<TaStats>());
    // SAFETY: the caller's promise.
    unsafe { out.cast::<u8>().copy_from((&raw const stats).cast(), bytes) };
    0
}

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

/// Gives all that is free back to the system; 1 if anything was. `pad`, what to keep at the top, means nothing here.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_trim(_pad: usize) -> c_int {
    ALLOCATOR.purge_all(Thread).into()
}

/// Accepts every parameter of the C library and changes nothing: none of them has a counterpart here. Returns 1.
#[unsafe(no_mangle)]
pub extern "C" fn mallopt(_parameter: c_int, _value: c_int) -> c_int {
    1
}

/// Writes a summary to standard error.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_stats() {
    let stats = ALLOCATOR.stats(Thread);
    let mut text = Text::new(|bytes| write_all(STDERR_FILENO, bytes));
    let _ = write!(text, "{}", Summary(&stats));
    text.flush();
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
    let mut text = Text::new(|bytes| {
        // SAFETY: the caller's promise.
        unsafe { fwrite(bytes.as_ptr().cast(), 1, bytes.len(), stream) };
    });
    let _ = write!(text, "{}", Xml(&stats));
    text.flush();
    0
}

/// Collects text on the stack and hands it on in pieces.
struct Text<Sink: FnMut(&[u8])> {
    bytes: [u8; 512],
    length: usize,
    sink: Sink,
}

impl<Sink: FnMut(&[u8])> Text<Sink> {
    fn new(sink: Sink) -> Text<Sink> {
        Text { bytes: [0; 512], length: 0, sink }
    }

    fn flush(&mut self) {
        (self.sink)(&self.bytes[..self.length]);
        self.length = 0;
    }
}

impl<Sink: FnMut(&[u8])> Write for Text<Sink> {
    fn write_str(&mut self, text: &str) -> FmtResult {
        for byte in text.bytes() {
            if self.length == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.length] = byte;
            self.length += 1;
        }
        Ok(())
    }
}

fn used_classes(stats: &Stats) -> impl Iterator<Item = &ClassStats> {
    stats.classes.iter().filter(|class| class.spans > 0)
}

struct Summary<'stats>(&'stats Stats);

impl Display for Summary<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let stats = self.0;
        writeln!(out, "tinyalloc {}", env!("CARGO_PKG_VERSION"))?;
        let rows = [
            ("allocated bytes", stats.allocated),
            ("committed bytes", stats.committed),
            ("free, resident bytes", stats.resident_free),
            ("metadata bytes", stats.metadata),
            ("reserved bytes", stats.reserved),
            ("heaps", stats.heaps),
            ("spans", stats.spans),
            ("large blocks", stats.large_blocks),
            ("huge blocks", stats.huge_blocks),
            ("purges", stats.purges),
            ("purged bytes", stats.purged),
        ];
        for (name, value) in rows {
            writeln!(out, "{name:<22}{value:>16}")?;
        }
        writeln!(out, "{:>10} {:>8} {:>12} {:>12}", "slot bytes", "spans", "live slots", "free slots")?;
        for class in used_classes(stats) {
            writeln!(out, "{:>10} {:>8} {:>12} {:>12}", class.slot_bytes, class.spans, class.live_slots, class.free_slots)?;
        }
        Ok(())
    }
}

struct Xml<'stats>(&'stats Stats);

impl Display for Xml<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        let stats = self.0;
        writeln!(out, "<malloc version=\"1\">")?;
        writeln!(out, "<allocator name=\"tinyalloc\" version=\"{}\"/>", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "<sizes>")?;
        for class in used_classes(stats) {
            let ClassStats { slot_bytes, spans, live_slots, free_slots } = class;
            writeln!(out, "  <size bytes=\"{slot_bytes}\" spans=\"{spans}\" live=\"{live_slots}\" free=\"{free_slots}\"/>")?;
        }
        writeln!(out, "</sizes>")?;
        writeln!(out, "<total type=\"allocated\" size=\"{}\"/>", stats.allocated)?;
        writeln!(out, "<total type=\"large\" count=\"{}\"/>", stats.large_blocks)?;
        writeln!(out, "<total type=\"mmap\" count=\"{}\" size=\"{}\"/>", stats.huge_blocks, stats.huge)?;
        writeln!(out, "<system type=\"current\" size=\"{}\"/>", stats.committed)?;
        writeln!(out, "<system type=\"metadata\" size=\"{}\"/>", stats.metadata)?;
        writeln!(out, "<aspace type=\"total\" size=\"{}\"/>", stats.reserved)?;
        writeln!(out, "</malloc>")
    }
}
