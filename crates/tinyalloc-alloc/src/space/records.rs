//! Records of spans and of heaps.
//!
//! Retired records are a stack, not a `List` of tinyalloc-list: only the top is ever taken, so one
//! word is enough to hold them, and `dirty_next`, which a retired record does not need, to link
//! them.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use tinyalloc_sys::Mapper;

use super::Space;
use crate::config::policy::SPARSE_SLICES_PER_HEAP;
use crate::hardening::hardening_policy::HardeningPolicy;
use crate::heap::heap_record::HeapRef;
use crate::region::commit::Shortage;
use crate::region::layout::FIRST_RECORDS_BYTES;
use crate::region::purpose::Purpose;
use crate::span::Span;
use crate::span::span_ref::SpanRef;
use crate::thread_heap::{ThreadHeap, ThreadHeapRef};

/// A small process finds all on a region's first page: a heap, the emergency slots, a few spans.
const _: () = assert!(size_of::<ThreadHeap>() + 5 * size_of::<Span>() <= FIRST_RECORDS_BYTES);

impl Space {
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn take_record<M: Mapper>(&mut self, mapper: &M, heap: Option<HeapRef>) -> Option<SpanRef> {
        if let Some(heap) = heap {
            return self.take_isolated_record(mapper, heap);
        }
        if !self.retired.is_null() {
            // SAFETY: retired records are records.
            let span = unsafe { SpanRef::from_raw(self.retired) };
            self.retired = span.dirty_next().load(Ordering::Relaxed);
            return Some(span);
        }
        let record = self.metadata(mapper, size_of::<Span>(), align_of::<Span>())?;
        // SAFETY: it is a record's worth of fresh metadata, which stays mapped.
        Some(unsafe { SpanRef::blank(record.cast()) })
    }

    fn take_isolated_record<M: Mapper>(&mut self, mapper: &M, heap: HeapRef) -> Option<SpanRef> {
        if let Some(record) = heap.take_record() {
            return Some(record);
        }
        let page = self.pages.take(mapper)?;
        // SAFETY: the page was taken just now; pages stay mapped (I1).
        unsafe { heap.add_records(page) };
        heap.take_record()
    }

    pub(super) fn retire_record(&mut self, span: SpanRef, heap: Option<HeapRef>) {
        if let Some(heap) = heap {
            return heap.retire_record(span);
        }
        span.dirty_next().store(self.retired, Ordering::Relaxed);
        self.retired = span.as_ptr();
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn metadata<M: Mapper>(&mut self, mapper: &M, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        let mut refused = false;
        for region in self.regions.iter() {
            match region.record(mapper, bytes, align) {
                Ok(record) => return Some(record),
                Err(shortage) => refused |= shortage == Shortage::OfMemory,
            }
        }
        if refused {
            return None;
        }
        self.add_region(mapper, 1, Purpose::Slots)?;
        self.regions.last()?.record(mapper, bytes, align).ok()
    }

    /// A new heap, live for the caller.
    pub(crate) fn new_heap<M: Mapper>(&mut self, mapper: &M, policy: HardeningPolicy) -> Option<ThreadHeapRef> {
        let memory = self.metadata(mapper, size_of::<ThreadHeap>(), align_of::<ThreadHeap>())?;
        // SAFETY: it is a heap's worth of fresh metadata.
        let heap = unsafe { ThreadHeapRef::init(memory, self.heaps, None, policy) };
        self.heaps = Some(heap);
        self.counts.heaps += 1;
        self.regions.iter().for_each(|region| region.expect_sparse(SPARSE_SLICES_PER_HEAP));
        Some(heap)
    }
}
