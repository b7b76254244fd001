//! Pages of the file, which are what commits write, and the granules that the file grows by.

use core::ops::Range;

/// The file's own unit, whatever pages the machine has.
pub(crate) const PAGE_BYTES: usize = 4096;
/// What the file grows by. No Linux machine has pages larger than this, so that every one can map
/// the file to its end.
pub(crate) const GRANULE_BYTES: usize = 64 << 10;
pub(crate) const GRANULE_PAGES: usize = GRANULE_BYTES / PAGE_BYTES;
/// Page numbers fit in the page map's entries.
pub(crate) const PAGES_MAX: usize = 1 << 30;

const _: () = assert!(usize::BITS == 64, "offsets into the file are addresses");
const _: () = assert!(GRANULE_BYTES % PAGE_BYTES == 0);

pub(crate) fn pages_for(bytes: usize) -> usize {
    bytes.div_ceil(PAGE_BYTES)
}

pub(crate) fn page_of(offset: usize) -> usize {
    offset / PAGE_BYTES
}

pub(crate) fn page_start(page: usize) -> usize {
    page * PAGE_BYTES
}

/// The bytes of some pages.
pub(crate) fn bytes_of(pages: Range<usize>) -> Range<usize> {
    page_start(pages.start)..page_start(pages.end)
}

/// The pages that hold some bytes.
pub(crate) fn pages_of(bytes: Range<usize>) -> Range<usize> {
    if bytes.is_empty() { 0..0 } else { page_of(bytes.start)..pages_for(bytes.end) }
}
