//! Spare spans: empty ones that a heap keeps.

use super::ThreadHeapRef;
use crate::hardening::hardening_policy::HardeningPolicy;
use crate::span::class::{SLICE_BYTES, SizeClass};
use crate::span::owned::OwnedSpan;
use crate::span::span_ref::SpanRef;

/// How many empty spans a heap keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpareLimit {
    /// Enough to go on without the space's lock.
    Usual,
    /// None.
    None,
}

impl SpareLimit {
    const fn slices(self, policy: HardeningPolicy) -> u32 {
        match self {
            SpareLimit::Usual => policy.spare_slices_max(),
            SpareLimit::None => 0,
        }
    }
}

impl ThreadHeapRef {
    /// Whether the heap keeps more empty spans than it may, or any at all.
    pub(crate) fn has_spare(self, keeping: SpareLimit) -> bool {
        self.spare_slices.get() > keeping.slices(self.policy)
    }

    /// Whether it may keep this span besides what it keeps already.
    pub(crate) fn may_keep(self, span: SpanRef) -> bool {
        self.spare_slices.get() + span.slices() <= SpareLimit::Usual.slices(self.policy)
    }

    /// Keeps an empty span that is in no list.
    pub(crate) fn keep_spare(self, span: OwnedSpan) {
        span.set_owner(self.owner());
        // SAFETY: it is in no list any more.
        unsafe { self.spare.push_front(span) };
        self.spare_slices.set(self.spare_slices.get() + span.slices());
    }

    /// The empty span that waited longest, which the caller returns.
    pub(crate) fn pop_spare(self, keeping: SpareLimit) -> Option<OwnedSpan> {
        let span = if self.has_spare(keeping) { self.spare.pop_back()? } else { return None };
        self.spare_slices.set(self.spare_slices.get() - span.slices());
        self.uncharge_span(*span);
        Some(span)
    }

    /// The empty span that waited longest is emptied by `clear`, after which it reads as zero, and
    /// stays with its class, at the end of the line of those that have free slots. False if there
    /// is none.
    pub(crate) fn purge_spare(self, keeping: SpareLimit, clear: impl FnOnce(SpanRef)) -> bool {
        let oldest = if self.has_spare(keeping) { self.spare.pop_back() } else { None };
        let Some(span) = oldest else {
            return false;
        };
        clear(*span);
        self.spare_slices.set(self.spare_slices.get() - span.slices());
        self.uncharge_span(*span);
        span.recut(span.class(), span.slots());
        span.become_partial(0);
        let class = span.class();
        self.count_span(class);
        // SAFETY: it is in no list.
        unsafe { self.partial(class).push_back(span) };
        true
    }

    /// The slots of this span are not carved any more.
    pub(super) fn uncharge_span(self, span: SpanRef) {
        if let Some(quota) = self.quota {
            quota.uncharge(span.touched_bytes());
        }
    }

    /// An empty span for `class`: one that was cut for it before, or one of as many slices as it
    /// wants.
    pub(crate) fn take_spare(self, class: SizeClass) -> Option<OwnedSpan> {
        let span = self.spare_of(class).or_else(|| {
            if self.policy.keeps_spans_with_their_class() {
                return None;
            }
            let slices = class.span_slices(self.spans(class));
            let span = self.spare.iter().find(|span| span.slices() as usize == slices)?;
            self.uncharge_span(*span);
            span.recut(class, u32::try_from(slices * SLICE_BYTES / class.bytes()).ok()?);
            Some(span)
        })?;
        // SAFETY: it is in that list.
        unsafe { self.spare.remove(span) };
        self.spare_slices.set(self.spare_slices.get() - span.slices());
        Some(span)
    }

    fn spare_of(self, class: SizeClass) -> Option<OwnedSpan> {
        self.spare.iter().find(|span| span.class() == class)
    }
}
