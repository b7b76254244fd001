//! When to purge: free memory that nobody wanted for two epochs, or that outweighs what is in use.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Length of an epoch. Memory is decommitted after one to two of them.
const EPOCH_MILLISECONDS: u64 = 400;
/// The clock is read at every so many events.
const EVENTS_PER_LOOK: u32 = 16;
/// Free memory that always may stay resident.
const RESIDENT_FREE_BYTES_MIN: usize = 16 * 1024 * 1024;
/// Of the memory in use, this part may be resident and free besides.
const RESIDENT_FREE_PART: usize = 1;

/// What to purge now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// What has been idle since the epoch before the last.
    Aged,
    /// As much as brings free memory down to this.
    DownTo(usize),
}

pub(crate) struct Decay {
    events: AtomicU32,
    epoch_start: AtomicU64,
}

impl Decay {
    pub(crate) const fn new() -> Decay {
        Decay { events: AtomicU32::new(0), epoch_start: AtomicU64::new(0) }
    }

    /// Counts an event; called under the lock of the space.
    pub(crate) fn on_event(&self, used_bytes: usize, resident_free_bytes: usize, now_milliseconds: impl FnOnce() -> u64) -> Due {
        let cap = RESIDENT_FREE_BYTES_MIN + used_bytes / RESIDENT_FREE_PART;
        if resident_free_bytes > cap {
            return Due::DownTo(cap / 2);
        }
        let events = self.events.load(Ordering::Relaxed).wrapping_add(1);
        self.events.store(events, Ordering::Relaxed);
        if !events.is_multiple_of(EVENTS_PER_LOOK) || resident_free_bytes == 0 {
            return Due::Nothing;
        }
        let now = now_milliseconds();
        if now.wrapping_sub(self.epoch_start.load(Ordering::Relaxed)) < EPOCH_MILLISECONDS {
            return Due::Nothing;
        }
        self.epoch_start.store(now, Ordering::Relaxed);
        Due::Aged
    }
}
