//! Critical sections on one core: interrupts are masked. With the feature `trace-sections` the
//! longest one is measured, without those that are inside of another.

use critical_section::{Impl, RawRestoreState, set_impl};

use crate::board::mask::{mask, unmask};

struct Masked;

set_impl!(Masked);

unsafe impl Impl for Masked {
    #[inline]
    unsafe fn acquire() -> RawRestoreState {
        let was_enabled = mask();
        if was_enabled {
            trace::begin();
        }
        was_enabled
    }

    #[inline]
    unsafe fn release(was_enabled: RawRestoreState) {
        if was_enabled {
            trace::end();
            unmask();
        }
    }
}

#[cfg(not(feature = "trace-sections"))]
#[path = "section/untraced.rs"]
mod trace;
#[cfg(feature = "trace-sections")]
#[path = "section/traced.rs"]
pub mod trace;
