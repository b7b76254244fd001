//! The first page: what the file is, and where everything in it is as of the last commit.

use crate::checksum::{CHECKSUM_BYTES, is_sealed, seal};
use crate::error::{Error, Part, Result};
use crate::extent::Extent;
use crate::field::{put_u32, put_u64, put_usize, u32_at, u64_at, usize_at};
use crate::page::{GRANULE_PAGES, PAGE_BYTES, PAGES_MAX, page_start};

const MAGIC: [u8; 8] = *b"TINYHEAP";
/// The format that this crate writes.
pub(crate) const VERSION: u32 = 1;
/// In the byte order of the machine, for the user's numbers are.
const BYTE_ORDER: u32 = 0x0102_0304;
/// The header's page and the journal's.
pub(crate) const FIRST_PAGE: usize = 2;

/// Every version of the format begins with this.
const IDENTITY_BYTES: usize = 64;
const BYTE_ORDER_AT: usize = 8;
const VERSION_AT: usize = 12;
const PAGE_BYTES_AT: usize = 16;
const NUMBER_AT: usize = 24;

const TRANSACTION_AT: usize = 64;
const ROOTS_AT: usize = 72;
const ROOTS_BYTES_AT: usize = 80;
const ROOTS_SUM_AT: usize = 88;
const EXTENT_COUNT_AT: usize = 96;
const EXTENTS_AT: usize = 104;
const EXTENT_BYTES: usize = 16;
pub(crate) const EXTENTS_MAX: usize = (PAGE_BYTES - EXTENTS_AT - CHECKSUM_BYTES) / EXTENT_BYTES;

/// A number that no other file has.
pub(crate) type FileNumber = [u8; 16];
pub(crate) type PageImage = [u8; PAGE_BYTES];

/// Where the table of roots is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RootsPlace {
    offset: usize,
    bytes: usize,
    sum: u32,
}

impl RootsPlace {
    pub(crate) fn new(offset: usize, bytes: usize, sum: u32) -> RootsPlace {
        RootsPlace { offset, bytes, sum }
    }

    /// Zero where there are no roots.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn sum(&self) -> u32 {
        self.sum
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    number: FileNumber,
    transaction: u64,
    roots: RootsPlace,
    extents: Vec<Extent>,
}

impl Header {
    pub(crate) fn new(number: FileNumber, transaction: u64, roots: RootsPlace, extents: Vec<Extent>) -> Header {
        Header { number, transaction, roots, extents }
    }

    pub(crate) fn number(&self) -> FileNumber {
        self.number
    }

    pub(crate) fn transaction(&self) -> u64 {
        self.transaction
    }

    pub(crate) fn roots(&self) -> RootsPlace {
        self.roots
    }

    pub(crate) fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Where the last extent ends.
    pub(crate) fn data_bytes(&self) -> usize {
        page_start(self.extents.last().map_or(FIRST_PAGE, |extent| extent.end_page()))
    }

    pub(crate) fn encode(&self) -> PageImage {
        let mut page = [0; PAGE_BYTES];
        page[..MAGIC.len()].copy_from_slice(&MAGIC);
        page[BYTE_ORDER_AT..BYTE_ORDER_AT + 4].copy_from_slice(&BYTE_ORDER.to_ne_bytes());
        put_u32(&mut page, VERSION_AT, VERSION);
        put_usize(&mut page, PAGE_BYTES_AT, PAGE_BYTES);
        page[NUMBER_AT..NUMBER_AT + self.number.len()].copy_from_slice(&self.number);
        seal(&mut page[..IDENTITY_BYTES]);
        put_u64(&mut page, TRANSACTION_AT, self.transaction);
        put_usize(&mut page, ROOTS_AT, self.roots.offset);
        put_usize(&mut page, ROOTS_BYTES_AT, self.roots.bytes);
        put_u32(&mut page, ROOTS_SUM_AT, self.roots.sum);
        put_usize(&mut page, EXTENT_COUNT_AT, self.extents.len());
        for (index, extent) in self.extents.iter().enumerate() {
            put_usize(&mut page, EXTENTS_AT + index * EXTENT_BYTES, extent.first_page());
            put_usize(&mut page, EXTENTS_AT + index * EXTENT_BYTES + 8, extent.pages());
        }
        seal(&mut page);
        page
    }

    pub(crate) fn decode(page: &[u8]) -> Result<Header> {
        let number = identify(page)?;
        if !is_sealed(page) {
            return Err(Error::Corrupt { part: Part::Header, offset: 0 });
        }
        let extents = decode_extents(page).ok_or(Error::Corrupt { part: Part::Header, offset: EXTENTS_AT })?;
        let roots = RootsPlace::new(usize_at(page, ROOTS_AT), usize_at(page, ROOTS_BYTES_AT), u32_at(page, ROOTS_SUM_AT));
        Ok(Header { number, transaction: u64_at(page, TRANSACTION_AT), roots, extents })
    }
}

/// The file's number, if it is a heap that this crate on this machine can read.
pub(crate) fn identify(page: &[u8]) -> Result<FileNumber> {
    if page[..MAGIC.len()] != MAGIC {
        return Err(Error::NotAHeap);
    }
    if !is_sealed(&page[..IDENTITY_BYTES]) {
        return Err(Error::Corrupt { part: Part::Identity, offset: 0 });
    }
    let version = u32_at(page, VERSION_AT);
    if version > VERSION {
        return Err(Error::NewerVersion { found: version, supported: VERSION });
    }
    let byte_order = &page[BYTE_ORDER_AT..BYTE_ORDER_AT + 4];
    if byte_order == BYTE_ORDER.swap_bytes().to_ne_bytes() {
        return Err(Error::ForeignByteOrder);
    }
    let page_bytes = u32_at(page, PAGE_BYTES_AT);
    if page_bytes as usize != PAGE_BYTES {
        return Err(Error::ForeignPageBytes { found: page_bytes });
    }
    let mut number = FileNumber::default();
    number.copy_from_slice(&page[NUMBER_AT..NUMBER_AT + 16]);
    Ok(number)
}

/// Whether these bytes begin as a heap file does, however few they are.
pub(crate) fn begins_a_heap(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().zip(MAGIC).all(|(byte, expected)| *byte == expected)
}

fn decode_extents(page: &[u8]) -> Option<Vec<Extent>> {
    let count = usize_at(page, EXTENT_COUNT_AT);
    if count == 0 || count > EXTENTS_MAX {
        return None;
    }
    let mut end = FIRST_PAGE;
    let mut extents = Vec::with_capacity(count);
    for index in 0..count {
        let first_page = usize_at(page, EXTENTS_AT + index * EXTENT_BYTES);
        let pages = usize_at(page, EXTENTS_AT + index * EXTENT_BYTES + 8);
        let is_next = first_page == end && (Extent::pages_with(1)..=PAGES_MAX - end).contains(&pages);
        if !is_next || (first_page + pages) % GRANULE_PAGES != 0 {
            return None;
        }
        end += pages;
        extents.push(Extent::new(first_page, pages));
    }
    Some(extents)
}
