//! The current heap of a thread, which serves its calls of malloc.

use core::ffi::c_int;

use libc::{EINVAL, ENOMEM, EOVERFLOW};

use super::super::results::{failure_and, invalid};
use super::handle::{Named, TaHeap, global, handle, named};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// Makes `heap` the current heap of this thread: until `ta_heap_pop`, calls of malloc, calloc,
/// operator new and their like, and those of libraries that the thread calls, are served by it.
/// Frees and changes of size go where the block came from. Up to 48 deep.
///
/// Returns 0, or -1 with errno EINVAL for what is no heap, EOVERFLOW when that is too deep, ENOMEM.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_push(heap: *mut TaHeap) -> c_int {
    let isolated = match named(heap) {
        Some(Named::Global) => None,
        Some(Named::Heap(isolated)) => Some(isolated),
        None => return -1,
    };
    if ALLOCATOR.push_heap(Thread, isolated) {
        return 0;
    }
    failure_and(match isolated {
        Some(isolated) if !ALLOCATOR.is_heap(Thread, isolated) => EINVAL,
        _ if ALLOCATOR.heaps_pushed(Thread) > 0 => EOVERFLOW,
        _ => ENOMEM,
    })
}

/// Goes back to the heap that was current before the last `ta_heap_push`.
///
/// Returns 0, or -1 with errno EINVAL when there was none.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_pop() -> c_int {
    if ALLOCATOR.pop_heap(Thread) { 0 } else { invalid() }
}

/// The current heap of this thread; the global one unless another one was pushed.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_current() -> *mut TaHeap {
    ALLOCATOR.current_heap(Thread).map_or(global(), handle)
}
