//! Free pages inside spans that have live slots: out of the free lists, so that their memory can
//! go.

use core::ptr::NonNull;

use super::ThreadHeapRef;
use crate::span::class::SizeClass;
use crate::span::holes::runs;
use crate::span::slot::{Secret, Slot};

impl ThreadHeapRef {
    /// Makes holes of all free pages in spans that have a live slot, and calls `decommit` with each
    /// run of them; where it refuses, they are none. Bins are empty afterwards. The heaps of a
    /// limit, and hardened ones, have none.
    ///
    /// # Errors
    /// A free slot that was written to.
    pub(crate) fn dig(
        self,
        page_bytes: usize,
        secret: Secret,
        mut decommit: impl FnMut(NonNull<u8>, usize) -> bool,
    ) -> Result<(), Slot> {
        if self.quota.is_some() || !self.policy.digs_holes() {
            return Ok(());
        }
        let mut result = Ok(());
        for class in SizeClass::all() {
            self.retire_current(class, secret);
            for span in self.partial(class).iter() {
                match span.dig(page_bytes, secret) {
                    Ok(holes) => runs(holes).for_each(|(at, bytes)| {
                        // SAFETY: holes lie within the span.
                        let start = unsafe { span.start().add(at) };
                        if !decommit(start, bytes) {
                            span.undig(at, bytes, secret);
                        }
                    }),
                    Err(tampered) => result = Err(tampered),
                }
            }
        }
        result
    }
}
