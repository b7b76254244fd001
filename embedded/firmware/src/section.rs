//! Critical sections on one core: interrupts are masked. With the feature `trace-sections` the
//! longest one is measured.

use core::arch::asm;

use critical_section::{Impl, RawRestoreState, set_impl};

struct Masked;

set_impl!(Masked);

unsafe impl Impl for Masked {
    #[inline]
    unsafe fn acquire() -> RawRestoreState {
        let masked: u32;
        unsafe { asm!("mrs {}, PRIMASK", "cpsid i", out(reg) masked) };
        trace::begin();
        masked & 1 == 0
    }

    #[inline]
    unsafe fn release(was_enabled: RawRestoreState) {
        trace::end();
        if was_enabled {
            unsafe { asm!("cpsie i") };
        }
    }
}

#[cfg(not(feature = "trace-sections"))]
#[path = "section/untraced.rs"]
mod trace;
#[cfg(feature = "trace-sections")]
#[path = "section/traced.rs"]
pub mod trace;
