//! Huge blocks: mappings of their own, outside every region, found by their start.

use tinyalloc_sys::Mapper;

use super::Space;
use super::unlisted::Unlisted;
use crate::heap::heap_record::HeapRef;
use crate::span::class::SLICE_SHIFT;
use crate::span::extent::Extent;
use crate::span::owned::OwnedSpan;
use crate::span::span_list::SpanList;
use crate::span::span_ref::SpanRef;
use crate::support::fields::{Field, fields};

/// The region number of a huge block.
const NO_REGION: u32 = u32::MAX;
const BUCKETS: usize = 64;

/// The most huge blocks that lived at a time so far, and the most bytes in them at a time, each for
/// itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HugePeak {
    /// A count.
    pub blocks: usize,
    /// Bytes.
    pub bytes: usize,
}

/// The blocks, hashed by address. The lock of the space guards it.
#[repr(C)]
pub(crate) struct HugeTable {
    blocks: usize,
    bytes: usize,
    peak: HugePeak,
    buckets: [SpanList; BUCKETS],
}

impl HugeTable {
    pub(crate) const fn new() -> HugeTable {
        let peak = HugePeak { blocks: 0, bytes: 0 };
        HugeTable { buckets: [const { SpanList::new() }; BUCKETS], blocks: 0, bytes: 0, peak }
    }

    pub(crate) fn blocks(&self) -> usize {
        self.blocks
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn peak(&self) -> HugePeak {
        self.peak
    }

    pub(crate) fn find(&self, address: usize) -> Option<SpanRef> {
        if self.blocks == 0 {
            return None;
        }
        self.bucket(address).iter().find(|span| span.is_slot(address)).map(|span| *span)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = SpanRef> + '_ {
        self.buckets.iter().flat_map(|bucket| bucket.iter().map(|span| *span))
    }

    pub(crate) fn insert(&mut self, span: OwnedSpan) {
        self.blocks += 1;
        self.bytes += span.slot_bytes();
        self.peak = HugePeak { blocks: self.peak.blocks.max(self.blocks), bytes: self.peak.bytes.max(self.bytes) };
        // SAFETY: a huge block's record is in no other list.
        unsafe { self.bucket(span.address()).push_front(span) };
    }

    pub(crate) fn remove(&mut self, span: SpanRef) {
        self.blocks -= 1;
        self.bytes -= span.slot_bytes();
        // SAFETY: the lock of the space is held, and no heap owns the span.
        let span = unsafe { span.owned() };
        // SAFETY: it was inserted, by this address.
        unsafe { self.bucket(span.address()).remove(span) };
    }

    fn bucket(&self, address: usize) -> &SpanList {
        let page = address >> SLICE_SHIFT;
        &self.buckets[(page ^ (page >> 8) ^ (page >> 16)) % BUCKETS]
    }
}

impl Space {
    /// Enters a mapping of its own into the table.
    pub(crate) fn add_huge<M: Mapper>(&mut self, mapper: &M, block: Unlisted, heap: Option<HeapRef>) -> Option<()> {
        let record = self.take_record(mapper, heap)?;
        let extent = Extent::new(block.start(), 0, NO_REGION, 0);
        // SAFETY: the record is blank or retired, and the block is a mapping of its own.
        let span = unsafe { record.init(extent, heap.is_some()) };
        span.become_large(block.bytes());
        self.huge.insert(span);
        Some(())
    }

    pub(crate) fn is_huge(span: SpanRef) -> bool {
        span.region() == NO_REGION
    }

    /// Takes a huge block out of the table, for its release or its move.
    pub(crate) fn remove_huge(&mut self, span: SpanRef) -> Unlisted {
        self.huge.remove(span);
        let block = Unlisted::new(span.start(), span.slot_bytes());
        span.disown();
        self.retire_record(span, HeapRef::of_span(span));
        block
    }
}

/// For debuggers.
impl HugeTable {
    pub(crate) const FIELDS: &'static [Field] = fields!("huge", HugeTable: blocks buckets);
    pub(crate) const NUMBERS: &'static [Field] = &[("huge.lists", BUCKETS), ("list.bytes", size_of::<SpanList>())];
}
