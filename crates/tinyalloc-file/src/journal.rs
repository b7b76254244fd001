//! The journal: the pages of a commit, written and made durable before the first of them is changed
//! in its place.
//!
//! Its head is in the file's second page, its body behind the data: an index, then the pages' new
//! contents. It counts only if all of its checksums agree, so that a crash leaves either no journal
//! or a whole one.

use core::ops::Range;
use std::io::Result;

use crate::checksum::{is_sealed, long_checksum, long_checksum_in, seal};
use crate::field::{put_u32, put_u64, put_usize, u32_at, u64_at, usize_at};
use crate::header::{FileNumber, PageImage};
use crate::page::{PAGE_BYTES, PAGES_MAX, bytes_of, page_start};
use crate::storage::{Storage, is_end};

const MAGIC: [u8; 8] = *b"TINYJRNL";
pub(crate) const HEAD_OFFSET: usize = PAGE_BYTES;
/// A disk writes as much at once or not at all.
const HEAD_BYTES: usize = 512;
const STATE_AT: usize = 8;
const NUMBER_AT: usize = 16;
const TRANSACTION_AT: usize = 32;
const BODY_AT: usize = 40;
const PAGES_AT: usize = 48;
const INDEX_SUM_AT: usize = 56;

const PENDING: u32 = 1;
const APPLIED: u32 = 2;

const ENTRY_BYTES: usize = 16;
/// A body is written and read in pieces of this size.
const PIECE_BYTES: usize = 256 << 10;

/// Where a page's new contents belong, and their checksum.
#[derive(Clone, Copy, Debug)]
struct Entry {
    page: usize,
    sum: u64,
}

/// A whole journal.
#[derive(Debug)]
pub(crate) struct Journal {
    number: FileNumber,
    transaction: u64,
    body: usize,
    entries: Vec<Entry>,
}

/// What a commit changes: the header's page, and pages of the image.
pub(crate) struct Change<'change> {
    header: &'change PageImage,
    ranges: &'change [Range<usize>],
    bytes: &'change dyn Fn(Range<usize>) -> &'change [u8],
}

impl<'change> Change<'change> {
    pub(crate) fn new(
        header: &'change PageImage,
        ranges: &'change [Range<usize>],
        bytes: &'change dyn Fn(Range<usize>) -> &'change [u8],
    ) -> Change<'change> {
        Change { header, ranges, bytes }
    }

    /// All of it, in pieces: where each belongs, and its bytes.
    fn pieces(&self) -> impl Iterator<Item = (usize, &'change [u8])> {
        let header: &'change [u8] = self.header;
        let bytes = self.bytes;
        let whole = self.ranges.iter().map(move |range| (page_start(range.start), bytes(bytes_of(range.clone()))));
        [(0, header)].into_iter().chain(whole)
    }

    fn pages(&self) -> usize {
        1 + self.ranges.iter().map(Range::len).sum::<usize>()
    }

    /// Writes every page to its place.
    pub(crate) fn apply(&self, storage: &dyn Storage) -> Result<()> {
        self.pieces().try_for_each(|(offset, bytes)| storage.write(offset as u64, bytes))
    }
}

impl Journal {
    /// Writes the body of a journal, from `body` on.
    pub(crate) fn write_body(
        storage: &dyn Storage,
        number: FileNumber,
        transaction: u64,
        body: usize,
        change: &Change<'_>,
    ) -> Result<Journal> {
        let mut entries = Vec::with_capacity(change.pages());
        for (offset, bytes) in change.pieces() {
            let pages = bytes.chunks_exact(PAGE_BYTES).enumerate();
            entries.extend(pages.map(|(index, page)| Entry { page: offset / PAGE_BYTES + index, sum: long_checksum(page) }));
        }
        let journal = Journal { number, transaction, body, entries };
        let mut writer = PieceWriter::new(storage, body);
        writer.write(&journal.encode_index())?;
        change.pieces().try_for_each(|(_, bytes)| writer.write(bytes))?;
        writer.flush()?;
        Ok(journal)
    }

    /// Writes the head of a journal whose body is written. Both are durable, and the change
    /// decided, after the next sync.
    pub(crate) fn write_head(&self, storage: &dyn Storage) -> Result<()> {
        storage.write(HEAD_OFFSET as u64, &self.encode_head(PENDING, long_checksum_in(self.transaction, &self.encode_index())))
    }

    /// The journal, if there is a whole one that may not have been applied.
    pub(crate) fn pending(storage: &dyn Storage, number: FileNumber) -> Result<Option<Journal>> {
        let mut head = [0; HEAD_BYTES];
        storage.read(HEAD_OFFSET as u64, &mut head)?;
        let is_ours = head[..MAGIC.len()] == MAGIC && head[NUMBER_AT..NUMBER_AT + number.len()] == number;
        if !is_ours || !is_sealed(&head) || u32_at(&head, STATE_AT) != PENDING {
            return Ok(None);
        }
        match Journal::read_body(storage, number, &head) {
            Err(error) if is_end(error.kind()) => Ok(None),
            outcome => outcome,
        }
    }

    pub(crate) fn transaction(&self) -> u64 {
        self.transaction
    }

    /// Where the body ends.
    pub(crate) fn end(&self) -> usize {
        self.page_offset(self.entries.len())
    }

    /// How long a body of a change is.
    pub(crate) fn body_bytes(change: &Change<'_>) -> usize {
        index_bytes(change.pages()) + change.pages() * PAGE_BYTES
    }

    /// The header's new contents.
    pub(crate) fn header(&self, storage: &dyn Storage) -> Result<PageImage> {
        let mut page = [0; PAGE_BYTES];
        storage.read(self.page_offset(0) as u64, &mut page)?;
        Ok(page)
    }

    /// Every page but the header's: its number, and where its new contents are.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (usize, usize)> {
        self.entries.iter().enumerate().skip(1).map(|(index, entry)| (entry.page, self.page_offset(index)))
    }

    /// Writes every page to its place.
    pub(crate) fn apply(&self, storage: &dyn Storage) -> Result<()> {
        let mut page = [0; PAGE_BYTES];
        for (index, entry) in self.entries.iter().enumerate() {
            storage.read(self.page_offset(index) as u64, &mut page)?;
            storage.write(page_start(entry.page) as u64, &page)?;
        }
        Ok(())
    }

    /// Notes that every page is in its place. Only once that is durable.
    pub(crate) fn set_applied(&self, storage: &dyn Storage) -> Result<()> {
        storage.write(HEAD_OFFSET as u64, &self.encode_head(APPLIED, 0))
    }

    fn read_body(storage: &dyn Storage, number: FileNumber, head: &[u8]) -> Result<Option<Journal>> {
        let (body, pages) = (usize_at(head, BODY_AT), usize_at(head, PAGES_AT));
        let length = usize::try_from(storage.length()?).unwrap_or(usize::MAX);
        if pages == 0 || pages > PAGES_MAX || body > length || index_bytes(pages) + pages * PAGE_BYTES > length - body {
            return Ok(None);
        }
        let mut index = vec![0; index_bytes(pages)];
        storage.read(body as u64, &mut index)?;
        let transaction = u64_at(head, TRANSACTION_AT);
        if long_checksum_in(transaction, &index) != u64_at(head, INDEX_SUM_AT) {
            return Ok(None);
        }
        let entries = index.chunks_exact(ENTRY_BYTES).take(pages);
        let entries = entries.map(|entry| Entry { page: usize_at(entry, 0), sum: u64_at(entry, 8) }).collect();
        let journal = Journal { number, transaction, body, entries };
        Ok(if journal.is_whole(storage)? { Some(journal) } else { None })
    }

    /// Whether every page is as it was written, belongs below the body, and the first is the
    /// header.
    fn is_whole(&self, storage: &dyn Storage) -> Result<bool> {
        let places_fit = self.entries.iter().all(|entry| entry.page < self.body / PAGE_BYTES && entry.page != 1);
        let headed = self.entries.first().is_some_and(|entry| entry.page == 0);
        if !places_fit || !headed {
            return Ok(false);
        }
        let mut piece = vec![0; PIECE_BYTES];
        let pages_per_piece = PIECE_BYTES / PAGE_BYTES;
        for (number, entries) in self.entries.chunks(pages_per_piece).enumerate() {
            let bytes = &mut piece[..entries.len() * PAGE_BYTES];
            storage.read(self.page_offset(number * pages_per_piece) as u64, bytes)?;
            if entries.iter().zip(bytes.chunks_exact(PAGE_BYTES)).any(|(entry, page)| long_checksum(page) != entry.sum) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn page_offset(&self, index: usize) -> usize {
        self.body + index_bytes(self.entries.len()) + index * PAGE_BYTES
    }

    fn encode_index(&self) -> Vec<u8> {
        let mut index = vec![0; index_bytes(self.entries.len())];
        for (bytes, entry) in index.chunks_exact_mut(ENTRY_BYTES).zip(&self.entries) {
            put_usize(bytes, 0, entry.page);
            put_u64(bytes, 8, entry.sum);
        }
        index
    }

    fn encode_head(&self, state: u32, index_sum: u64) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head[..MAGIC.len()].copy_from_slice(&MAGIC);
        put_u32(&mut head, STATE_AT, state);
        head[NUMBER_AT..NUMBER_AT + self.number.len()].copy_from_slice(&self.number);
        put_u64(&mut head, TRANSACTION_AT, self.transaction);
        put_usize(&mut head, BODY_AT, self.body);
        put_usize(&mut head, PAGES_AT, self.entries.len());
        put_u64(&mut head, INDEX_SUM_AT, index_sum);
        seal(&mut head);
        head
    }
}

fn index_bytes(pages: usize) -> usize {
    (pages * ENTRY_BYTES).next_multiple_of(PAGE_BYTES)
}

/// Gathers small writes into pieces.
struct PieceWriter<'storage> {
    storage: &'storage dyn Storage,
    offset: usize,
    piece: Vec<u8>,
}

impl<'storage> PieceWriter<'storage> {
    fn new(storage: &'storage dyn Storage, offset: usize) -> PieceWriter<'storage> {
        PieceWriter { storage, offset, piece: Vec::new() }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.piece.len() + bytes.len() > PIECE_BYTES {
            self.flush()?;
        }
        if bytes.len() >= PIECE_BYTES {
            self.storage.write(self.offset as u64, bytes)?;
            self.offset += bytes.len();
        } else {
            self.piece.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if !self.piece.is_empty() {
            self.storage.write(self.offset as u64, &self.piece)?;
            self.offset += self.piece.len();
            self.piece.clear();
        }
        Ok(())
    }
}
