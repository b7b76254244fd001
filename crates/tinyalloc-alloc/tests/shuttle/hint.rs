//! What `core::hint` is in the engine.

pub(crate) use std::hint::assert_unchecked;

pub(crate) fn spin_loop() {
    crate::watch::yield_now();
}
