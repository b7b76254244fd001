//! Arithmetic on alignments, which are powers of two.

/// The lowest multiple of `align` that is not below `value`; `None` when there is none.
#[inline]
#[must_use]
pub const fn round_up(value: usize, align: usize) -> Option<usize> {
    debug_assert!(align.is_power_of_two());
    match value.checked_add(align - 1) {
        Some(sum) => Some(round_down(sum, align)),
        None => None,
    }
}

/// The highest multiple of `align` that is not above `value`.
#[inline]
#[must_use]
pub const fn round_down(value: usize, align: usize) -> usize {
    debug_assert!(align.is_power_of_two());
    value & !(align - 1)
}

/// Whether `value` is a multiple of `align`.
#[inline]
#[must_use]
pub const fn is_aligned(value: usize, align: usize) -> bool {
    debug_assert!(align.is_power_of_two());
    value & (align - 1) == 0
}
