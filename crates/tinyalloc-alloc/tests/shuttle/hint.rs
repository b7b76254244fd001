//! What `core::hint` is in the engine.

pub(crate) fn spin_loop() {
    crate::watch::yield_now();
}
