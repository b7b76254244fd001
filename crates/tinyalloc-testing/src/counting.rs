use std::alloc::{GlobalAlloc, Layout};

use crate::tally::note;

/// A global allocator that counts per thread what another one, `A`, serves.
///
/// ```
/// # use tinyalloc_testing as testing;
/// use std::alloc::System;
/// use testing::Counting;
///
/// #[global_allocator]
/// static GLOBAL: Counting<System> = Counting::new(System);
/// ```
#[derive(Debug, Default)]
pub struct Counting<A> {
    inner: A,
}

impl<A> Counting<A> {
    /// Counts what `inner` serves.
    #[must_use]
    pub const fn new(inner: A) -> Self {
        Self { inner }
    }

    /// The allocator that serves.
    #[must_use]
    pub const fn inner(&self) -> &A {
        &self.inner
    }
}

// SAFETY: the inner allocator serves every call.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        noted(unsafe { self.inner.alloc(layout) }, layout)
    }

    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        note(|tally| tally.free(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { self.inner.dealloc(start, layout) };
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        noted(unsafe { self.inner.alloc_zeroed(layout) }, layout)
    }

    #[inline]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        let moved = unsafe { self.inner.realloc(start, layout, bytes) };
        if !moved.is_null() {
            note(|tally| tally.reallocate(layout.size(), bytes));
        }
        moved
    }
}

fn noted(start: *mut u8, layout: Layout) -> *mut u8 {
    if !start.is_null() {
        note(|tally| tally.allocate(layout.size()));
    }
    start
}
