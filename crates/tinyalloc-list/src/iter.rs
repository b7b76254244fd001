//! Walks over a list.

use crate::links::Linked;
use crate::list::List;
use core::iter::FusedIterator;
use core::ptr::NonNull;

/// The nodes of a list, from either end.
#[derive(Debug)]
pub struct Iter<'list, T: Linked> {
    list: &'list List<T>,
    ends: Option<(NonNull<T>, NonNull<T>)>,
}

impl<'list, T: Linked> Iter<'list, T> {
    #[inline]
    pub(crate) fn new(list: &'list List<T>) -> Self {
        Self { list, ends: list.first().zip(list.last()) }
    }
}

impl<T: Linked> Iterator for Iter<'_, T> {
    type Item = NonNull<T>;

    #[inline]
    fn next(&mut self) -> Option<NonNull<T>> {
        let (front, back) = self.ends?;
        self.ends = if front == back { None } else { self.list.after(front).map(|next| (next, back)) };
        Some(front)
    }
}

impl<T: Linked> DoubleEndedIterator for Iter<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<NonNull<T>> {
        let (front, back) = self.ends?;
        self.ends = if front == back { None } else { self.list.before(back).map(|prev| (front, prev)) };
        Some(back)
    }
}

impl<T: Linked> FusedIterator for Iter<'_, T> {}

impl<'list, T: Linked> IntoIterator for &'list List<T> {
    type Item = NonNull<T>;
    type IntoIter = Iter<'list, T>;

    fn into_iter(self) -> Iter<'list, T> {
        self.iter()
    }
}

/// Takes nodes out of a list while it walks.
#[derive(Debug)]
pub struct Drain<'list, T: Linked> {
    list: &'list List<T>,
}

impl<'list, T: Linked> Drain<'list, T> {
    #[inline]
    pub(crate) fn new(list: &'list List<T>) -> Self {
        Self { list }
    }
}

impl<T: Linked> Iterator for Drain<'_, T> {
    type Item = NonNull<T>;

    #[inline]
    fn next(&mut self) -> Option<NonNull<T>> {
        self.list.pop_front()
    }
}

impl<T: Linked> DoubleEndedIterator for Drain<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<NonNull<T>> {
        self.list.pop_back()
    }
}
