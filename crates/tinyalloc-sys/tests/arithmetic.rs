//! Alignment and page arithmetic, up to the end of the address space.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use tinyalloc_sys::{is_aligned, page_ceiling, pages_for, round_down, round_up};

proptest! {
    #[test]
    fn rounding_agrees_with_division(value in any::<usize>(), power in 0..usize::BITS) {
        let align = 1_usize << power;
        prop_assert_eq!(round_up(value, align), value.checked_next_multiple_of(align));
        prop_assert_eq!(page_ceiling(value, align), value.checked_next_multiple_of(align));
        prop_assert_eq!(round_down(value, align), value / align * align);
        prop_assert_eq!(is_aligned(value, align), value % align == 0);
        prop_assert!(pages_for(value, align).checked_mul(align).is_none_or(|bytes| bytes >= value));
        prop_assert!(value == 0 || (pages_for(value, align) - 1) * align < value);
    }
}

#[test]
fn rounding_up_beyond_the_address_space_is_refused() {
    assert_eq!(round_up(usize::MAX, 4096), None);
    assert_eq!(round_up(usize::MAX - 4095, 4096), Some(usize::MAX - 4095));
    assert_eq!(page_ceiling(usize::MAX - 4094, 4096), None);
    assert_eq!(pages_for(usize::MAX, 4096), usize::MAX / 4096 + 1);
    assert_eq!(round_up(0, 1 << 63), Some(0));
}
