//! Pointers into the file: distances from its start, valid wherever it is mapped.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use crate::plain::Plain;

/// A pointer into a heap file: the distance from the file's start, in bytes. It can itself be
/// stored in the file.
///
/// It borrows nothing and promises nothing: it is checked against the heap whenever it is used.
#[repr(transparent)]
pub struct FilePtr<T> {
    offset: u64,
    pointee: PhantomData<fn() -> T>,
}

// SAFETY: P1 to P3 hold for its one number; what it points to is looked up and checked at every
// use.
unsafe impl<T: 'static> Plain for FilePtr<T> {}

impl<T> FilePtr<T> {
    /// The pointer to nothing.
    pub const NULL: FilePtr<T> = FilePtr::new(0);

    /// The pointer to what is `offset` bytes from the file's start.
    #[must_use]
    pub const fn new(offset: u64) -> FilePtr<T> {
        FilePtr { offset, pointee: PhantomData }
    }

    /// The distance from the file's start, in bytes.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.offset
    }

    /// Whether it points to nothing.
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.offset == 0
    }

    /// The same place as another type.
    #[must_use]
    pub const fn cast<U>(self) -> FilePtr<U> {
        FilePtr::new(self.offset)
    }

    /// The pointer to the value `count` values further on.
    #[must_use]
    pub const fn add(self, count: usize) -> FilePtr<T> {
        FilePtr::new(self.offset.saturating_add((count as u64).saturating_mul(size_of::<T>() as u64)))
    }

    pub(crate) fn at(offset: usize) -> FilePtr<T> {
        FilePtr::new(offset as u64)
    }

    /// What does not fit in an address is beyond every file.
    pub(crate) fn place(self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX)
    }
}

impl<T> Clone for FilePtr<T> {
    fn clone(&self) -> FilePtr<T> {
        *self
    }
}

impl<T> Copy for FilePtr<T> {}

impl<T> Default for FilePtr<T> {
    fn default() -> FilePtr<T> {
        FilePtr::NULL
    }
}

impl<T> PartialEq for FilePtr<T> {
    fn eq(&self, other: &FilePtr<T>) -> bool {
        self.offset == other.offset
    }
}

impl<T> Eq for FilePtr<T> {}

impl<T> PartialOrd for FilePtr<T> {
    fn partial_cmp(&self, other: &FilePtr<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for FilePtr<T> {
    fn cmp(&self, other: &FilePtr<T>) -> Ordering {
        self.offset.cmp(&other.offset)
    }
}

impl<T> Hash for FilePtr<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.offset.hash(state);
    }
}

impl<T> fmt::Debug for FilePtr<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FilePtr({:#x})", self.offset)
    }
}
