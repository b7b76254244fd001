//! Sizes in pages.

use crate::align::round_up;

/// How many pages `bytes` need.
#[inline]
#[must_use]
pub const fn pages_for(bytes: usize, page_bytes: usize) -> usize {
    debug_assert!(page_bytes.is_power_of_two());
    bytes.div_ceil(page_bytes)
}

/// The bytes of the pages that `bytes` need; `None` when they exceed the address space.
#[inline]
#[must_use]
pub const fn page_ceiling(bytes: usize, page_bytes: usize) -> Option<usize> {
    round_up(bytes, page_bytes)
}
