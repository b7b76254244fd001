//! A flag between an interrupt and main, on one core. No atomic: LLVM (22.1.8 and before)
//! miscompiles those on AVR.

use core::cell::UnsafeCell;
use core::sync::atomic::{Ordering, compiler_fence};

pub struct Flag(UnsafeCell<bool>);

unsafe impl Sync for Flag {}

impl Flag {
    pub const LOWERED: Self = Self(UnsafeCell::new(false));

    pub fn raise(&self) {
        compiler_fence(Ordering::Release);
        unsafe { self.0.get().write_volatile(true) };
    }

    pub fn is_raised(&self) -> bool {
        let is_raised = unsafe { self.0.get().read_volatile() };
        compiler_fence(Ordering::Acquire);
        is_raised
    }
}
