//! The text format: a table.

use core::fmt::{Formatter, Result as FmtResult};

use super::Report;
use super::fields::Field;

pub(super) fn write_text(report: &Report<'_>, out: &mut Formatter<'_>) -> FmtResult {
    writeln!(out, "tinyalloc {}: {}", env!("CARGO_PKG_VERSION"), report.name)?;
    report.each_field(out, write_field)?;
    report.each_call(out, write_field)?;
    out.write_str("slot bytes    spans   live slots   free slots\n")?;
    report.each_class(out, |_, out, class, _| {
        writeln!(out, "{:>10} {:>8} {:>12} {:>12}", class.slot_bytes, class.spans, class.live_slots, class.free_slots)
    })
}

fn write_field(_report: &Report<'_>, out: &mut Formatter<'_>, field: &Field) -> FmtResult {
    writeln!(out, "{:<22}{:>16}", field.name(), field.value())
}
