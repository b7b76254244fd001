//! A span's record by address, and the two records that stand for no span.

use core::ops::Deref;
use core::ptr::NonNull;

use super::Span;
use super::extent::Extent;
use super::owned::{OwnedSpan, Published};
use crate::support::pointer::pointer_to;

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

/// The record behind every slice that never held a span. In `.data`, as what follows, beside what
/// every process touches: the dynamic linker writes the addresses in it.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static NO_SPAN: Span = Span::none();

/// The record behind every slice whose span was freed; a large block may have taken all but its
/// first since.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".data"))]
static FREED_SPAN: Span = Span::none();

impl SpanRef {
    pub(crate) const NONE: SpanRef = SpanRef(pointer_to(&NO_SPAN));

    pub(crate) const FREED: SpanRef = SpanRef(pointer_to(&FREED_SPAN));

    /// # Safety
    /// It is blank or retired, and no other thread's; `extent` was taken for it (S4).
    pub(crate) unsafe fn init(self, extent: Extent, isolated: bool) -> OwnedSpan {
        let start = extent.start();
        start.as_ptr().expose_provenance();
        let span = Span {
            start: Published::new(start),
            slices: Published::new(extent.slices()),
            region: Published::new(extent.region()),
            zeroed: Published::new(extent.fresh_slices() == extent.slices()),
            isolated: Published::new(isolated),
            ..Span::none()
        };
        // SAFETY: the caller's promise.
        unsafe { self.0.write(span) };
        // SAFETY: as above.
        unsafe { self.owned() }
    }

    /// Makes a record of memory that was none yet, or of another one.
    ///
    /// # Safety
    /// `record` is memory for a record that stays mapped (S1), and no other thread's.
    pub(crate) unsafe fn blank(record: NonNull<Span>) -> SpanRef {
        // SAFETY: the caller's promise.
        unsafe { record.write(Span::none()) };
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

/// For debuggers.
impl SpanRef {
    pub(crate) const NONE_AND_FREED: [*const u8; 2] =
        [SpanRef::NONE.0.as_ptr().cast::<u8>().cast_const(), SpanRef::FREED.0.as_ptr().cast::<u8>().cast_const()];
}
