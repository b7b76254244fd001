//! Reports on a heap as text, JSON, Prometheus text or XML: all from one source and without an
//! allocation.
//!
//! A report has a name and the statistics, of the process or of a heap.

mod fields;
mod names;

mod json;
mod prometheus;
mod text;
mod xml;

#[cfg(unix)]
pub(crate) mod late_dump;
pub(crate) mod stats_dump;

#[cfg(unix)]
mod build_id;

#[cfg(unix)]
pub(crate) mod resident;

#[cfg(unix)]
pub(crate) mod heap_profile;
#[cfg(windows)]
#[path = "heap_profile_windows.rs"]
pub(crate) mod heap_profile;

#[cfg(unix)]
pub(crate) mod probes;
#[cfg(windows)]
#[path = "probes_windows.rs"]
pub(crate) mod probes;
#[cfg(unix)]
pub(crate) mod requests;
#[cfg(windows)]
#[path = "requests_windows.rs"]
pub(crate) mod requests;

use core::ffi::c_int;
use core::fmt::{Display, Formatter, Result as FmtResult};

use libc::EINTR;
use tinyalloc_alloc::Stats;
use tinyalloc_sys::SystemCalls;

use crate::support::chunked_writer::write_in_chunks;
use crate::support::errno::errno;
use crate::support::small_file;

use json::write_json;
use prometheus::write_prometheus;
use text::write_text;
use xml::write_xml;

/// The format of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A table to read.
    #[default]
    Text,
    /// One JSON object on one line.
    Json,
    /// The text format of Prometheus and OpenMetrics.
    Prometheus,
    /// The format of `malloc_info`.
    Xml,
}

/// A report on one heap: `write!(out, "{report}")` allocates nothing.
#[derive(Clone, Copy, Debug)]
pub struct Report<'heap> {
    name: &'heap str,
    format: Format,
    stats: &'heap Stats,
    calls: Option<SystemCalls>,
}

impl<'heap> Report<'heap> {
    /// A report on the heap with that name.
    #[must_use]
    pub const fn new(name: &'heap str, stats: &'heap Stats, format: Format) -> Report<'heap> {
        Report { name, format, stats, calls: None }
    }

    /// Adds the system calls, which are counted for the whole process.
    #[must_use]
    pub const fn with_calls(self, calls: SystemCalls) -> Report<'heap> {
        Report { calls: Some(calls), ..self }
    }

    /// Writes the report to a file descriptor, as [`write_text_to`] does.
    ///
    /// # Errors
    /// As for [`write_text_to`].
    pub(crate) fn write_to(&self, descriptor: c_int) -> Result<(), c_int> {
        write_text_to(self, descriptor)
    }
}

impl Display for Report<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        match self.format {
            Format::Text => write_text(self, out),
            Format::Json => write_json(self, out),
            Format::Prometheus => write_prometheus(self, out),
            Format::Xml => write_xml(self, out),
        }
    }
}

/// Writes text to a file descriptor. Safe in signal handlers, and no cancellation point.
///
/// # Errors
/// The `errno` of the write that failed; the rest of the text is not written.
pub(crate) fn write_text_to(text: &dyn Display, descriptor: c_int) -> Result<(), c_int> {
    let mut result = Ok(());
    write_in_chunks(text, &mut |chunk: &[u8]| {
        if result.is_ok() {
            result = write_whole(descriptor, chunk);
        }
    });
    result
}

/// Repeats partial writes: a pipe may take a part of the bytes.
fn write_whole(descriptor: c_int, mut bytes: &[u8]) -> Result<(), c_int> {
    while !bytes.is_empty() {
        let written = small_file::write(descriptor, bytes);
        match usize::try_from(written) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(_) if errno() == EINTR => {}
            Err(_) => return Err(errno()),
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_types, reason = "tests may allocate")]
mod tests {
    extern crate std;

    use std::string::{String, ToString};

    use tinyalloc_alloc::Stats;
    use tinyalloc_sys::SystemCalls;

    use super::{Format, Report, write_in_chunks};

    fn stats() -> Stats {
        let mut stats = Stats { allocated: 11, purged: 19, ..Stats::default() };
        stats.classes[1].slot_bytes = 32;
        stats.classes[1].spans = 1;
        stats.classes[1].live_slots = 5;
        stats.classes[1].free_slots = 7;
        stats
    }

    fn written(name: &str, format: Format) -> String {
        Report::new(name, &stats(), format).with_calls(SystemCalls { mmap: 23, ..SystemCalls::default() }).to_string()
    }

    #[test]
    fn json_holds_every_number_under_its_name() {
        let json = written("a \"quoted\\ name\n", Format::Json);
        assert!(json.starts_with(r#"{"tinyalloc":{"version":""#));
        assert!(json.contains(r#""name":"a \"quoted\\ name?""#));
        assert!(json.contains(r#""stats":{"allocated":11,"#) && json.contains(r#","purged":19}"#));
        assert!(json.contains(r#""syscalls":{"mmap":23,"#));
        assert!(json.ends_with("\"bins\":[{\"size\":32,\"spans\":1,\"live\":5,\"free\":7}]}}\n"));
    }

    #[test]
    fn prometheus_text_says_the_type_of_every_metric_once_and_before_it() {
        let text = written("arena", Format::Prometheus);
        assert!(text.contains("# TYPE tinyalloc_allocated_bytes gauge\ntinyalloc_allocated_bytes{heap=\"arena\"} 11\n"));
        assert!(text.contains("# TYPE tinyalloc_purged_bytes_total counter\ntinyalloc_purged_bytes_total{heap=\"arena\"} 19\n"));
        assert!(text.contains("tinyalloc_class_live_slots{heap=\"arena\",slot_bytes=\"32\"} 5\n"));
        assert!(text.contains("tinyalloc_system_calls_total{heap=\"arena\",call=\"mmap\"} 23\n"));
        let types = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        assert_eq!(types, text.lines().filter(|line| line.starts_with("# HELP")).count());
    }

    #[test]
    fn xml_escapes_the_name() {
        let xml = written("<a & b>", Format::Xml);
        assert!(xml.starts_with("<malloc version=\"1\">\n") && xml.ends_with("</malloc>\n"));
        assert!(xml.contains("heap=\"&lt;a &amp; b&gt;\""));
    }

    #[test]
    fn text_has_a_line_for_every_number() {
        let text = written("process", Format::Text);
        assert!(text.lines().any(|line| line.split_whitespace().eq(["allocated", "11"])));
        assert!(text.lines().any(|line| line.split_whitespace().eq(["32", "1", "5", "7"])));
    }

    #[test]
    fn chunks_put_together_are_the_report() {
        let (stats, mut joined) = (stats(), std::vec![]);
        let report = Report::new("process", &stats, Format::Prometheus);
        write_in_chunks(&report, &mut |chunk: &[u8]| joined.extend_from_slice(chunk));
        assert_eq!(joined, report.to_string().into_bytes());
    }
}
