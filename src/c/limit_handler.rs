//! The limit handler of a heap, which may free memory or raise the limit when a request would
//! exceed it.

use core::ffi::{c_int, c_void};
use core::mem::transmute;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use tinyalloc_alloc::HeapRef;

use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::has_grown;
use crate::process::thread::Thread;

/// The user data of a heap that hold its limit handler and the handler's argument.
pub(crate) const HANDLER: usize = 0;
pub(crate) const ARGUMENT: usize = 1;

type Handler = unsafe extern "C" fn(heap: *mut c_void, bytes: usize, argument: *mut c_void) -> c_int;

/// Repeats an attempt to allocate in a heap until it succeeds, or the heap is gone, or its limit
/// handler gives up; also where the limit of the process has grown since it was read.
#[inline]
pub(crate) fn retry_after_limit_handler(
    heap: Option<HeapRef>,
    bytes: usize,
    mut attempt: impl FnMut() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    loop {
        let refusals = heap.map_or(0, |heap| ALLOCATOR.heap_refusals(heap));
        let block = attempt();
        if block.is_some() || !(has_grown() || heap.is_some_and(|heap| call_limit_handler(heap, bytes, refusals))) {
            return block;
        }
    }
}

/// Calls the limit handler if the limit has refused requests since `refusals`. True if the attempt
/// is worth another try.
#[cold]
#[inline(never)]
fn call_limit_handler(heap: HeapRef, bytes: usize, refusals: usize) -> bool {
    if ALLOCATOR.heap_refusals(heap) == refusals || !ALLOCATOR.is_heap(Thread, heap) {
        return false;
    }
    let handler = heap.user_data(HANDLER);
    if handler == 0 {
        return false;
    }
    // SAFETY: the word was made from such a function and is not 0.
    let handler: Handler = unsafe { transmute(handler) };
    let argument = with_exposed_provenance_mut(heap.user_data(ARGUMENT));
    // The handler's own allocations are not subject to the same limit.
    let pushed = ALLOCATOR.push_heap(Thread, None);
    // SAFETY: the maker of the heap promised it.
    let is_worth_another = unsafe { handler(heap.as_ptr().as_ptr().cast(), bytes, argument) != 0 };
    if pushed {
        ALLOCATOR.pop_heap(Thread);
    }
    is_worth_another
}
