//! The current span of each class, whose free slots are the bin's.

use super::ThreadHeapRef;
use super::guests::FindSpan;
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
        self.note_churn(span, class);
        span.enter_bin(bin);
        self.stop_at_mark(span);
    }

    pub(super) fn take(self, class: SizeClass, secret: Secret) -> Result<Slot, Slot> {
        let bin = self.bins.head(class);
        let slot = bin.get().unmarked();
        if bin.get().is_marked() {
            self.met_mark.set(true);
        }
        bin.set(slot.next(secret).ok_or(slot)?);
        slot.unsign();
        Ok(slot)
    }

    /// The current span of a class takes its free slots back, where bins must be empty; walks
    /// the list.
    pub(crate) fn retire_current(self, class: SizeClass, secret: Secret, find: FindSpan<'_>) -> Result<(), Slot> {
        self.send_all_home(class, secret, find)?;
        let span = self.current(class).get();
        if span.is_none() {
            return Ok(());
        }
        let live = span.slots_present() - self.in_bin(span, secret);
        span.leave_bin(self.bins.head(class));
        self.current(class).set(OwnedSpan::NONE);
        if live == span.slots_present() {
            self.put_aside(span, class)
        } else {
            self.relist(span, live)
        }
        Ok(())
    }

    /// One epoch in the pool. As [`ThreadHeapRef::retire_idle`] at the second, and when remote
    /// frees came in since; true then.
    pub(crate) fn age_in_pool(self, secret: Secret, find: FindSpan<'_>) -> bool {
        let walks = self.pool_age.get() == PoolAge::Seen;
        self.pool_age.set(if self.pool_age.get() == PoolAge::Fresh { PoolAge::Seen } else { PoolAge::Walked });
        if walks {
            let _ = self.retire_idle(secret, find);
        }
        walks
    }

    /// Gives up current spans that have no live slot; walks the free lists.
    ///
    /// # Errors
    /// A free slot that was written to.
    pub(crate) fn retire_idle(self, secret: Secret, find: FindSpan<'_>) -> Result<(), Slot> {
        let mut result = Ok(());
        for class in SizeClass::all() {
            result = result.and(self.send_all_home(class, secret, find));
            let span = self.current(class).get();
            if !span.is_none() && self.in_bin(span, secret) == span.slots_present() {
                span.leave_bin(self.bins.head(class));
                self.current(class).set(OwnedSpan::NONE);
                self.empty_out(span);
            }
        }
        result
    }
}
