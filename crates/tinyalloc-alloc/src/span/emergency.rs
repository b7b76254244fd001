//! The slots that serve signal handlers which interrupt the allocator.
//!
//! Which are taken is one word, in the place of what a heap's span has left of its countdown. A
//! `BitSlice` of tinyalloc-bitmap does the same, with 200 bytes more of code (measured).

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::Span;

impl Span {
    /// Claims an emergency slot; safe at any time, from a signal handler too.
    pub(crate) fn emergency_claim(&self) -> Option<NonNull<u8>> {
        let mut taken = self.rest.load(Ordering::Relaxed);
        loop {
            let index = (!taken).trailing_zeros();
            if index >= self.slots.get() {
                return None;
            }
            match self.rest.compare_exchange_weak(taken, taken | 1 << index, Ordering::Acquire, Ordering::Relaxed) {
                // SAFETY: `index` is below `slots`.
                Ok(_) => return Some(self.start_of(index as usize)),
                Err(now) => taken = now,
            }
        }
    }

    /// Whether the emergency slot at an address is in use.
    pub(crate) fn emergency_is_taken(&self, address: usize) -> bool {
        let index = self.slot_index(address);
        self.rest.load(Ordering::Relaxed) & (1 << index) != 0
    }

    /// Frees an emergency slot; false when it was free.
    pub(crate) fn emergency_release(&self, address: usize) -> bool {
        let index = self.slot_index(address);
        let bit = 1 << index;
        self.rest.fetch_and(!bit, Ordering::Release) & bit != 0
    }
}
