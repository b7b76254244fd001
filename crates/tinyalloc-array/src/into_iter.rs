//! The elements of an array, by value.

use crate::array::Array;
use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::iter::FusedIterator;
use core::mem::MaybeUninit;
use core::ops::Range;

/// Yields the elements of an [`Array`] from either end, and drops the rest.
///
/// Invariants:
/// - I1: the slots in `left` hold elements.
pub struct IntoIter<T, const CAPACITY: usize> {
    slots: [MaybeUninit<T>; CAPACITY],
    left: Range<usize>,
}

impl<T, const CAPACITY: usize> IntoIter<T, CAPACITY> {
    pub(crate) fn new(array: Array<T, CAPACITY>) -> Self {
        let (slots, length) = array.into_slots();
        Self { slots, left: 0..length }
    }
}

impl<T, const CAPACITY: usize> Iterator for IntoIter<T, CAPACITY> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let index = self.left.next()?;
        // SAFETY: I1 held an element there, and it is no longer counted.
        Some(unsafe { self.slots[index].assume_init_read() })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl<T, const CAPACITY: usize> DoubleEndedIterator for IntoIter<T, CAPACITY> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        let index = self.left.next_back()?;
        // SAFETY: I1 held an element there, and it is no longer counted.
        Some(unsafe { self.slots[index].assume_init_read() })
    }
}

impl<T, const CAPACITY: usize> ExactSizeIterator for IntoIter<T, CAPACITY> {}

impl<T, const CAPACITY: usize> FusedIterator for IntoIter<T, CAPACITY> {}

impl<T, const CAPACITY: usize> Debug for IntoIter<T, CAPACITY> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_struct("IntoIter").field("left", &self.left).finish_non_exhaustive()
    }
}

impl<T, const CAPACITY: usize> Drop for IntoIter<T, CAPACITY> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
