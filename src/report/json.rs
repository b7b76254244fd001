//! JSON, RFC 8259: keys as jemalloc's `malloc_stats_print` writes them.

use core::fmt::{Formatter, Result as FmtResult};

use super::Report;
use super::fields::Field;
use super::names::Quoted;

pub(super) fn write_json(report: &Report<'_>, out: &mut Formatter<'_>) -> FmtResult {
    let version = env!("CARGO_PKG_VERSION");
    write!(out, "{{\"tinyalloc\":{{\"version\":\"{version}\",\"name\":\"{}\",\"stats\":{{", Quoted::new(report.name))?;
    report.each_field(out, write_field)?;
    if report.calls.is_some() {
        out.write_str("},\"syscalls\":{")?;
        report.each_call(out, write_field)?;
    }
    out.write_str("},\"bins\":[")?;
    report.each_class(out, |_, out, class, is_first| {
        let comma = if is_first { "" } else { "," };
        write!(out, "{comma}{{\"size\":{},\"spans\":{},", class.slot_bytes, class.spans)?;
        write!(out, "\"live\":{},\"free\":{}}}", class.live_slots, class.free_slots)
    })?;
    out.write_str("]}}\n")
}

fn write_field(_report: &Report<'_>, out: &mut Formatter<'_>, field: &Field) -> FmtResult {
    write!(out, "{}\"{}\":{}", field.comma(), field.name(), field.value())
}
