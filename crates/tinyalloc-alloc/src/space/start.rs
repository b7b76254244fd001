//! What an allocator begins with: the first region, and slots for emergencies.

use tinyalloc_sys::Mapper;

use super::Space;
use crate::region::near::Near;
use crate::region::purpose::Purpose;
use crate::span::class::{SLICE_BYTES, SizeClass};

/// Slots for signal handlers that interrupt the allocator.
const EMERGENCY_SLOTS: u32 = 16;
const EMERGENCY_BYTES: usize = 4096;

impl Space {
    /// Reserves the first region and sets the emergency slots aside, before a guard if wanted: of
    /// what lies behind them, too.
    pub(crate) fn start<M: Mapper>(&mut self, mapper: &M, guarded: bool) -> Option<()> {
        if self.regions.is_empty() {
            self.add_region(mapper, 1, Purpose::Slots)?;
        }
        if self.emergency.is_none() {
            let class = SizeClass::of(EMERGENCY_BYTES)?;
            let bytes = class.bytes() * EMERGENCY_SLOTS as usize;
            let slices = bytes.div_ceil(SLICE_BYTES);
            let span = self.take_span(mapper, slices + usize::from(guarded), 1, Purpose::Slots, None, Near::ANYWHERE)?;
            if guarded && mapper.page_bytes() <= SLICE_BYTES {
                // SAFETY: the span has a slice more than its slots need.
                let guard = unsafe { span.start().add(slices * SLICE_BYTES) };
                // SAFETY: nothing is there. Refused, there is no guard, and everything else holds.
                let _ = unsafe { mapper.trap(guard, SLICE_BYTES) };
            }
            span.become_emergency(class, EMERGENCY_SLOTS);
            self.emergency = Some(*span);
            self.name_slices(*span);
        }
        Some(())
    }
}
