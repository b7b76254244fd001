//! The list: its two ends, and every way in and out.

use crate::iter::{Drain, Iter};
use crate::links::{Linked, Links};
use core::cell::Cell;
use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::mem::offset_of;
use core::ptr::NonNull;

/// A doubly linked list of nodes that it does not own; two words. A node is in one list at a time.
///
/// The owner of the list protects it, by a lock or by being one thread. Dropping a list forgets its
/// nodes, which stay linked.
///
/// Invariants:
/// - L1: every node reached from `head` or `tail` is valid, because it was pushed under that
///   promise and [`Linked`] keeps it;
/// - L2: `head` and `tail` are both `None` or both the ends of one chain.
#[repr(C)]
pub struct List<T: Linked> {
    head: Cell<Option<NonNull<T>>>,
    tail: Cell<Option<NonNull<T>>>,
}

impl<T: Linked> List<T> {
    /// Where the node at the front is noted, for debuggers.
    #[doc(hidden)]
    pub const HEAD_AT: usize = offset_of!(List<T>, head);

    /// An empty list; the same as all-zero bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: Cell::new(None), tail: Cell::new(None) }
    }

    /// Whether no node is in the list.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.get().is_none()
    }

    /// The node at the front.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<NonNull<T>> {
        self.head.get()
    }

    /// The node at the back.
    #[inline]
    #[must_use]
    pub fn last(&self) -> Option<NonNull<T>> {
        self.tail.get()
    }

    /// Puts the node at the front.
    ///
    /// # Safety
    /// `node` is valid for shared access, in no list, and stays as [`Linked`] promises.
    #[inline]
    pub unsafe fn push_front(&self, node: NonNull<T>) {
        // SAFETY: the caller promises a valid node.
        let links = unsafe { links_of(&node) };
        debug_assert!(!links.is_linked(), "a node is in one list at a time");
        self.join(node, links, None, self.head.get());
    }

    /// Puts the node at the back.
    ///
    /// # Safety
    /// As for [`List::push_front`].
    #[inline]
    pub unsafe fn push_back(&self, node: NonNull<T>) {
        // SAFETY: the caller promises a valid node.
        let links = unsafe { links_of(&node) };
        debug_assert!(!links.is_linked(), "a node is in one list at a time");
        self.join(node, links, self.tail.get(), None);
    }

    /// Takes the node at the front out.
    #[inline]
    pub fn pop_front(&self) -> Option<NonNull<T>> {
        let node = self.head.get()?;
        self.part(node);
        Some(node)
    }

    /// Takes the node at the back out.
    #[inline]
    pub fn pop_back(&self) -> Option<NonNull<T>> {
        let node = self.tail.get()?;
        self.part(node);
        Some(node)
    }

    /// Puts `node` right before `at`.
    ///
    /// # Safety
    /// As for [`List::push_front`], and `at` is in this list.
    #[inline]
    pub unsafe fn insert_before(&self, at: NonNull<T>, node: NonNull<T>) {
        // SAFETY: the caller promises a valid node.
        let links = unsafe { links_of(&node) };
        debug_assert!(!links.is_linked(), "a node is in one list at a time");
        debug_assert!(self.may_hold(at), "the neighbour is in another list or in none");
        self.join(node, links, self.links_in(&at).prev_of(at), Some(at));
    }

    /// Puts `node` right after `at`.
    ///
    /// # Safety
    /// As for [`List::push_front`], and `at` is in this list.
    #[inline]
    pub unsafe fn insert_after(&self, at: NonNull<T>, node: NonNull<T>) {
        // SAFETY: the caller promises a valid node.
        let links = unsafe { links_of(&node) };
        debug_assert!(!links.is_linked(), "a node is in one list at a time");
        debug_assert!(self.may_hold(at), "the neighbour is in another list or in none");
        self.join(node, links, Some(at), self.links_in(&at).next_of(at));
    }

    /// Takes the node out.
    ///
    /// Debug builds assert that it is in this list as far as that is known without a walk: the end
    /// of another list and an unlinked node are refused, an inner node of another list is not.
    ///
    /// # Safety
    /// `node` is in this list.
    #[inline]
    pub unsafe fn remove(&self, node: NonNull<T>) {
        debug_assert!(self.may_hold(node), "the node is in another list or in none");
        self.part(node);
    }

    /// Whether the node is in this list; walks it.
    ///
    /// # Safety
    /// `node` is valid for shared access.
    #[must_use]
    pub unsafe fn contains(&self, node: NonNull<T>) -> bool {
        // SAFETY: the caller promises a valid node.
        let links = unsafe { links_of(&node) };
        links.is_linked() && self.iter().any(|each| each == node)
    }

    /// The nodes from front to back. The node that was just yielded may be removed, the ones after
    /// it may not.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self)
    }

    /// Takes the nodes out from front to back; what is not consumed stays in the list.
    #[inline]
    #[must_use = "only what is consumed is taken out"]
    pub fn drain(&self) -> Drain<'_, T> {
        Drain::new(self)
    }

    /// Moves all nodes of `other` to the back of this list, in their order and in constant time.
    #[inline]
    pub fn append(&self, other: &Self) {
        let Some((head, tail)) = other.head.take().zip(other.tail.take()) else {
            return;
        };
        match self.tail.get() {
            Some(last) => {
                self.links_in(&last).set_next(head);
                self.links_in(&head).set_prev(last);
            }
            None => self.head.set(Some(head)),
        }
        self.tail.set(Some(tail));
    }

    /// The node after `node`, which is in this list.
    #[inline]
    pub(crate) fn after(&self, node: NonNull<T>) -> Option<NonNull<T>> {
        self.links_in(&node).next_of(node)
    }

    /// The node before `node`, which is in this list.
    #[inline]
    pub(crate) fn before(&self, node: NonNull<T>) -> Option<NonNull<T>> {
        self.links_in(&node).prev_of(node)
    }

    #[inline]
    fn join(&self, node: NonNull<T>, links: &Links<T>, prev: Option<NonNull<T>>, next: Option<NonNull<T>>) {
        links.set_prev(prev.unwrap_or(node));
        links.set_next(next.unwrap_or(node));
        match prev {
            Some(prev) => self.links_in(&prev).set_next(node),
            None => self.head.set(Some(node)),
        }
        match next {
            Some(next) => self.links_in(&next).set_prev(node),
            None => self.tail.set(Some(node)),
        }
    }

    #[inline]
    fn part(&self, node: NonNull<T>) {
        let links = self.links_in(&node);
        let (prev, next) = (links.prev_of(node), links.next_of(node));
        match prev {
            Some(prev) => self.links_in(&prev).set_next(next.unwrap_or(prev)),
            None => self.head.set(next),
        }
        match next {
            Some(next) => self.links_in(&next).set_prev(prev.unwrap_or(next)),
            None => self.tail.set(prev),
        }
        links.unlink();
    }

    /// Whether a linked node can be in this list, judged by the ends of the list.
    fn may_hold(&self, node: NonNull<T>) -> bool {
        let links = self.links_in(&node);
        let head_agrees = links.prev_of(node).is_some() || self.head.get() == Some(node);
        let tail_agrees = links.next_of(node).is_some() || self.tail.get() == Some(node);
        links.is_linked() && head_agrees && tail_agrees
    }

    /// The links of a node that is in this list.
    #[inline]
    fn links_in<'node>(&self, node: &'node NonNull<T>) -> &'node Links<T> {
        // SAFETY: L1.
        unsafe { links_of(node) }
    }
}

impl<T: Linked> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Linked> Debug for List<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// # Safety
/// `node` is valid for shared access.
#[inline]
unsafe fn links_of<T: Linked>(node: &NonNull<T>) -> &Links<T> {
    // SAFETY: the caller promises a valid node.
    unsafe { node.as_ref() }.links()
}
