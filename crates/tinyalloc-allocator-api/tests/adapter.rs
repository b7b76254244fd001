//! What the adapter keeps away from a source, and what it makes of its answers.
#![allow(clippy::disallowed_types, clippy::unwrap_used, clippy::absolute_paths, reason = "tests may allocate and give up")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::ptr::NonNull;

use allocator_api2_02 as v02;
use allocator_api2_04 as v04;
use tinyalloc_allocator_api::{Source, implement_allocator};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Allocate(Layout),
    Zeroed(Layout),
    Deallocate(Layout),
    Reallocate(Layout, usize),
}

/// The system's blocks, and every call written down; or nothing at all.
struct Recorder {
    refuses: bool,
    calls: RefCell<Vec<Call>>,
}

impl Recorder {
    fn new(refuses: bool) -> Recorder {
        Recorder { refuses, calls: RefCell::new(Vec::new()) }
    }

    fn serve(&self, call: Call, serve: impl FnOnce() -> *mut u8) -> Option<NonNull<u8>> {
        self.calls.borrow_mut().push(call);
        if self.refuses { None } else { NonNull::new(serve()) }
    }
}

// SAFETY: the blocks are the system's.
unsafe impl Source for Recorder {
    fn allocate(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the layout is not empty.
        self.serve(Call::Allocate(layout), || unsafe { System.alloc(layout) })
    }

    fn allocate_zeroed(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the layout is not empty.
        self.serve(Call::Zeroed(layout), || unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        self.calls.borrow_mut().push(Call::Deallocate(layout));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start.as_ptr(), layout) };
    }

    unsafe fn reallocate(&self, start: NonNull<u8>, layout: Layout, bytes: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller's promise.
        self.serve(Call::Reallocate(layout, bytes), || unsafe { System.realloc(start.as_ptr(), layout, bytes) })
    }
}

implement_allocator!(impl[] for &Recorder);

fn layout(bytes: usize, align: usize) -> Layout {
    Layout::from_size_align(bytes, align).unwrap()
}

macro_rules! tests_of {
    ($tests:ident, $version:ident) => {
        mod $tests {
            use std::ptr::NonNull;

            use super::$version::alloc::Allocator;

            use super::{Call, Recorder, layout};

            #[test]
            fn a_source_never_sees_an_empty_layout() {
                let recorder = Recorder::new(false);
                let allocator = &recorder;
                for empty in [allocator.allocate(layout(0, 64)).unwrap(), allocator.allocate_zeroed(layout(0, 64)).unwrap()] {
                    assert!(empty.is_empty() && empty.cast::<u8>().addr().get() == 64);
                    // SAFETY: the blocks are empty.
                    unsafe { allocator.deallocate(empty.cast(), layout(0, 64)) };
                }
                assert_eq!(*recorder.calls.borrow(), []);
                let empty = allocator.allocate(layout(0, 1)).unwrap();
                // SAFETY: each block is given up for the next.
                let grown = unsafe { allocator.grow(empty.cast(), layout(0, 1), layout(8, 1)) }.unwrap();
                // SAFETY: as above.
                let empty = unsafe { allocator.shrink(grown.cast(), layout(8, 1), layout(0, 1)) }.unwrap();
                assert!(empty.is_empty());
                assert_eq!(*recorder.calls.borrow(), [Call::Allocate(layout(8, 1)), Call::Deallocate(layout(8, 1))]);
            }

            #[test]
            fn a_source_sees_a_block_with_the_alignment_it_was_allocated_with() {
                let recorder = Recorder::new(false);
                let allocator = &recorder;
                let block = allocator.allocate(layout(8, 8)).unwrap();
                // SAFETY: each block is given up for the next.
                let block = unsafe { allocator.grow(block.cast(), layout(8, 8), layout(16, 8)) }.unwrap();
                // SAFETY: as above.
                let block = unsafe { allocator.shrink(block.cast(), layout(16, 8), layout(10, 2)) }.unwrap();
                // SAFETY: as above.
                unsafe { allocator.deallocate(block.cast(), layout(10, 2)) };
                let calls = [
                    Call::Allocate(layout(8, 8)),
                    Call::Reallocate(layout(8, 8), 16),
                    Call::Allocate(layout(10, 2)),
                    Call::Deallocate(layout(16, 8)),
                    Call::Deallocate(layout(10, 2)),
                ];
                assert_eq!(*recorder.calls.borrow(), calls);
            }

            #[test]
            fn what_a_source_refuses_is_an_error() {
                let recorder = Recorder::new(true);
                let allocator = &recorder;
                assert!(allocator.allocate(layout(8, 8)).is_err());
                assert!(allocator.allocate_zeroed(layout(8, 8)).is_err());
                let mut word = 7u64;
                let block = NonNull::from(&mut word).cast();
                // SAFETY: the source refuses, and leaves the block as it was.
                assert!(unsafe { allocator.grow(block, layout(8, 8), layout(16, 8)) }.is_err());
                // SAFETY: as above.
                assert!(unsafe { allocator.grow_zeroed(block, layout(8, 8), layout(16, 16)) }.is_err());
                // SAFETY: as above.
                assert!(unsafe { allocator.shrink(block, layout(8, 8), layout(4, 4)) }.is_err());
                assert_eq!(word, 7);
            }
        }
    };
}

tests_of!(of_version_02, v02);
tests_of!(of_version_04, v04);
