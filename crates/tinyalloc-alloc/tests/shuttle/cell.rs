//! What `core::cell` is in the engine: cells that are watched for races.

use std::cell::{Cell as StdCell, UnsafeCell as StdUnsafeCell};
use std::fmt::{Debug, Formatter, Result};
use std::ptr::from_ref;

use crate::watch::{on_read, on_write};

#[repr(transparent)]
pub(crate) struct Cell<T>(StdCell<T>);

impl<T> Debug for Cell<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.write_str("a cell")
    }
}

impl<T> Cell<T> {
    pub(crate) const fn new(value: T) -> Cell<T> {
        Cell(StdCell::new(value))
    }

    #[track_caller]
    pub(crate) fn set(&self, value: T) {
        on_write(self.address());
        self.0.set(value);
    }

    #[track_caller]
    pub(crate) fn replace(&self, value: T) -> T {
        on_write(self.address());
        self.0.replace(value)
    }

    /// For code that needs the address.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }

    fn address(&self) -> usize {
        from_ref(self).addr()
    }
}

impl<T: Copy> Cell<T> {
    #[track_caller]
    pub(crate) fn get(&self) -> T {
        on_read(self.address());
        self.0.get()
    }
}

impl<T: Default> Cell<T> {
    #[track_caller]
    pub(crate) fn take(&self) -> T {
        self.replace(T::default())
    }
}

/// What a lock protects: the thread that looks may change it.
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(StdUnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(StdUnsafeCell::new(value))
    }

    #[track_caller]
    pub(crate) fn get(&self) -> *mut T {
        on_write(from_ref(self).addr());
        self.0.get()
    }
}
