//! The array.

use crate::into_iter::IntoIter;
use core::error::Error;
use core::fmt::{Debug, Display, Formatter, Result as FmtResult};
use core::mem::{ManuallyDrop, MaybeUninit, offset_of};
use core::ops::{Deref, DerefMut};
use core::ptr::{copy, slice_from_raw_parts_mut};
use core::slice::{Iter, IterMut, from_raw_parts, from_raw_parts_mut};

/// An element that found no room, returned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CapacityError<T>(pub T);

impl<T> Debug for CapacityError<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str("CapacityError(..)")
    }
}

impl<T> Display for CapacityError<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.write_str("the array is full")
    }
}

impl<T> Error for CapacityError<T> {}

/// Up to `CAPACITY` elements, in place; dereferences to a slice of those that are there.
///
/// Invariants:
/// - A1: the first `length` slots hold elements, and `length` is at most `CAPACITY`.
#[repr(C)]
pub struct Array<T, const CAPACITY: usize> {
    // First, so that a mostly empty array touches one page.
    length: usize,
    slots: [MaybeUninit<T>; CAPACITY],
}

impl<T, const CAPACITY: usize> Array<T, CAPACITY> {
    /// Where the length is, for debuggers.
    #[doc(hidden)]
    pub const LENGTH_AT: usize = offset_of!(Self, length);
    /// Where the elements are, for debuggers.
    #[doc(hidden)]
    pub const SLOTS_AT: usize = offset_of!(Self, slots);

    /// An empty array.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: [const { MaybeUninit::uninit() }; CAPACITY], length: 0 }
    }

    /// How many elements fit.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        CAPACITY
    }

    /// How many elements are there.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether no element is there.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether no further element fits.
    #[inline]
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.length == CAPACITY
    }

    /// The elements.
    #[inline]
    #[must_use]
    pub const fn as_slice(&self) -> &[T] {
        // SAFETY: A1.
        unsafe { from_raw_parts(self.slots.as_ptr().cast(), self.length) }
    }

    /// The elements, to change.
    #[inline]
    #[must_use]
    pub const fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: A1.
        unsafe { from_raw_parts_mut(self.slots.as_mut_ptr().cast(), self.length) }
    }

    /// Appends an element.
    ///
    /// # Errors
    /// [`CapacityError`] with the element when the array is full.
    #[inline]
    pub fn push(&mut self, element: T) -> Result<(), CapacityError<T>> {
        let Some(slot) = self.slots.get_mut(self.length) else { return Err(CapacityError(element)) };
        slot.write(element);
        self.length += 1;
        Ok(())
    }

    /// Appends an element without looking whether it fits.
    ///
    /// # Safety
    /// The array is not full.
    #[inline]
    pub unsafe fn push_unchecked(&mut self, element: T) {
        debug_assert!(!self.is_full(), "the array is full");
        // SAFETY: the caller promises that there is a slot behind the last element.
        unsafe { self.slots.get_unchecked_mut(self.length) }.write(element);
        self.length += 1;
    }

    /// Takes the last element out.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let last = self.length.checked_sub(1)?;
        self.length = last;
        // SAFETY: A1 held an element there, and it is no longer counted.
        Some(unsafe { self.slots[last].assume_init_read() })
    }

    /// Puts an element at `index` and moves those from there on up by one.
    ///
    /// # Errors
    /// [`CapacityError`] with the element when the array is full or `index` is beyond its length.
    pub fn insert(&mut self, index: usize, element: T) -> Result<(), CapacityError<T>> {
        if self.is_full() || index > self.length {
            return Err(CapacityError(element));
        }
        let slots = self.slots.as_mut_ptr();
        // SAFETY: A1, and the index is at most the length.
        let slot = unsafe { slots.add(index) };
        // SAFETY: A1, and there is room for one more.
        let above = unsafe { slot.add(1) };
        // SAFETY: A1: both ranges lie within the slots.
        unsafe { copy(slot, above, self.length - index) };
        self.slots[index].write(element);
        self.length += 1;
        Ok(())
    }

    /// Takes the element at `index` out and moves those above down by one.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        if index >= self.length {
            return None;
        }
        // SAFETY: A1, and the slot is overwritten or no longer counted below.
        let element = unsafe { self.slots[index].assume_init_read() };
        let slots = self.slots.as_mut_ptr();
        // SAFETY: A1, and the index is below the length.
        let slot = unsafe { slots.add(index) };
        // SAFETY: A1: at most one past the last slot.
        let above = unsafe { slot.add(1) };
        self.length -= 1;
        // SAFETY: A1: both ranges lie within the slots.
        unsafe { copy(above, slot, self.length - index) };
        Some(element)
    }

    /// Takes the element at `index` out and puts the last one in its place.
    pub fn swap_remove(&mut self, index: usize) -> Option<T> {
        let last = self.length.checked_sub(1)?;
        if index > last {
            return None;
        }
        self.as_mut_slice().swap(index, last);
        self.pop()
    }

    /// Drops the elements from `length` on.
    pub fn truncate(&mut self, length: usize) {
        let Some(count) = self.length.checked_sub(length) else { return };
        let dropped = slice_from_raw_parts_mut(self.slots[length..].as_mut_ptr().cast::<T>(), count);
        self.length = length;
        // SAFETY: A1 held elements there, and they are no longer counted.
        unsafe { dropped.drop_in_place() };
    }

    /// Drops all elements.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Appends what the iterator yields.
    ///
    /// # Errors
    /// [`CapacityError`] with the first element that did not fit; those before it were appended.
    pub fn try_extend(&mut self, elements: impl IntoIterator<Item = T>) -> Result<(), CapacityError<T>> {
        elements.into_iter().try_for_each(|element| self.push(element))
    }

    /// The slots and the length, without dropping anything.
    pub(crate) fn into_slots(self) -> ([MaybeUninit<T>; CAPACITY], usize) {
        let array = ManuallyDrop::new(self);
        // SAFETY: the array is never used nor dropped again.
        (unsafe { (&raw const array.slots).read() }, array.length)
    }
}

impl<T, const CAPACITY: usize> Drop for Array<T, CAPACITY> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<T, const CAPACITY: usize> Default for Array<T, CAPACITY> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const CAPACITY: usize> Deref for Array<T, CAPACITY> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T, const CAPACITY: usize> DerefMut for Array<T, CAPACITY> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

impl<T: Debug, const CAPACITY: usize> Debug for Array<T, CAPACITY> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        self.as_slice().fmt(formatter)
    }
}

impl<T: Clone, const CAPACITY: usize> Clone for Array<T, CAPACITY> {
    fn clone(&self) -> Self {
        let mut clone = Self::new();
        for (slot, element) in clone.slots.iter_mut().zip(self.as_slice()) {
            slot.write(element.clone());
            clone.length += 1;
        }
        clone
    }
}

impl<T: PartialEq, const CAPACITY: usize, const OTHER: usize> PartialEq<Array<T, OTHER>> for Array<T, CAPACITY> {
    fn eq(&self, other: &Array<T, OTHER>) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Eq, const CAPACITY: usize> Eq for Array<T, CAPACITY> {}

impl<T, const CAPACITY: usize> IntoIterator for Array<T, CAPACITY> {
    type Item = T;
    type IntoIter = IntoIter<T, CAPACITY>;

    fn into_iter(self) -> IntoIter<T, CAPACITY> {
        IntoIter::new(self)
    }
}

impl<'array, T, const CAPACITY: usize> IntoIterator for &'array Array<T, CAPACITY> {
    type Item = &'array T;
    type IntoIter = Iter<'array, T>;

    fn into_iter(self) -> Iter<'array, T> {
        self.iter()
    }
}

impl<'array, T, const CAPACITY: usize> IntoIterator for &'array mut Array<T, CAPACITY> {
    type Item = &'array mut T;
    type IntoIter = IterMut<'array, T>;

    fn into_iter(self) -> IterMut<'array, T> {
        self.iter_mut()
    }
}
