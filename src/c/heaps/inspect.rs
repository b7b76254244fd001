//! The owner of an address, and the name, limit, statistics and blocks of a heap.

use core::ffi::{c_char, c_int, c_void};
use core::ptr::{NonNull, null, null_mut};

use libc::{EINVAL, ENOMEM, ENOTSUP};
use tinyalloc_alloc::BlockOwner;
use tinyalloc_sys::SystemCalls;

use super::super::malloc::malloc_usable_size;
use super::super::results::invalid;
use super::super::statistics::{TaStats, TaWriteFn, format_of, hand_on, print};
use super::handle::{TaHeap, global, handle, isolated, named};
use crate::options::running::set_heap_interval;
use crate::process::instance::ALLOCATOR;
use crate::process::memory_limit::purge_all;
use crate::process::thread::Thread;
use crate::report::Report;
use crate::support::errno::set_errno;

/// Called for a live block. Returns nonzero to stop.
pub type TaHeapVisitFn = Option<unsafe extern "C" fn(block: *mut c_void, bytes: usize, argument: *mut c_void) -> c_int>;

/// As malloc_usable_size(3): at least as many bytes as were asked for; 0 for a null block, and for
/// a block that is not of this heap.
///
/// # Safety
/// As for malloc_usable_size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_usable_size(heap: *mut TaHeap, block: *mut c_void) -> usize {
    if named(heap).is_none() || ta_heap_owner(block) != heap {
        return 0;
    }
    // SAFETY: the caller's promise.
    unsafe { malloc_usable_size(block) }
}

/// The heap whose memory an address lies in, a block or free; null if it is no heap's. Of blocks
/// with a mapping of their own (32 MiB and more) only the first byte is known.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_owner(address: *const c_void) -> *mut TaHeap {
    match ALLOCATOR.owner_of(Thread, address.addr()) {
        Some(BlockOwner::Heap(heap)) => handle(heap),
        Some(BlockOwner::Global) => global(),
        None => null_mut(),
    }
}

/// Whether an address lies in the memory of a heap: 1 or 0.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_contains(heap: *mut TaHeap, address: *const c_void) -> c_int {
    (!heap.is_null() && ta_heap_owner(address) == heap).into()
}

/// What a heap is called: at most 31 characters. Valid until the heap is destroyed. Null, and errno
/// EINVAL, for what is no heap.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_name(heap: *mut TaHeap) -> *const c_char {
    if heap == global() {
        return c"global".as_ptr();
    }
    isolated(heap).map_or(null(), |heap| heap.name_text().as_ptr())
}

/// Changes the limit of a heap, in bytes; 0 for none. Blocks that are there already stay.
///
/// Returns 0, or -1 with errno EINVAL for what is no isolated heap.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_set_limit(heap: *mut TaHeap, bytes: usize) -> c_int {
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    ALLOCATOR.set_heap_limit(heap, if bytes == 0 { usize::MAX } else { bytes });
    0
}

/// The limit of a heap, in bytes; 0 for none.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_limit(heap: *mut TaHeap) -> usize {
    let limit = isolated(heap).map_or(usize::MAX, |heap| ALLOCATOR.heap_limit(heap).0);
    if limit == usize::MAX { 0 } else { limit }
}

/// Sets how many bytes of a heap come to one sample of the heap profile: 0 for no samples, SIZE_MAX
/// for as many as in the process, which is the default.
///
/// Returns 0, or -1 with errno EINVAL for what is no isolated heap, ENOMEM without memory for the
/// profile, or ENOTSUP where every call is checked: there is no profile.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_set_profile(heap: *mut TaHeap, interval: usize) -> c_int {
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    let interval = (interval != usize::MAX).then_some(interval);
    if set_heap_interval(heap, interval) {
        return 0;
    }
    set_errno(if ALLOCATOR.has_profile(Thread) { ENOMEM } else { ENOTSUP });
    -1
}

/// Has the memory that a heap takes from now on come from one node of the machine's memory (NUMA),
/// whichever threads use it; -1 for the node of the thread that takes it, which is the default.
/// Small blocks share what the heap has already: call this before the first.
///
/// Returns 0, or -1 with errno EINVAL for what is no isolated heap, for a node whose memory the
/// process may not use, where a sandbox refuses get_mempolicy(2), and where regions are too small
/// for it (under 512 MiB).
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_set_node(heap: *mut TaHeap, node: c_int) -> c_int {
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    let is_had = match u32::try_from(node) {
        Ok(node) => ALLOCATOR.set_heap_node(Thread, heap, Some(node)),
        Err(_) => node == -1 && ALLOCATOR.set_heap_node(Thread, heap, None),
    };
    if is_had {
        return 0;
    }
    set_errno(EINVAL);
    -1
}

/// As `ta_stats`, of one heap. What no heap has for itself is 0: address space, purges, system
/// calls.
///
/// Returns 0, or -1 with errno EINVAL for what is no heap, or a null `out`.
///
/// # Safety
/// `out` is valid for a write of `out_bytes` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_stats(heap: *mut TaHeap, out: *mut TaStats, out_bytes: usize) -> c_int {
    let stats = if heap == global() {
        Some(ALLOCATOR.global_heap_stats(Thread))
    } else {
        isolated(heap).and_then(|heap| ALLOCATOR.heap_stats(Thread, heap))
    };
    match stats {
        // SAFETY: the caller's promise.
        Some(stats) => unsafe { TaStats::new(&stats, SystemCalls::default()).copy_to(out, out_bytes) },
        None => -1,
    }
}

/// As `ta_stats_print`, of one heap.
///
/// Returns 0, or -1 with errno EINVAL for what is no isolated heap, or an unknown format, or as
/// write(2) sets it.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_stats_print(heap: *mut TaHeap, format: c_int, descriptor: c_int) -> c_int {
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    let Some((format, stats)) = format_of(format).zip(ALLOCATOR.heap_stats(Thread, heap)) else {
        return invalid();
    };
    print(&Report::new(heap.name().as_str(), &stats, format), descriptor)
}

/// As `ta_stats_write`, of one heap.
///
/// # Safety
/// `write` may be called with `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_stats_write(heap: *mut TaHeap, format: c_int, write: TaWriteFn, context: *mut c_void) -> c_int {
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    let Some(((format, write), stats)) = format_of(format).zip(write).zip(ALLOCATOR.heap_stats(Thread, heap)) else {
        return invalid();
    };
    // SAFETY: the caller's promise.
    unsafe { hand_on(&Report::new(heap.name().as_str(), &stats, format), write, context) }
}

/// Returns what is free in a heap to the system, as far as no other thread keeps it for itself.
///
/// Returns 1 if anything was, else 0, or -1 with errno EINVAL for what is no heap.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_purge(heap: *mut TaHeap) -> c_int {
    if heap == global() {
        return purge_all().into();
    }
    isolated(heap).map_or(-1, |heap| ALLOCATOR.purge_heap(Thread, heap).into())
}

/// Calls `visit` with every live block of a heap, its usable bytes and `argument`, until it returns
/// nonzero.
///
/// Returns what the last call returned, or 0; -1 with errno EINVAL for what is no isolated heap, or
/// a null `visit`.
///
/// # Safety
/// No thread uses the heap meanwhile: `visit` must not allocate or free in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_walk(heap: *mut TaHeap, visit: TaHeapVisitFn, argument: *mut c_void) -> c_int {
    let Some((heap, visit)) = isolated(heap).zip(visit) else {
        return invalid();
    };
    let mut answer = 0;
    let goes_on = |start: NonNull<u8>, bytes: usize| {
        // SAFETY: the caller's promise.
        answer = unsafe { visit(start.as_ptr().cast(), bytes, argument) };
        answer == 0
    };
    // SAFETY: the caller's promise.
    unsafe { ALLOCATOR.walk_heap(heap, goes_on) };
    answer
}
