//! The calling thread's heaps: the current one, and those that it is attached to.

use core::ptr::NonNull;

use super::thread_context::{Mode, ThreadContext};
use crate::hardening::guard::{TRACE_LENGTH, Trace};
use crate::heap::heap_record::HeapRef;
use crate::heap::heap_table::HeapTable;
use crate::span::bins::Bins;
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;
use crate::thread_heap::ThreadHeapRef;

/// The thread's heap table, if it has one.
#[inline(always)]
pub(crate) fn heap_table_of<C: ThreadContext>(context: C) -> Option<&'static HeapTable> {
    // SAFETY: the word is null, or a page that stays mapped (I1) and is this thread's (T1).
    unsafe { context.heap_table().as_ref() }
}

#[inline(always)]
pub(crate) fn attached_thread_heap<C: ThreadContext>(context: C, heap: HeapRef) -> Option<ThreadHeapRef> {
    heap_table_of(context)?.thread_heap(heap)
}

/// The heap that serves this thread's calls that name none. The thread is attached.
pub(crate) fn current<C: ThreadContext>(context: C) -> ThreadHeapRef {
    // SAFETY: an attached thread's bins are a heap's.
    unsafe { ThreadHeapRef::from_bins(context.bins()) }
}

/// The heap that owns a span, if it is this thread's though not the current one, and this thread is
/// not inside the slow path.
pub(crate) fn heap_in_use<C: ThreadContext>(context: C, bins: NonNull<Bins>) -> Option<ThreadHeapRef> {
    if heap_table_of(context).is_none() || context.mode() != Mode::Attached {
        return None;
    }
    // SAFETY: an owner that is a heap is one (H2).
    let heap = unsafe { ThreadHeapRef::from_bins(bins) };
    heap.is_of(context.id()).then_some(heap)
}

/// Whether a span is this thread's, of the current heap or of another one.
pub(crate) fn is_own<C: ThreadContext>(context: C, span: SpanRef) -> bool {
    match span.owner() {
        Owner::Heap(bins) => context.is(bins.as_ptr()) || heap_in_use(context, bins).is_some(),
        Owner::Nobody | Owner::Large | Owner::Kept | Owner::Emergency => false,
    }
}

/// The calls that led here.
pub(crate) fn trace<C: ThreadContext>(context: C) -> Trace {
    let mut trace = [0; TRACE_LENGTH];
    context.trace(&mut trace);
    trace
}
