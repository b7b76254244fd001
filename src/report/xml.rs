//! XML in the manner of the GNU C library's `malloc_info`.

use core::fmt::{Formatter, Result as FmtResult};

use super::Report;
use super::names::Attribute;

pub(super) fn write_xml(report: &Report<'_>, out: &mut Formatter<'_>) -> FmtResult {
    let (version, heap, stats) = (env!("CARGO_PKG_VERSION"), Attribute::new(report.name), report.stats);
    out.write_str("<malloc version=\"1\">\n")?;
    writeln!(out, "<allocator name=\"tinyalloc\" version=\"{version}\" heap=\"{heap}\"/>\n<sizes>")?;
    report.each_class(out, |_, out, class, _| {
        write!(out, "  <size bytes=\"{}\" spans=\"{}\" ", class.slot_bytes, class.spans)?;
        writeln!(out, "live=\"{}\" free=\"{}\"/>", class.live_slots, class.free_slots)
    })?;
    writeln!(out, "</sizes>\n<total type=\"allocated\" size=\"{}\"/>", stats.allocated)?;
    writeln!(out, "<total type=\"large\" count=\"{}\"/>", stats.large_blocks)?;
    writeln!(out, "<total type=\"mmap\" count=\"{}\" size=\"{}\"/>", stats.huge_blocks, stats.huge)?;
    writeln!(out, "<system type=\"current\" size=\"{}\"/>", stats.committed)?;
    writeln!(out, "<system type=\"metadata\" size=\"{}\"/>", stats.metadata)?;
    writeln!(out, "<aspace type=\"total\" size=\"{}\"/>", stats.reserved)?;
    report.each_field(out, |_, out, field| writeln!(out, "<{0}>{1}</{0}>", field.name(), field.value()))?;
    report.each_call(out, |_, out, field| writeln!(out, "<calls type=\"{}\" count=\"{}\"/>", field.name(), field.value()))?;
    out.write_str("</malloc>\n")
}
