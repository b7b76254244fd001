//! There is no heap profile, for there are no stacks to tell its sites by, nor an option that asks
//! for one.

/// What the option would be without a value.
pub(crate) const DEFAULT_FILE: &str = "tinyalloc.%p.%n.heap";

/// Whether a heap may have a profile.
pub(crate) const IS_THERE: bool = false;

pub(crate) fn is_at_hand() -> bool {
    true
}
