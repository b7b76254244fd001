//! Values that interrupts share, on AVR. A word takes two instructions there, so interrupts are
//! held off between them. The compiler's own atomics hold them off, too, but LLVM (22.1.8 and
//! before) miscompiles them: the lower byte of a word may be loaded over the pointer to the upper
//! byte, and every access overwrites `r0`, in which a product may lie.

#![forbid(unsafe_code)]

use core::cell::Cell;

use critical_section::{Mutex, with};

use super::Ordering;

pub(crate) struct Masked<T> {
    value: Mutex<Cell<T>>,
}

impl<T: Copy> Masked<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { value: Mutex::new(Cell::new(value)) }
    }

    #[inline]
    pub(crate) fn load(&self, _ordering: Ordering) -> T {
        with(|section| self.value.borrow(section).get())
    }

    #[inline]
    pub(crate) fn store(&self, value: T, _ordering: Ordering) {
        with(|section| self.value.borrow(section).set(value));
    }
}
