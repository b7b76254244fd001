//! What a node carries.

use core::cell::Cell;
use core::fmt::{Debug, Formatter, Result as FmtResult};
use core::mem::offset_of;
use core::ptr::NonNull;

/// The links of one node: two words.
///
/// Invariants:
/// - K1: both links are `None` exactly while the node is in no list;
/// - K2: in a list, the first node's `prev` and the last node's `next` are the node itself.
#[repr(C)]
pub struct Links<T> {
    prev: Cell<Option<NonNull<T>>>,
    next: Cell<Option<NonNull<T>>>,
}

impl<T> Links<T> {
    /// Where the neighbour after a node is noted, for debuggers; see K2.
    #[doc(hidden)]
    pub const NEXT_AT: usize = offset_of!(Links<T>, next);

    /// The links of a node that is in no list; the same as all-zero bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self { prev: Cell::new(None), next: Cell::new(None) }
    }

    /// Whether the node is in a list.
    #[inline]
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.next.get().is_some()
    }

    /// The neighbour before `node`, whose links these are.
    #[inline]
    pub(crate) fn prev_of(&self, node: NonNull<T>) -> Option<NonNull<T>> {
        self.prev.get().filter(|prev| *prev != node)
    }

    /// The neighbour after `node`, whose links these are.
    #[inline]
    pub(crate) fn next_of(&self, node: NonNull<T>) -> Option<NonNull<T>> {
        self.next.get().filter(|next| *next != node)
    }

    #[inline]
    pub(crate) fn set_prev(&self, prev: NonNull<T>) {
        self.prev.set(Some(prev));
    }

    #[inline]
    pub(crate) fn set_next(&self, next: NonNull<T>) {
        self.next.set(Some(next));
    }

    #[inline]
    pub(crate) fn unlink(&self) {
        self.prev.set(None);
        self.next.set(None);
    }
}

impl<T> Default for Links<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Debug for Links<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> FmtResult {
        formatter.debug_struct("Links").field("prev", &self.prev.get()).field("next", &self.next.get()).finish()
    }
}

/// A record that can be in a [`crate::List`].
///
/// # Safety
/// - N1: [`Linked::links`] always returns the same field of the node;
/// - N2: the node's memory stays valid for shared access and is not moved while it is in a list,
///   and as long as an iterator that was begun while it was in the list goes on.
pub unsafe trait Linked: Sized {
    /// The links of this node.
    fn links(&self) -> &Links<Self>;
}
