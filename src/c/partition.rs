//! Blocks in a partition, when no free slot is ready there.

use core::ptr::NonNull;

use tinyalloc_alloc::Route;

use super::limit_handler::retry_after_limit_handler;
use crate::lifecycle::process::end_slow;
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// A block of the partition that a route leads to, or of the heap that the thread entered; the work
/// that is due afterwards is done.
#[cold]
#[inline(never)]
pub(crate) fn allocate_on_route(route: Route, bytes: usize, align: usize) -> Option<NonNull<u8>> {
    let attempt = || ALLOCATOR.allocate_on_route(Thread, route, bytes, align);
    let block = retry_after_limit_handler(ALLOCATOR.current_heap(Thread), bytes, attempt);
    end_slow(bytes);
    block
}
