//! The full check: everything that the file says about itself, against everything else that it
//! says.

use core::fmt;
use core::ops::Range;

use super::{FileHeap, load_roots};
use crate::checksum::{NO_SUM, page_sum};
use crate::error::{During, Part, Result};
use crate::extent::Extent;
use crate::field::u32_at;
use crate::header::Header;
use crate::page::{PAGE_BYTES, bytes_of};
use crate::record::Span;
use crate::space::{Block, Space, spans};

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    part: Part,
    bytes: Range<usize>,
    what: &'static str,
}

impl Finding {
    fn new(part: Part, bytes: Range<usize>, what: &'static str) -> Finding {
        Finding { part, bytes, what }
    }

    /// Which of the file's structures is wrong.
    #[must_use]
    pub fn part(&self) -> Part {
        self.part
    }

    /// Where in the file.
    #[must_use]
    pub fn bytes(&self) -> Range<usize> {
        self.bytes.clone()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} at bytes {} to {}: {}", self.part, self.bytes.start, self.bytes.end, self.what)
    }
}

/// What a check looked at, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    blocks: usize,
    spans: usize,
    pages_compared: usize,
    findings: Vec<Finding>,
}

impl Report {
    /// Whether everything is as it must be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// What is not.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many blocks are allocated.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// How many spans the file is divided into.
    #[must_use]
    pub fn spans(&self) -> usize {
        self.spans
    }

    /// How many pages have the contents that were committed. Those that never were, or changed
    /// since, are not compared.
    #[must_use]
    pub fn pages_compared(&self) -> usize {
        self.pages_compared
    }

    fn add(&mut self, part: Part, bytes: Range<usize>, what: &'static str) {
        self.findings.push(Finding::new(part, bytes, what));
    }
}

impl FileHeap {
    /// Checks the whole heap: that every page is in exactly one span and every span in one table,
    /// that the tables in memory say what the records do, that the roots point to blocks, and that
    /// every page has the contents that were committed. It reads the whole file.
    ///
    /// # Errors
    /// If the file cannot be read; what is wrong in it is in the report.
    pub fn check(&self) -> Result<Report> {
        let mut report = Report::default();
        self.check_header(&mut report)?;
        for extent in self.space.extents() {
            self.check_spans(*extent, &mut report);
            self.check_contents(*extent, &mut report);
        }
        match Space::load(&self.image, self.space.extents()) {
            Ok(space) if space.agrees_with(&self.space) => {}
            Ok(_) => report.add(Part::Index, 0..self.data_bytes(), "the tables in memory differ from the records"),
            Err(_) => report.add(Part::Index, 0..self.data_bytes(), "the records cannot be read again"),
        }
        self.check_roots(&mut report);
        Ok(report)
    }

    /// The header in its place, unless that is not the last commit's yet.
    fn check_header(&self, report: &mut Report) -> Result<()> {
        let mut page = [0; PAGE_BYTES];
        self.storage.read(0, &mut page).during("reading the header")?;
        let is_last = Header::decode(&page).is_ok_and(|header| header == self.header);
        if !is_last && !self.is_overlaid {
            report.add(Part::Header, 0..PAGE_BYTES, "not the last commit's");
        }
        let length = self.storage.length().during("reading the length")?;
        if length < self.data_bytes() as u64 {
            report.add(Part::Header, 0..self.data_bytes(), "the file is shorter than its data");
        }
        Ok(())
    }

    fn check_spans(&self, extent: Extent, report: &mut Report) {
        let mut follows_free = false;
        for (page, span) in spans(&self.image, extent) {
            let Ok(span) = span else {
                report.add(Part::Span, extent.record(page), "not the record of this page");
                break;
            };
            let bytes = bytes_of(page..page + span.pages());
            let is_free = matches!(span, Span::Free { .. });
            if is_free && follows_free {
                report.add(Part::Span, bytes, "free spans that were not joined");
            }
            follows_free = is_free;
            report.spans += 1;
            for block in Space::blocks_of(page, span) {
                report.blocks += 1;
                self.check_block(block, report);
            }
        }
    }

    /// Every block is found by its first and its last byte.
    fn check_block(&self, block: Block, report: &mut Report) {
        let found = |offset: usize| self.space.block_at(&self.image, offset);
        if found(block.start).as_ref() != Some(&block) || found(block.end - 1).as_ref() != Some(&block) {
            report.add(Part::Index, block, "a block that is not found");
        }
    }

    fn check_contents(&self, extent: Extent, report: &mut Report) {
        for page in extent.data().filter(|page| !self.image.is_dirty(*page)) {
            let sum = u32_at(self.image.bytes(extent.sum(page)), 0);
            if sum == NO_SUM {
                continue;
            }
            report.pages_compared += 1;
            let bytes = bytes_of(page..page + 1);
            if page_sum(self.image.bytes(bytes.clone())) != sum {
                report.add(Part::Contents, bytes, "not what was committed");
            }
        }
    }

    fn check_roots(&self, report: &mut Report) {
        if !self.roots.is_changed() && load_roots(&self.image, &self.space, self.roots_place).is_err() {
            report.add(
                Part::Roots,
                self.roots_place.offset()..self.roots_place.offset() + self.roots_place.bytes(),
                "unreadable",
            );
        }
        for (_, root) in self.roots.iter() {
            let block = self.space.block_at(&self.image, root.offset());
            if block.is_none_or(|block| block.start != root.offset() || root.bytes() > block.len()) {
                report.add(Part::Roots, root.offset()..root.offset() + root.bytes(), "a root that points to no block");
            }
        }
    }
}
