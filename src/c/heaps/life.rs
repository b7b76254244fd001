//! Creating, destroying and resetting heaps: `ta_heap_create`, `ta_heap_destroy`, `ta_heap_reset`,
//! `ta_heap_global`.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::mem::zeroed;

use libc::{EBUSY, EINVAL};
use tinyalloc_alloc::{HeapError, HeapMemory, HeapName, HeapOptions};

use super::super::limit_handler::{ARGUMENT, HANDLER};
use super::super::results::{failure_and, null_and, out_of_memory};
use super::handle::{TaHeap, global, handle, isolated};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// `ta_heap_reset` returns the memory to the system at once, and any access to it faults, as after
/// `ta_heap_destroy`. Without it, memory stays for what the heap is used for next.
pub const TA_HEAP_RESET_RELEASES_MEMORY: c_uint = 1;

/// `ta_heap_destroy` leaves the memory to the process, for the thread that allocates next, instead
/// of returning it to the system: four times as fast for a small heap, but a later use of one of
/// its blocks is not noticed.
pub const TA_HEAP_DESTROY_RETAINS_MEMORY: c_uint = 2;

/// The word of the user data that holds a heap's flags; `limit_handler` uses the other two.
const FLAGS: usize = 2;
const _: () = assert!(HANDLER == 0 && ARGUMENT == 1);

/// Called when a request for `bytes` bytes is beyond the limit of `heap`, or of the thread's
/// current heap; holding no lock. It may free, reset or raise the limit; meanwhile the global heap
/// is the thread's current one. Returns nonzero to have the request tried again, 0 to have it fail.
pub type TaHeapLimitFn = Option<unsafe extern "C" fn(heap: *mut TaHeap, bytes: usize, argument: *mut c_void) -> c_int>;

/// What a heap is to be. Zero is the default of every field.
#[repr(C)]
pub struct TaHeapOptions {
    /// `sizeof(ta_heap_options_t)`, so that later versions may add fields.
    size: usize,
    /// What messages and statistics call it; null for nothing. Copied, up to 31 bytes.
    name: *const c_char,
    /// The most bytes that its blocks may take, requests rounded up to their slots; 0 for as many
    /// as there are.
    limit: usize,
    /// `TA_HEAP_*`, or 0.
    flags: c_uint,
    /// What is called when the limit is in the way; null for nothing.
    on_limit: TaHeapLimitFn,
    /// What `on_limit` is called with.
    argument: *mut c_void,
}

/// Makes a heap; `options` may be null.
///
/// Returns null and errno ENOMEM when there is no memory for it, EINVAL for options that this
/// version does not know.
///
/// # Safety
/// `options` is null, or points to as many bytes as it says.
/// cbindgen:postfix=TA_CHECK_RESULT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_create(options: *const TaHeapOptions) -> *mut TaHeap {
    // SAFETY: the caller's promise.
    let Some(options) = (unsafe { known_options(options) }) else {
        return null_and(EINVAL).cast();
    };
    match ALLOCATOR.create_heap(Thread, &options) {
        Some(heap) => handle(heap),
        None => out_of_memory().cast(),
    }
}

/// # Safety
/// As for [`ta_heap_create`].
unsafe fn known_options(options: *const TaHeapOptions) -> Option<HeapOptions> {
    if options.is_null() {
        return Some(HeapOptions::default());
    }
    // SAFETY: all zero is the value of fields that a caller does not set.
    let mut known: TaHeapOptions = unsafe { zeroed() };
    // SAFETY: the caller's promise.
    let size = unsafe { (*options).size };
    if size > size_of::<TaHeapOptions>() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { (&raw mut known).cast::<u8>().copy_from(options.cast(), size) };
    if known.flags & !(TA_HEAP_RESET_RELEASES_MEMORY | TA_HEAP_DESTROY_RETAINS_MEMORY) != 0 {
        return None;
    }
    let name = if known.name.is_null() {
        HeapName::default()
    } else {
        // SAFETY: the caller's promise.
        HeapName::new(unsafe { CStr::from_ptr(known.name) }.to_str().ok()?)
    };
    let handler = known.on_limit.map_or(0, |handler| handler as usize);
    let limit_bytes = if known.limit == 0 { usize::MAX } else { known.limit };
    Some(HeapOptions { name, limit_bytes, user_data: [handler, known.argument.expose_provenance(), known.flags as usize] })
}

/// Frees all blocks of a heap, and the heap; null does nothing. The memory goes back to the system,
/// and any access to it faults, unless `TA_HEAP_DESTROY_RETAINS_MEMORY` says otherwise. Takes time
/// for every span and large block, not for every small one.
///
/// Returns 0, or -1 with errno EINVAL for what is no live heap, EBUSY for one that is some thread's
/// current heap.
///
/// # Safety
/// No thread is in a call with the heap or one of its blocks, and no thread uses either afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_destroy(heap: *mut TaHeap) -> c_int {
    if heap.is_null() {
        return 0;
    }
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    let keeps = heap.user_data(FLAGS) & TA_HEAP_DESTROY_RETAINS_MEMORY as usize != 0;
    let memory = if keeps { HeapMemory::Retained } else { HeapMemory::Released };
    // SAFETY: the caller's promise.
    status(unsafe { ALLOCATOR.destroy_heap(Thread, heap, memory) })
}

/// Frees all blocks of a heap and keeps the heap.
///
/// Returns 0, or -1 with errno EINVAL for what is no live heap.
///
/// # Safety
/// No thread is in a call with the heap or one of its blocks, and no thread uses the blocks
/// afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_reset(heap: *mut TaHeap) -> c_int {
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    let releases = heap.user_data(FLAGS) & TA_HEAP_RESET_RELEASES_MEMORY as usize != 0;
    let memory = if releases { HeapMemory::Released } else { HeapMemory::Retained };
    // SAFETY: the caller's promise.
    status(unsafe { ALLOCATOR.reset_heap(Thread, heap, memory) })
}

/// The heap that malloc uses unless another one is current. It cannot be destroyed, reset or
/// limited.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_global() -> *mut TaHeap {
    global()
}

fn status(result: Result<(), HeapError>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(HeapError::NotAHeap) => failure_and(EINVAL),
        Err(HeapError::InUse | HeapError::Interrupted) => failure_and(EBUSY),
    }
}
