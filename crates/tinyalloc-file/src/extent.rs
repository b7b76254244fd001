//! Extents: what the file grows by. Each has the records and checksums of its pages in front of
//! them.

use core::ops::Range;

use crate::checksum::CHECKSUM_BYTES;
use crate::page::{PAGE_BYTES, page_start};
use crate::record::RECORD_BYTES;

const RECORDS_PER_PAGE: usize = PAGE_BYTES / RECORD_BYTES;
const SUMS_PER_PAGE: usize = PAGE_BYTES / CHECKSUM_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    first_page: usize,
    pages: usize,
    data_pages: usize,
}

impl Extent {
    /// It has as many pages of data as leave room for their metadata.
    pub(crate) fn new(first_page: usize, pages: usize) -> Extent {
        let mut data_pages =
            pages * RECORDS_PER_PAGE * SUMS_PER_PAGE / (RECORDS_PER_PAGE * SUMS_PER_PAGE + SUMS_PER_PAGE + RECORDS_PER_PAGE);
        while data_pages + metadata_pages(data_pages) > pages {
            data_pages -= 1;
        }
        Extent { first_page, pages, data_pages }
    }

    /// How many pages an extent with so many pages of data has at least.
    pub(crate) fn pages_with(data_pages: usize) -> usize {
        data_pages + metadata_pages(data_pages)
    }

    pub(crate) fn first_page(self) -> usize {
        self.first_page
    }

    pub(crate) fn pages(self) -> usize {
        self.pages
    }

    pub(crate) fn end_page(self) -> usize {
        self.first_page + self.pages
    }

    /// The pages that blocks are in.
    pub(crate) fn data(self) -> Range<usize> {
        self.end_page() - self.data_pages..self.end_page()
    }

    /// Where the record of a page of data is.
    pub(crate) fn record(self, page: usize) -> Range<usize> {
        let start = page_start(self.first_page) + (page - self.data().start) * RECORD_BYTES;
        start..start + RECORD_BYTES
    }

    /// Where the checksum of a page of data is.
    pub(crate) fn sum(self, page: usize) -> Range<usize> {
        let sums_page = self.first_page + self.data_pages.div_ceil(RECORDS_PER_PAGE);
        let start = page_start(sums_page) + (page - self.data().start) * CHECKSUM_BYTES;
        start..start + CHECKSUM_BYTES
    }
}

fn metadata_pages(data_pages: usize) -> usize {
    data_pages.div_ceil(RECORDS_PER_PAGE) + data_pages.div_ceil(SUMS_PER_PAGE)
}
