//! Blocks in a partition, when no free slot is ready there.

use core::ptr::NonNull;

use tinyalloc_alloc::Route;

use crate::lifecycle::process::end_slow;
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::retry_at_new_limit;
use crate::process::thread::Thread;

/// A block of the partition that a route leads to; the work that is due afterwards is done.
#[cold]
#[inline(never)]
pub(crate) fn allocate_on_route(route: Route, bytes: usize, align: usize) -> Option<NonNull<u8>> {
    let block = retry_at_new_limit(|| ALLOCATOR.allocate_on_route(Thread, route, bytes, align));
    end_slow(bytes);
    block
}
