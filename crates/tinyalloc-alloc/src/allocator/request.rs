//! What is asked for: how many bytes, aligned to what, and whether they are to be zero.

use crate::span::class::SizeClass;

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    bytes: usize,
    align: usize,
    zeroed: bool,
}

impl Request {
    pub(crate) const fn new(bytes: usize) -> Request {
        Request { bytes, align: 1, zeroed: false }
    }

    pub(crate) const fn aligned(self, align: usize) -> Request {
        Request { align, ..self }
    }

    pub(crate) const fn bytes(self) -> usize {
        self.bytes
    }

    pub(crate) const fn align(self) -> usize {
        self.align
    }

    /// Whether every byte is to be zero.
    pub(crate) const fn is_zeroed(self) -> bool {
        self.zeroed
    }

    /// As one that a slot of `class` serves.
    pub(crate) const fn small(self, class: SizeClass) -> SmallRequest {
        SmallRequest::new(class, self.bytes, self.align)
    }

    pub(crate) const fn zeroed(self) -> Request {
        Request { zeroed: true, ..self }
    }
}

/// A request that a slot serves: its class, and for the profile what was asked for.
#[derive(Clone, Copy)]
pub(crate) struct SmallRequest {
    class: SizeClass,
    bytes: u32,
    align: u32,
}

impl SmallRequest {
    #[expect(clippy::cast_possible_truncation, reason = "no small request has that many bytes, or a larger alignment")]
    pub(crate) const fn new(class: SizeClass, bytes: usize, align: usize) -> SmallRequest {
        SmallRequest { class, bytes: bytes as u32, align: align as u32 }
    }

    pub(crate) const fn class(self) -> SizeClass {
        self.class
    }

    pub(crate) const fn bytes(self) -> usize {
        self.bytes as usize
    }

    pub(crate) const fn align(self) -> usize {
        self.align as usize
    }
}
