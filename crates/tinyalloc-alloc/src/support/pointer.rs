//! Pointers for constants.

use core::ptr::{NonNull, from_ref};

/// Where it lies. (`NonNull::from_ref` is younger than the oldest compiler that is promised.)
pub(crate) const fn pointer_to<T>(value: &T) -> NonNull<T> {
    // SAFETY: a reference is not null.
    unsafe { NonNull::new_unchecked(from_ref(value).cast_mut()) }
}
