//! Lists of spans.

use tinyalloc_list::List;

use super::Span;
use super::owned::OwnedSpan;

/// A list whose nodes are records, which are never unmapped (S1). The thread that may touch the
/// list owns the spans in it: those of a heap's lists are the heap's, those of the space's lists no
/// heap's (S2).
#[repr(transparent)]
pub(crate) struct SpanList(List<Span>);

impl SpanList {
    pub(crate) const fn new() -> SpanList {
        SpanList(List::new())
    }

    /// # Safety
    /// The span is in no list.
    pub(crate) unsafe fn push_front(&self, span: OwnedSpan) {
        // SAFETY: the caller's promise; S1.
        unsafe { self.0.push_front(span.as_record()) };
    }

    /// # Safety
    /// The span is in no list.
    pub(crate) unsafe fn push_back(&self, span: OwnedSpan) {
        // SAFETY: the caller's promise; S1.
        unsafe { self.0.push_back(span.as_record()) };
    }

    /// # Safety
    /// The span is in this list.
    pub(crate) unsafe fn remove(&self, span: OwnedSpan) {
        // SAFETY: the caller's promise.
        unsafe { self.0.remove(span.as_record()) };
    }

    pub(crate) fn pop_back(&self) -> Option<OwnedSpan> {
        // SAFETY: only records are in it.
        self.0.pop_back().map(|record| unsafe { OwnedSpan::from_record(record) })
    }

    /// From front to back. The span that was just yielded may be removed, those after it may not.
    pub(crate) fn iter(&self) -> impl Iterator<Item = OwnedSpan> {
        // SAFETY: only records are in it.
        self.0.iter().map(|record| unsafe { OwnedSpan::from_record(record) })
    }

    /// Takes all spans out.
    pub(crate) fn clear(&self) {
        self.0.drain().for_each(drop);
    }
}
