//! An array on pages of its own, which grows: memory for what an allocator may not allocate.

use core::ptr::NonNull;
use core::slice::{from_raw_parts, from_raw_parts_mut};

use crate::mapper::{MapError, Mapper};
use crate::posix::PosixMapper;

const PAGES: PosixMapper = PosixMapper::new();

/// Invariant T1: `entries` is a mapping with room for `capacity` entries, or dangling while that is
/// zero, and the first `length` are valid.
pub(super) struct Table<T: Copy> {
    entries: NonNull<T>,
    length: usize,
    capacity: usize,
}

// SAFETY: the table owns its mapping.
unsafe impl<T: Copy + Send> Send for Table<T> {}

impl<T: Copy> Table<T> {
    pub(super) const fn new() -> Table<T> {
        Table { entries: NonNull::dangling(), length: 0, capacity: 0 }
    }

    pub(super) fn entries(&self) -> &[T] {
        // SAFETY: T1.
        unsafe { from_raw_parts(self.entries.as_ptr(), self.length) }
    }

    pub(super) fn entries_mut(&mut self) -> &mut [T] {
        // SAFETY: T1, and the borrow is exclusive.
        unsafe { from_raw_parts_mut(self.entries.as_ptr(), self.length) }
    }

    /// Sees to it that so many entries more can be inserted.
    ///
    /// # Errors
    /// [`MapError`], with nothing changed.
    pub(super) fn make_room(&mut self, more: usize) -> Result<(), MapError> {
        if self.length + more <= self.capacity {
            return Ok(());
        }
        let bytes = self.capacity_bytes();
        let new_bytes = (2 * bytes).max((self.length + more) * size_of::<T>()).next_multiple_of(PAGES.page_bytes());
        let entries = if bytes == 0 {
            PAGES.map(new_bytes, PAGES.page_bytes())
        } else {
            // SAFETY: the mapping is ours (T1), and only what is returned is used.
            unsafe { PAGES.remap(self.entries.cast(), bytes, new_bytes) }
        }?;
        self.entries = entries.cast();
        self.capacity = new_bytes / size_of::<T>();
        Ok(())
    }

    /// Inserts an entry, for which there is room.
    pub(super) fn insert(&mut self, index: usize, entry: T) {
        debug_assert!(self.length < self.capacity, "no room was made");
        // SAFETY: T1, and there is room for one more.
        let place = unsafe { self.entries.add(self.length) };
        // SAFETY: as above.
        unsafe { place.write(entry) };
        self.length += 1;
        self.entries_mut()[index..].rotate_right(1);
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.entries_mut()[index..].rotate_left(1);
        self.length -= 1;
    }

    fn capacity_bytes(&self) -> usize {
        (self.capacity * size_of::<T>()).next_multiple_of(PAGES.page_bytes())
    }
}

impl<T: Copy> Drop for Table<T> {
    fn drop(&mut self) {
        let bytes = self.capacity_bytes();
        if bytes != 0 {
            // SAFETY: the mapping is ours (T1). Should it not go, nothing can be done about it.
            let _ = unsafe { PAGES.release(self.entries.cast(), bytes) };
        }
    }
}
