//! The calling thread's heaps: the current one, and those that it is attached to.

use core::ptr::NonNull;

use super::local::{Local, Mode};
use crate::hardening::guard::{TRACE_LENGTH, Trace};
use crate::heap::HeapRef;
use crate::isolated::attachments::Attachments;
use crate::isolated::isolated_heap::IsolatedRef;
use crate::span::bins::Bins;
use crate::span::owner::Owner;
use crate::span::span_ref::SpanRef;

/// The thread's attachments, if it has any.
#[inline(always)]
pub(crate) fn attachments_of<L: Local>(local: L) -> Option<&'static Attachments> {
    // SAFETY: the word is null, or a page that stays mapped (I1) and is this thread's (T1).
    unsafe { local.attachments().as_ref() }
}

#[inline(always)]
pub(crate) fn attached_member<L: Local>(local: L, heap: IsolatedRef) -> Option<HeapRef> {
    attachments_of(local)?.member(heap)
}

/// The heap that serves this thread's calls that name none. The thread is attached.
pub(crate) fn current<L: Local>(local: L) -> HeapRef {
    // SAFETY: an attached thread's bins are a heap's.
    unsafe { HeapRef::from_bins(local.bins()) }
}

/// The heap that owns a span, if it is this thread's though not the current one, and this thread is not inside the slow path.
pub(crate) fn heap_in_use<L: Local>(local: L, bins: NonNull<Bins>) -> Option<HeapRef> {
    if attachments_of(local).is_none() || local.mode() != Mode::Attached {
        return None;
    }
    // SAFETY: an owner that is a heap is one (H2).
    let heap = unsafe { HeapRef::from_bins(bins) };
    heap.is_of(local.id()).then_some(heap)
}

/// Whether a span is this thread's, of the current heap or of another one.
pub(crate) fn is_own<L: Local>(local: L, span: SpanRef) -> bool {
    match span.owner() {
        Owner::Heap(bins) => local.is(bins.as_ptr()) || heap_in_use(local, bins).is_some(),
        Owner::Nobody | Owner::Large | Owner::Emergency => false,
    }
}

/// The calls that led here.
pub(crate) fn trace<L: Local>(local: L) -> Trace {
    let mut trace = [0; TRACE_LENGTH];
    local.trace(&mut trace);
    trace
}
