//! The current span of each class, whose free slots are the bin's.

use super::ThreadHeapRef;
use super::state::PoolAge;
use crate::span::class::SizeClass;
use crate::span::owned::OwnedSpan;
use crate::span::slot::{Secret, Slot};

impl ThreadHeapRef {
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    pub(super) fn make_current(self, span: OwnedSpan, class: SizeClass) {
        let bin = self.bins.head(class);
        let last = self.current(class).replace(span);
        if !last.is_none() {
            last.leave_bin(bin);
            self.put_aside(last, class);
        }
        span.enter_bin(bin);
    }

    pub(super) fn take(self, class: SizeClass, secret: Secret) -> Result<Slot, Slot> {
        let bin = self.bins.head(class);
        let slot = bin.get();
        bin.set(slot.next(secret).ok_or(slot)?);
        slot.unsign();
        Ok(slot)
    }

    /// The current span of a class takes its free slots back, where bins must be empty; walks
    /// the list.
    pub(crate) fn retire_current(self, class: SizeClass, secret: Secret) {
        let span = self.current(class).get();
        if span.is_none() {
            return;
        }
        let live = span.slots_present() - self.free_in_bin(class, secret);
        span.leave_bin(self.bins.head(class));
        self.current(class).set(OwnedSpan::NONE);
        if live == span.slots_present() { self.put_aside(span, class) } else { self.relist(span, live) }
    }

    /// One epoch in the pool. As [`ThreadHeapRef::retire_idle`] at the second, and when remote
    /// frees came in since; true then.
    pub(crate) fn age_in_pool(self, secret: Secret) -> bool {
        let walks = self.pool_age.get() == PoolAge::Seen;
        self.pool_age.set(if self.pool_age.get() == PoolAge::Fresh { PoolAge::Seen } else { PoolAge::Walked });
        if walks {
            self.retire_idle(secret);
        }
        walks
    }

    /// Gives up current spans that have no live slot; walks the free lists.
    pub(crate) fn retire_idle(self, secret: Secret) {
        for class in SizeClass::all() {
            let span = self.current(class).get();
            if !span.is_none() && self.free_in_bin(class, secret) == span.slots_present() {
                span.leave_bin(self.bins.head(class));
                self.current(class).set(OwnedSpan::NONE);
                self.empty_out(span);
            }
        }
    }

    /// Free slots in a bin.
    pub(crate) fn free_in_bin(self, class: SizeClass, secret: Secret) -> u32 {
        let mut slots = 0;
        let mut slot = self.bins.head(class).get();
        while let Some(next) = slot.next(secret) {
            slots += 1;
            slot = next;
        }
        slots
    }
}
