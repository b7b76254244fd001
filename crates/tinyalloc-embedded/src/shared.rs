//! A value that contexts share.

use core::cell::UnsafeCell;
use core::fmt::{Debug, Formatter, Result as FmtResult};

use crate::error::AllocError;
use crate::lock::Claim;

/// A value in a `static` that main and interrupts, or several cores, use in turn: one context at a
/// time.
///
/// With the feature `critical-section` the closure runs as a critical section, so keep it short:
/// nothing that takes longer with more data. Without it a context that meets another one inside is
/// refused, and never waits. Processors without compare-and-swap (ARMv6-M, RV32IMC, AVR)
/// need the feature: a program that goes without it does not link there.
///
/// ```
/// # use tinyalloc_embedded as tinyalloc;
/// use tinyalloc::prelude::*;
///
/// static MESSAGES: Shared<TinySlabAllocator<256, 8>> = Shared::new(TinySlabAllocator::new());
///
/// let handle = MESSAGES.with(|slab| slab.alloc(12))??;
/// assert_eq!(MESSAGES.with(|slab| slab.stats().live), Ok(1));
/// MESSAGES.with(|slab| slab.free(handle))??;
/// # Ok::<(), AllocError>(())
/// ```
pub struct Shared<T> {
    claim: Claim,
    /// Invariant S1: only a closure that runs with the claim refers to the value.
    value: UnsafeCell<T>,
}

// SAFETY: by S1, the references of different contexts follow each other.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Shares a value.
    pub const fn new(value: T) -> Self {
        Self { claim: Claim::new(), value: UnsafeCell::new(value) }
    }

    /// Runs the closure with the value.
    ///
    /// # Errors
    /// [`AllocError::Busy`]: the closure of another call has the value. With the feature
    /// `critical-section` that is only an outer one, of the same context.
    #[inline]
    pub fn with<R>(&self, step: impl FnOnce(&mut T) -> R) -> Result<R, AllocError> {
        // SAFETY: S1.
        self.claim.enter(|| step(unsafe { &mut *self.value.get() })).ok_or(AllocError::Busy)
    }

    /// As [`Shared::with`], for a closure that does not come back here.
    #[inline]
    pub(crate) fn hold<R>(&self, step: impl FnOnce(&mut T) -> R) -> Result<R, AllocError> {
        // SAFETY: S1.
        self.claim.hold(|| step(unsafe { &mut *self.value.get() })).ok_or(AllocError::Busy)
    }

    /// The value, which no other context can have in the meantime.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T> Debug for Shared<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}
