//! The text format of Prometheus, version 0.0.4:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use core::fmt::{Formatter, Result as FmtResult};

use tinyalloc_alloc::ClassStats;

use super::Report;
use super::fields::Field;
use super::names::Quoted;

const CALLS_HEAD: &str = "\
# HELP tinyalloc_system_calls_total made by the allocator
# TYPE tinyalloc_system_calls_total counter
";

pub(super) fn write_prometheus(report: &Report<'_>, out: &mut Formatter<'_>) -> FmtResult {
    report.each_field(out, write_field)?;
    write_classes(report, out, "spans", |class| class.spans)?;
    write_classes(report, out, "live_slots", |class| class.live_slots)?;
    write_classes(report, out, "free_slots", |class| class.free_slots)?;
    report.each_call(out, |report, out, field| {
        out.write_str(if field.comma().is_empty() { CALLS_HEAD } else { "" })?;
        let heap = Quoted::new(report.name);
        writeln!(out, "tinyalloc_system_calls_total{{heap=\"{heap}\",call=\"{}\"}} {}", field.name(), field.value())
    })
}

fn write_field(report: &Report<'_>, out: &mut Formatter<'_>, field: &Field) -> FmtResult {
    let (parting, unit) = if field.unit() == "count" { ("", "") } else { ("_", field.unit()) };
    let kind = if unit.ends_with("total") { "counter" } else { "gauge" };
    let (name, heap) = (field.name(), Quoted::new(report.name));
    writeln!(out, "# HELP tinyalloc_{name}{parting}{unit} {} {}", field.unit(), field.meaning())?;
    writeln!(out, "# TYPE tinyalloc_{name}{parting}{unit} {kind}")?;
    writeln!(out, "tinyalloc_{name}{parting}{unit}{{heap=\"{heap}\"}} {}", field.value())
}

#[inline(never)]
fn write_classes(report: &Report<'_>, out: &mut Formatter<'_>, name: &str, value: fn(&ClassStats) -> usize) -> FmtResult {
    writeln!(out, "# HELP tinyalloc_class_{name} by size class\n# TYPE tinyalloc_class_{name} gauge")?;
    report.each_class(out, |report, out, class, _| {
        let (heap, slot_bytes) = (Quoted::new(report.name), class.slot_bytes);
        writeln!(out, "tinyalloc_class_{name}{{heap=\"{heap}\",slot_bytes=\"{slot_bytes}\"}} {}", value(class))
    })
}
