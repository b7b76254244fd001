//! The handles of heaps, `ta_heap_t`.

use core::ptr::NonNull;

use libc::EINVAL;
use tinyalloc_alloc::{Heap, HeapRef};

use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;
use crate::support::errno::set_errno;

/// An isolated heap: it shares no page, no record and no free slot with any other. Every function
/// that takes one may be called from any thread at any time, unless it says otherwise.
#[repr(C)]
pub struct TaHeap {
    _opaque: [u8; 0],
}

/// The heap that a handle represents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Global,
    Heap(HeapRef),
}

/// The handle of the global heap. Its memory looks like that of a destroyed isolated heap, so it is
/// never taken for a live one.
static GLOBAL: Zeroed = Zeroed([0; size_of::<Heap>()]);

#[repr(align(64))]
struct Zeroed([u8; size_of::<Heap>()]);

pub(crate) fn global() -> *mut TaHeap {
    (&raw const GLOBAL.0).cast::<TaHeap>().cast_mut()
}

/// The heap of a handle; `None`, and `EINVAL`, for null.
pub(crate) fn named(heap: *mut TaHeap) -> Option<Named> {
    let Some(pointer) = NonNull::new(heap) else {
        set_errno(EINVAL);
        return None;
    };
    if heap == global() {
        return Some(Named::Global);
    }
    // SAFETY: the caller's promise: every handle is the global one or came from an isolated heap.
    Some(Named::Heap(unsafe { HeapRef::from_ptr(pointer.cast::<Heap>()) }))
}

/// The isolated heap of a handle; `None`, and `EINVAL`, for any other.
pub(crate) fn isolated(heap: *mut TaHeap) -> Option<HeapRef> {
    match named(heap)? {
        Named::Heap(heap) if ALLOCATOR.is_heap(Thread, heap) => Some(heap),
        Named::Heap(_) | Named::Global => {
            set_errno(EINVAL);
            None
        }
    }
}

pub(crate) fn handle(heap: HeapRef) -> *mut TaHeap {
    heap.as_ptr().as_ptr().cast()
}
