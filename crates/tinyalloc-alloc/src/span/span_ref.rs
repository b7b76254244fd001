//! A span's record by address, and the two records that stand for no span.

use core::ops::Deref;
use core::ptr::NonNull;

use super::Span;
use super::extent::Extent;

/// A span's record, by address (S1 makes it as good as a reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct SpanRef(NonNull<Span>);

impl Deref for SpanRef {
    type Target = Span;

    #[inline(always)]
    fn deref(&self) -> &Span {
        // SAFETY: S1.
        unsafe { self.0.as_ref() }
    }
}

/// The record behind every slice that never held a span. In `.data`, as what follows, beside what every process touches: the dynamic
/// linker writes the addresses in it.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static NO_SPAN: Span = Span::none();

/// The record behind every slice whose span was freed; a large block may have taken all but its first since.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static FREED_SPAN: Span = Span::none();

impl SpanRef {
    pub(crate) const NONE: SpanRef = SpanRef(NonNull::from_ref(&NO_SPAN));

    pub(crate) const FREED: SpanRef = SpanRef(NonNull::from_ref(&FREED_SPAN));

    /// # Safety
    /// It is blank or retired, and nobody else's; `extent` was taken for it (S4).
    pub(crate) unsafe fn init(self, extent: Extent, isolated: bool) -> SpanRef {
        // SAFETY: the caller's promise.
        let span = unsafe { SpanRef::blank(self.0) };
        span.first.set(extent.start());
        span.start.set(extent.start().as_ptr().expose_provenance());
        span.slices.set(extent.slices());
        span.region.set(extent.region());
        span.zeroed.set(extent.fresh_slices() == extent.slices());
        span.isolated.set(isolated);
        span
    }

    /// Makes a record of memory that was none yet, or of another one.
    ///
    /// # Safety
    /// `record` is memory for a record that stays mapped (S1), and nobody else's.
    pub(crate) unsafe fn blank(record: NonNull<Span>) -> SpanRef {
        // SAFETY: the caller's promise.
        unsafe { record.write(Span::none()) };
        SpanRef(record)
    }

    /// # Safety
    /// `record` is one (S1).
    pub(super) const unsafe fn from_record(record: NonNull<Span>) -> SpanRef {
        SpanRef(record)
    }

    pub(super) const fn as_record(self) -> NonNull<Span> {
        self.0
    }

    /// # Safety
    /// `pointer` is a record's (S1).
    #[inline(always)]
    pub(crate) unsafe fn from_raw(pointer: *mut Span) -> SpanRef {
        // SAFETY: records are never at null.
        SpanRef(unsafe { NonNull::new_unchecked(pointer) })
    }

    pub(crate) fn as_ptr(self) -> *mut Span {
        self.0.as_ptr()
    }

    pub(crate) fn is_none(self) -> bool {
        self == SpanRef::NONE
    }
}
