//! How much an isolated heap may take, and has taken.

use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of slots that were carved and of large blocks, against a limit. Counted by the thread that
/// carves, in any thread.
#[derive(Debug)]
pub(crate) struct Quota {
    limit_bytes: AtomicUsize,
    charged_bytes: AtomicUsize,
    refusals: AtomicUsize,
}

impl Quota {
    pub(crate) const fn new(limit_bytes: usize) -> Quota {
        Quota { limit_bytes: AtomicUsize::new(limit_bytes), charged_bytes: AtomicUsize::new(0), refusals: AtomicUsize::new(0) }
    }

    pub(crate) fn limit_bytes(&self) -> usize {
        self.limit_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_limit_bytes(&self, bytes: usize) {
        self.limit_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn charged_bytes(&self) -> usize {
        self.charged_bytes.load(Ordering::Relaxed)
    }

    /// Times that the limit was in the way.
    pub(crate) fn refusals(&self) -> usize {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Takes so much more; false, and nothing is taken, where that is beyond the limit.
    #[must_use]
    pub(crate) fn charge(&self, bytes: usize) -> bool {
        let limit = self.limit_bytes();
        let taken = self
            .charged_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |charged| charged.checked_add(bytes).filter(|sum| *sum <= limit));
        if taken.is_err() {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// Whether so much more would be admitted.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let has_room = self.charged_bytes().checked_add(bytes).is_some_and(|sum| sum <= self.limit_bytes());
        if !has_room {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    pub(crate) fn uncharge(&self, bytes: usize) {
        self.charged_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A quota by address: it stays mapped as long as the heap that it is part of (I1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuotaRef(NonNull<Quota>);

impl QuotaRef {
    /// # Safety
    /// `quota` stays valid as long as anything refers to it.
    pub(crate) const unsafe fn new(quota: NonNull<Quota>) -> QuotaRef {
        QuotaRef(quota)
    }

    pub(crate) fn as_ptr(self) -> NonNull<Quota> {
        self.0
    }
}

impl Deref for QuotaRef {
    type Target = Quota;

    fn deref(&self) -> &Quota {
        // SAFETY: promised to `new`.
        unsafe { self.0.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::Quota;

    #[test]
    fn a_quota_is_spent_up_to_its_last_byte() {
        let quota = Quota::new(100);
        assert!(quota.charge(60) && !quota.charge(41) && quota.charge(40) && !quota.charge(1));
        quota.uncharge(1);
        assert!(quota.charge(1) && !quota.charge(usize::MAX));
        assert_eq!((quota.charged_bytes(), quota.refusals()), (100, 3));
    }
}
