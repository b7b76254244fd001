//! What `malloc_stats_print` writes, as text or JSON: the table of names with its values, in
//! jemalloc's order and under its headings. What is not answered is not there.

use core::fmt::{Display, Formatter, Result as FmtResult};

use tinyalloc_alloc::{CLASS_COUNT, SizeClass};

use super::arenas::{ALL, arena, numbers};
use super::mib::is_number;
use super::names::{Access, NAMES, Name, Place};
use super::snapshot::class_of_arena;
use super::value::Value;

const SECTIONS: [&str; 4] = ["config.", "opt.", "arenas.", "prof."];
const ARENA: &str = "stats.arenas.<s>.";
/// They have a heading of their own.
const ARENAS: &str = "arenas";

/// What is left out, by the letters of jemalloc(3).
#[derive(Clone, Copy, Default)]
pub(super) struct Parts {
    pub is_json: bool,
    pub no_general: bool,
    pub no_merged: bool,
    pub no_arenas: bool,
    pub no_bins: bool,
}

impl Parts {
    pub(super) fn of(letters: &[u8]) -> Parts {
        let has = |letter: u8| letters.contains(&letter);
        Parts { is_json: has(b'J'), no_general: has(b'g'), no_merged: has(b'm'), no_arenas: has(b'a'), no_bins: has(b'b') }
    }
}

impl Display for Parts {
    fn fmt(&self, out: &mut Formatter<'_>) -> FmtResult {
        if self.is_json { self.write_json(out) } else { self.write_text(out) }
    }
}

fn value_of(row: &Name, place: Place) -> Option<Value> {
    match row.access() {
        Access::Reads(read) | Access::Sets(read, _) => read(place).ok(),
        Access::Takes(..) | Access::Acts(_) | Access::Trades(_) => None,
    }
}

/// The rows that begin so, each with what follows.
fn rows(prefix: &'static str) -> impl Iterator<Item = (&'static Name, &'static str)> {
    NAMES.iter().filter_map(move |row| Some((row, row.pattern().strip_prefix(prefix)?)))
}

/// The arenas that there are.
fn arenas() -> impl Iterator<Item = usize> {
    (0..numbers()).filter(|number| arena(*number).is_some())
}

/// JSON.
impl Parts {
    fn write_json(self, out: &mut Formatter<'_>) -> FmtResult {
        out.write_str("{\"jemalloc\":{")?;
        write_member(out, "", "version", [0; 2])?;
        if !self.no_general {
            for section in SECTIONS {
                write!(out, ",\"{}\":", section.trim_end_matches('.'))?;
                self.write_object(out, section, [0; 2])?;
            }
        }
        out.write_str(",\"stats\":")?;
        self.write_object(out, "stats.", [0; 2])?;
        out.write_str(",\"stats.arenas\":{")?;
        let mut comma = "";
        if !self.no_merged {
            out.write_str("\"merged\":")?;
            self.write_object(out, ARENA, [ALL, 0])?;
            comma = ",";
        }
        for number in arenas().filter(|_| !self.no_arenas) {
            write!(out, "{comma}\"{number}\":")?;
            self.write_object(out, ARENA, [number, 0])?;
            comma = ",";
        }
        out.write_str("}}}\n")
    }

    /// The names with that prefix: values, and what is below a further component.
    fn write_object(self, out: &mut Formatter<'_>, prefix: &'static str, place: Place) -> FmtResult {
        let (mut comma, mut before) = ("{", "");
        for (row, rest) in rows(prefix) {
            let (component, below) = rest.split_once('.').unwrap_or((rest, ""));
            if component == before || self.leaves_out(prefix, component) {
                continue;
            }
            before = component;
            if below.is_empty() && value_of(row, place).is_none() {
                continue;
            }
            out.write_str(comma)?;
            comma = ",";
            if below.is_empty() {
                write_member(out, prefix, component, place)?;
                continue;
            }
            write!(out, "\"{component}\":")?;
            let bytes = prefix.len() + component.len() + 1;
            if is_number(below) {
                self.write_list(out, row.pattern().get(..bytes + "<b>.".len()).unwrap_or_default(), place)?;
            } else {
                self.write_object(out, row.pattern().get(..bytes).unwrap_or_default(), place)?;
            }
        }
        out.write_str(if comma == "{" { "{}" } else { "}" })
    }

    fn leaves_out(self, prefix: &str, component: &str) -> bool {
        prefix == "stats." && component == ARENAS || self.no_bins && ["bin", "bins"].contains(&component)
    }

    /// One object for each size class.
    fn write_list(self, out: &mut Formatter<'_>, prefix: &'static str, [first, _]: Place) -> FmtResult {
        let is_of_an_arena = prefix.starts_with(ARENA);
        let mut comma = "[";
        for class in 0..CLASS_COUNT {
            out.write_str(comma)?;
            comma = ",";
            self.write_object(out, prefix, if is_of_an_arena { [first, class] } else { [class, 0] })?;
        }
        out.write_str("]")
    }
}

fn write_member(out: &mut Formatter<'_>, prefix: &'static str, name: &str, place: Place) -> FmtResult {
    let row = rows(prefix).find(|(_, rest)| *rest == name);
    match row.and_then(|(row, _)| value_of(row, place)) {
        Some(value) => {
            write!(out, "\"{name}\":")?;
            value.write(out, "\"")
        }
        None => Ok(()),
    }
}

/// Text.
impl Parts {
    fn write_text(self, out: &mut Formatter<'_>) -> FmtResult {
        out.write_str("___ Begin jemalloc statistics ___\n")?;
        write_lines(out, "", "version", [0; 2])?;
        if !self.no_general {
            for section in SECTIONS {
                write_lines(out, section, "", [0; 2])?;
            }
        }
        let mut comma = "";
        for (row, name) in rows("stats.").filter(|(_, name)| !name.contains('.')) {
            let Some(value) = value_of(row, [0; 2]) else {
                continue;
            };
            let name = if comma.is_empty() { "Allocated" } else { name };
            write!(out, "{comma}{name}: ")?;
            value.write(out, "")?;
            comma = ", ";
        }
        out.write_str("\n")?;
        if !self.no_merged {
            self.write_arena(out, ALL, "Merged arenas stats:")?;
        }
        for number in arenas().filter(|_| !self.no_arenas) {
            self.write_arena(out, number, "arenas[i]:")?;
        }
        out.write_str("--- End jemalloc statistics ---\n")
    }

    fn write_arena(self, out: &mut Formatter<'_>, number: usize, heading: &str) -> FmtResult {
        match number {
            ALL => writeln!(out, "{heading}")?,
            _ => writeln!(out, "arenas[{number}]:")?,
        }
        write_lines(out, ARENA, "", [number, 0])?;
        if self.no_bins {
            return Ok(());
        }
        writeln!(out, "{:>20}{:>14}{:>14}", "bins:           size", "curregs", "slots")?;
        for (at, class) in SizeClass::all().enumerate() {
            let figures = class_of_arena(number, at).unwrap_or_default();
            if figures.slots > 0 {
                writeln!(out, "{:>20}{:>14}{:>14}", class.bytes(), figures.live, figures.slots)?;
            }
        }
        Ok(())
    }
}

/// One line for each value that needs no further number.
fn write_lines(out: &mut Formatter<'_>, prefix: &'static str, only: &str, place: Place) -> FmtResult {
    for (row, rest) in rows(prefix).filter(|(_, rest)| !rest.contains('<') && (only.is_empty() || *rest == only)) {
        if let Some(value) = value_of(row, place) {
            let name = if prefix == ARENA { rest } else { row.pattern() };
            write!(out, "  {name}: ")?;
            value.write(out, "\"")?;
            out.write_str("\n")?;
        }
    }
    Ok(())
}
