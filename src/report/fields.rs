//! The numbers of a report in their order, each with its name, unit and meaning.

use core::fmt::{Formatter, Result as FmtResult};

use tinyalloc_alloc::{ClassStats, Stats};
use tinyalloc_sys::SystemCalls;

use super::Report;
use crate::support::string_table::entry_at;

const COUNT: usize = 19;

/// One line for each number: its name, which is jemalloc's if it has one; its unit, which is
/// `bytes`, `count`, or `total` for a number that only grows; its meaning.
const FIELDS: &str = "\
allocated bytes in live blocks, requests rounded up to their slots
active bytes in pages of spans that hold or held live slots, and in blocks
metadata bytes for records, bits and maps
resident bytes that are in memory at most: active, free and not given back yet, metadata
mapped bytes in spans and blocks
retained bytes of address space kept without memory
committed bytes in spans and blocks, or free and not given back yet, and metadata
reserved bytes of address space
resident_free bytes that are free and not given back yet
huge bytes in blocks that have a mapping of their own
live_slots count of small slots in use
free_slots count of small slots that can be had without touching another page
spans count of spans, large blocks among them
large_blocks count of live large blocks
huge_blocks count of live blocks that have a mapping of their own
heaps count of heaps, those of ended threads included
remote_frees total of slots that came home from other threads' frees
purges total of times that memory was given back
purged bytes_total given back";

/// Kinds of system calls.
const CALLS: &str = "mmap munmap mprotect madvise mremap futex";

/// One number.
#[derive(Clone, Copy)]
pub(super) struct Field {
    name: &'static str,
    unit: &'static str,
    meaning: &'static str,
    value: usize,
    is_first: bool,
}

impl Field {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn unit(&self) -> &'static str {
        self.unit
    }

    pub(super) fn meaning(&self) -> &'static str {
        self.meaning
    }

    pub(super) fn value(&self) -> usize {
        self.value
    }

    /// The separator from the number before; empty for the first.
    pub(super) fn comma(&self) -> &'static str {
        if self.is_first { "" } else { "," }
    }
}

/// Writes one number of a report.
pub(super) type WriteField = fn(&Report<'_>, &mut Formatter<'_>, &Field) -> FmtResult;

impl Report<'_> {
    #[inline(never)]
    pub(super) fn each_field(&self, out: &mut Formatter<'_>, write: WriteField) -> FmtResult {
        let values = values(self.stats);
        for (place, value) in values.into_iter().enumerate() {
            let line = entry_at(FIELDS, b'\n', place);
            let (name, unit) = (entry_at(line, b' ', 0), entry_at(line, b' ', 1));
            let meaning = line.get(name.len() + unit.len() + 2..).unwrap_or_default();
            write(self, out, &Field { name, unit, meaning, value, is_first: place == 0 })?;
        }
        Ok(())
    }

    /// The system calls; none for a report on a heap.
    #[inline(never)]
    pub(super) fn each_call(&self, out: &mut Formatter<'_>, write: WriteField) -> FmtResult {
        for (place, value) in self.calls.map(calls).iter().flatten().enumerate() {
            let name = entry_at(CALLS, b' ', place);
            write(self, out, &Field { name, unit: "total", meaning: "", value: *value, is_first: place == 0 })?;
        }
        Ok(())
    }

    /// The size classes with at least one span.
    #[inline(never)]
    pub(super) fn each_class(
        &self,
        out: &mut Formatter<'_>,
        write: impl Fn(&Report<'_>, &mut Formatter<'_>, &ClassStats, bool) -> FmtResult,
    ) -> FmtResult {
        let mut is_first = true;
        for class in self.stats.classes.iter().filter(|class| class.spans > 0) {
            write(self, out, class, is_first)?;
            is_first = false;
        }
        Ok(())
    }
}

fn values(stats: &Stats) -> [usize; COUNT] {
    [
        stats.allocated,
        stats.active,
        stats.metadata,
        stats.resident,
        stats.mapped,
        stats.retained,
        stats.committed,
        stats.reserved,
        stats.resident_free,
        stats.huge,
        stats.live_slots,
        stats.free_slots,
        stats.spans,
        stats.large_blocks,
        stats.huge_blocks,
        stats.heaps,
        stats.remote_frees,
        stats.purges,
        stats.purged,
    ]
}

fn calls(calls: SystemCalls) -> [usize; 6] {
    [calls.mmap, calls.munmap, calls.mprotect, calls.madvise, calls.mremap, calls.futex]
}

#[cfg(test)]
mod tests {
    use super::{COUNT, FIELDS};

    #[test]
    fn every_field_has_a_name_a_unit_and_a_meaning() {
        assert_eq!(FIELDS.lines().count(), COUNT);
        for line in FIELDS.lines() {
            let unit = line.split(' ').nth(1);
            assert!(unit.is_some_and(|unit| ["bytes", "count", "total", "bytes_total"].contains(&unit)), "{line}");
            assert!(line.split(' ').count() > 2, "{line}");
        }
    }
}
