//! Heaps at their limit: whoever made one may be asked to make room.

use core::ffi::{c_int, c_void};
use core::mem::transmute;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use tinyalloc_alloc::IsolatedRef;

use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// The words of a heap that its maker gave it: what to call when the limit is in the way, and with what.
pub(crate) const HANDLER: usize = 0;
pub(crate) const ARGUMENT: usize = 1;

type Handler = unsafe extern "C" fn(heap: *mut c_void, bytes: usize, argument: *mut c_void) -> c_int;

/// Tries until it works, or nobody makes room for it any more in the current heap.
#[inline]
pub(crate) fn insist(bytes: usize, mut attempt: impl FnMut() -> Option<NonNull<u8>>) -> Option<NonNull<u8>> {
    loop {
        let heap = ALLOCATOR.current_heap(Thread);
        let refusals = heap.map_or(0, |heap| ALLOCATOR.heap_refusals(heap));
        let block = attempt();
        if block.is_some() || !heap.is_some_and(|heap| makes_room(heap, bytes, refusals)) {
            return block;
        }
    }
}

/// Asks whoever made the heap to make room, if the limit has been in the way since so many `refusals`; whether it is worth another attempt.
#[cold]
#[inline(never)]
pub(crate) fn makes_room(heap: IsolatedRef, bytes: usize, refusals: usize) -> bool {
    let handler = heap.word(HANDLER);
    if handler == 0 || ALLOCATOR.heap_refusals(heap) == refusals {
        return false;
    }
    // SAFETY: the word was made of such a function, and is not 0.
    let handler: Handler = unsafe { transmute(handler) };
    let argument = with_exposed_provenance_mut(heap.word(ARGUMENT));
    // What the handler itself allocates is not to meet the same limit.
    let entered = ALLOCATOR.enter_heap(Thread, None);
    // SAFETY: promised when the heap was made.
    let made = unsafe { handler(heap.as_ptr().as_ptr().cast(), bytes, argument) != 0 };
    if entered {
        ALLOCATOR.leave_heap(Thread);
    }
    made
}
