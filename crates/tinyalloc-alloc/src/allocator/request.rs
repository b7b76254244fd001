//! What is asked for: how many bytes, aligned to what, and whether they are to be zero.

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

    pub(crate) const fn zeroed(self) -> Request {
        Request { zeroed: true, ..self }
    }
}
