//! No context waits: without the feature `embedded-io-async` there is no context to wake.

pub(crate) struct Wakers;

impl Wakers {
    pub(crate) const fn new() -> Self {
        Self
    }

    #[inline]
    pub(crate) fn wake_reader(&self) {}

    #[inline]
    pub(crate) fn wake_writer(&self) {}
}
