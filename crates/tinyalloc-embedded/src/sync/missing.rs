//! No values that interrupts share: on AVR they need critical sections (see `masked.rs`), and the
//! feature is off. A program that uses one does not link, and the name of what is missing says why.

use super::Ordering;
use crate::missing::tinyalloc_needs_its_feature_critical_section_on_this_processor;

pub(crate) struct Masked<T> {
    value: T,
}

impl<T: Copy> Masked<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { value }
    }

    #[inline]
    pub(crate) fn load(&self, _ordering: Ordering) -> T {
        tinyalloc_needs_its_feature_critical_section_on_this_processor();
        self.value
    }

    #[inline]
    pub(crate) fn store(&self, _value: T, _ordering: Ordering) {
        tinyalloc_needs_its_feature_critical_section_on_this_processor();
    }
}
