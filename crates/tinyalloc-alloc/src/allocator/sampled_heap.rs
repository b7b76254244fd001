//! Where sampled small blocks are: in a thread heap that is no thread's, one of the global heap and
//! one of each isolated heap. A thread that frees one takes the slow path, as with every block of
//! another thread.

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

use tinyalloc_sys::Mapper;

use super::state::Allocator;
use crate::heap::heap_record::HeapRef;
use crate::span::bins::Bins;
use crate::span::span_ref::SpanRef;
use crate::thread_heap::ThreadHeapRef;

impl<M: Mapper> Allocator<M> {
    /// That of an isolated heap, or of the global one.
    pub(crate) fn sampled_heap(&self, isolated: Option<HeapRef>) -> Option<ThreadHeapRef> {
        let bins = NonNull::new(self.sampled_bins(isolated.as_ref()).load(Ordering::Relaxed))?;
        // SAFETY: they are a heap's (H2).
        Some(unsafe { ThreadHeapRef::from_bins(bins) })
    }

    /// Sampled blocks are there from here on.
    pub(crate) fn set_sampled_heap(&self, isolated: Option<HeapRef>, heap: ThreadHeapRef) {
        self.sampled_bins(isolated.as_ref()).store(heap.as_bins().as_ptr(), Ordering::Relaxed);
    }

    /// In the child of a fork: it is as any other heap without a thread.
    pub(crate) fn leave_sampled_heap(&self, isolated: Option<HeapRef>) {
        self.sampled_bins(isolated.as_ref()).store(null_mut(), Ordering::Relaxed);
    }

    /// Whether the slots of a span are sampled blocks.
    #[inline]
    pub(crate) fn is_profiled(&self, span: SpanRef) -> bool {
        let is_of = |bins: &AtomicPtr<Bins>| span.owner_bins() == bins.load(Ordering::Relaxed).cast_const();
        is_of(self.profile_bins()) || HeapRef::of_span(span).is_some_and(|heap| is_of(heap.profile_bins()))
    }

    fn sampled_bins<'bins>(&'bins self, isolated: Option<&'bins HeapRef>) -> &'bins AtomicPtr<Bins> {
        isolated.map_or_else(|| self.profile_bins(), |isolated| isolated.profile_bins())
    }
}
