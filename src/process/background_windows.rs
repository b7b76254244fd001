//! There is no background thread, and no option that asks for one.

/// The program changed the option, outside of any allocation.
pub(crate) fn on_option() {}
