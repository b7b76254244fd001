//! Isolated heaps: `ta_heap_*`, and the heap that a thread's calls of malloc go to.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::mem::zeroed;
use core::ptr::{NonNull, null, null_mut};

use libc::{EBUSY, EINVAL, ENOMEM, EOVERFLOW};
use tinyalloc_alloc::{BlockOwner, Emptying, HeapError, HeapName, HeapOptions, Isolated, IsolatedRef, SLOT_ALIGN};
use tinyalloc_sys::SystemCalls;

use super::aligned::aligned_alloc;
use super::blocks::{block_or_enomem, out_of_memory};
use super::limit_handler::{ARGUMENT, HANDLER, makes_room};
use super::malloc::{calloc, malloc, malloc_usable_size};
use super::statistics::{TaStats, TaWrite, format_of, invalid, print};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;
use crate::report::Report;
use crate::support::chunked_writer::write_in_pieces;
use crate::support::errno::set_errno;

/// `ta_heap_reset` gives the memory back to the system at once, and any access to it faults, as after `ta_heap_destroy`. Without it, memory
/// stays for what the heap is used for next.
pub const TA_HEAP_RESET_GIVES_BACK: c_uint = 1;

/// `ta_heap_destroy` leaves the memory to the process, for whoever allocates next, instead of giving it back to the system: four times as fast
/// for a small heap, but a later use of one of its blocks is not noticed.
pub const TA_HEAP_DESTROY_KEEPS: c_uint = 2;

/// The word of a heap that holds its flags; the other two are known to `room`.
const FLAGS: usize = 2;
const _: () = assert!(HANDLER == 0 && ARGUMENT == 1);

/// An isolated heap: it shares no page, no record and no free slot with any other. Every function that takes one may be called from any thread
/// at any time, unless it says otherwise.
#[repr(C)]
pub struct TaHeap {
    _opaque: [u8; 0],
}

/// Called when a request for `bytes` bytes is beyond the limit of `heap`, or of the thread's current heap; holding no lock. It may free, reset
/// or raise the limit; meanwhile the global heap is the thread's current one. Returns nonzero to have the request tried again, 0 to have it fail.
pub type TaHeapLimit = Option<unsafe extern "C" fn(heap: *mut TaHeap, bytes: usize, argument: *mut c_void) -> c_int>;

/// Called for a live block. Returns nonzero to stop.
pub type TaHeapVisit = Option<unsafe extern "C" fn(block: *mut c_void, bytes: usize, argument: *mut c_void) -> c_int>;

/// What a heap is to be. Zero is what holds unless somebody sets it.
#[repr(C)]
pub struct TaHeapOptions {
    /// `sizeof(ta_heap_options_t)`, so that later versions may add fields.
    size: usize,
    /// What messages and statistics call it; null for nothing. Copied, up to 31 bytes.
    name: *const c_char,
    /// The most bytes that its blocks may take, requests rounded up to their slots; 0 for as many as there are.
    limit: usize,
    /// `TA_HEAP_*`, or 0.
    flags: c_uint,
    /// What is called when the limit is in the way; null for nothing.
    on_limit: TaHeapLimit,
    /// What `on_limit` is called with.
    argument: *mut c_void,
}

/// A heap that a caller named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Global,
    Isolated(IsolatedRef),
}

/// Stands for the global heap: what looks like an isolated heap that was destroyed, so that none is taken for it.
static GLOBAL: Zeroed = Zeroed([0; size_of::<Isolated>()]);

#[repr(align(64))]
struct Zeroed([u8; size_of::<Isolated>()]);

fn global() -> *mut TaHeap {
    (&raw const GLOBAL.0).cast::<TaHeap>().cast_mut()
}

/// What the handle stands for; `None`, and `EINVAL`, for null.
fn named(heap: *mut TaHeap) -> Option<Named> {
    let Some(pointer) = NonNull::new(heap) else {
        set_errno(EINVAL);
        return None;
    };
    if heap == global() {
        return Some(Named::Global);
    }
    // SAFETY: the caller's promise: every handle is the global one or came from an isolated heap.
    Some(Named::Isolated(unsafe { IsolatedRef::from_ptr(pointer.cast::<Isolated>()) }))
}

/// The isolated heap that the handle stands for; `None`, and `EINVAL`, for any other.
fn isolated(heap: *mut TaHeap) -> Option<IsolatedRef> {
    match named(heap)? {
        Named::Isolated(heap) if ALLOCATOR.is_heap(Thread, heap) => Some(heap),
        Named::Isolated(_) | Named::Global => {
            set_errno(EINVAL);
            None
        }
    }
}

fn handle(heap: IsolatedRef) -> *mut TaHeap {
    heap.as_ptr().as_ptr().cast()
}

fn status(result: Result<(), HeapError>) -> c_int {
    let error = match result {
        Ok(()) => return 0,
        Err(HeapError::NotAHeap) => EINVAL,
        Err(HeapError::Entered | HeapError::Interrupted) => EBUSY,
    };
    set_errno(error);
    -1
}

/// Makes a heap; `options` may be null.
///
/// Returns null and errno ENOMEM when there is no memory for it, EINVAL for options that this version does not know.
///
/// # Safety
/// `options` is null, or points to as many bytes as it says.
/// cbindgen:postfix=TA_CHECK_RESULT
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_create(options: *const TaHeapOptions) -> *mut TaHeap {
    // SAFETY: the caller's promise.
    let Some(options) = (unsafe { known_options(options) }) else {
        set_errno(EINVAL);
        return null_mut();
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
    // SAFETY: all zero is what a caller means that sets nothing.
    let mut known: TaHeapOptions = unsafe { zeroed() };
    // SAFETY: the caller's promise.
    let size = unsafe { (*options).size };
    if size > size_of::<TaHeapOptions>() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { (&raw mut known).cast::<u8>().copy_from(options.cast(), size) };
    if known.flags & !(TA_HEAP_RESET_GIVES_BACK | TA_HEAP_DESTROY_KEEPS) != 0 {
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
    Some(HeapOptions { name, limit_bytes, words: [handler, known.argument.expose_provenance(), known.flags as usize] })
}

/// Frees all blocks of a heap, and the heap; null does nothing. The memory goes back to the system, and any access to it faults, unless
/// `TA_HEAP_DESTROY_KEEPS` says otherwise. Takes time for every span and large block, not for every small one.
///
/// Returns 0, or -1 with errno EINVAL for what is no live heap, EBUSY for one that is some thread's current heap.
///
/// # Safety
/// No thread is in a call with the heap or one of its blocks, and nobody uses either afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_destroy(heap: *mut TaHeap) -> c_int {
    if heap.is_null() {
        return 0;
    }
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    let keeps = heap.word(FLAGS) & TA_HEAP_DESTROY_KEEPS as usize != 0;
    let emptying = if keeps { Emptying::Keep } else { Emptying::GiveBack };
    // SAFETY: the caller's promise.
    status(unsafe { ALLOCATOR.destroy_heap(Thread, heap, emptying) })
}

/// Frees all blocks of a heap and keeps the heap.
///
/// Returns 0, or -1 with errno EINVAL for what is no live heap.
///
/// # Safety
/// No thread is in a call with the heap or one of its blocks, and nobody uses the blocks afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_reset(heap: *mut TaHeap) -> c_int {
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    let gives_back = heap.word(FLAGS) & TA_HEAP_RESET_GIVES_BACK as usize != 0;
    let emptying = if gives_back { Emptying::GiveBack } else { Emptying::Keep };
    // SAFETY: the caller's promise.
    status(unsafe { ALLOCATOR.reset_heap(Thread, heap, emptying) })
}

/// The heap that malloc uses unless another one is current. It cannot be destroyed, reset or limited.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_global() -> *mut TaHeap {
    global()
}

/// As malloc(3), in a heap.
///
/// Returns null and errno ENOMEM when there is no memory, or not within the limit; EINVAL for what is no heap. ENOMEM also in a signal handler
/// that interrupted the allocator.
///
/// # Safety
/// `heap` is null or a heap.
/// cbindgen:postfix=TA_MALLOC TA_ALLOC_SIZE(2)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_malloc(heap: *mut TaHeap, bytes: usize) -> *mut c_void {
    if let Some(pointer) = NonNull::new(heap.cast::<Isolated>()) {
        // SAFETY: the global handle equals no heap that a thread is attached to.
        let heap = unsafe { IsolatedRef::from_ptr(pointer) };
        if let Some(start) = ALLOCATOR.allocate_in_hit(Thread, heap, bytes) {
            return start.as_ptr().cast();
        }
    }
    malloc_slow(heap, bytes)
}

#[cold]
#[inline(never)]
extern "C" fn malloc_slow(heap: *mut TaHeap, bytes: usize) -> *mut c_void {
    match named(heap) {
        Some(Named::Isolated(heap)) => insist(heap, bytes, || ALLOCATOR.allocate_in_slow(Thread, heap, bytes)),
        Some(Named::Global) => malloc(bytes),
        None => null_mut(),
    }
}

/// Tries until it works, or nobody makes room for it any more.
fn insist(heap: IsolatedRef, bytes: usize, mut attempt: impl FnMut() -> Option<NonNull<u8>>) -> *mut c_void {
    loop {
        let refusals = ALLOCATOR.heap_refusals(heap);
        if let Some(start) = attempt() {
            return start.as_ptr().cast();
        }
        if !ALLOCATOR.is_heap(Thread, heap) {
            set_errno(EINVAL);
            return null_mut();
        }
        if !makes_room(heap, bytes, refusals) {
            return out_of_memory();
        }
    }
}

/// As calloc(3), in a heap. Errors as for `ta_heap_malloc`, and ENOMEM when the product overflows.
///
/// # Safety
/// `heap` is null or a heap.
/// cbindgen:postfix=TA_MALLOC TA_ALLOC_SIZE2(2, 3)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_calloc(heap: *mut TaHeap, count: usize, bytes: usize) -> *mut c_void {
    let Some(total) = count.checked_mul(bytes) else {
        return out_of_memory();
    };
    match named(heap) {
        Some(Named::Isolated(heap)) => insist(heap, total, || ALLOCATOR.allocate_zeroed_in(Thread, heap, total)),
        Some(Named::Global) => calloc(count, bytes),
        None => null_mut(),
    }
}

/// As realloc(3): the block stays in its heap, which must be `heap`. A null block is allocated in it; 0 bytes free the block and return null.
/// A block of another heap ends the program with a message that names both heaps. Errors as for `ta_heap_malloc`; the block is then as it was.
///
/// # Safety
/// As for realloc.
/// cbindgen:postfix=TA_CHECK_RESULT TA_ALLOC_SIZE(3)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_realloc(heap: *mut TaHeap, block: *mut c_void, bytes: usize) -> *mut c_void {
    let Some(name) = named(heap) else {
        return null_mut();
    };
    let Some(start) = NonNull::new(block.cast::<u8>()) else {
        // SAFETY: the caller's promise.
        return unsafe { ta_heap_malloc(heap, bytes) };
    };
    if bytes == 0 {
        // SAFETY: the caller's promise.
        unsafe { ta_heap_free(heap, block) };
        return null_mut();
    }
    match name {
        // SAFETY: the caller's promise.
        Named::Isolated(heap) => insist(heap, bytes, || unsafe { ALLOCATOR.reallocate_in(Thread, Some(heap), start, bytes) }),
        // SAFETY: the caller's promise.
        Named::Global => block_or_enomem(unsafe { ALLOCATOR.reallocate_in(Thread, None, start, bytes) }),
    }
}

/// As reallocarray(3), in a heap. Errors as for `ta_heap_realloc`, and ENOMEM when the product overflows.
///
/// # Safety
/// As for realloc.
/// cbindgen:postfix=TA_CHECK_RESULT TA_ALLOC_SIZE2(3, 4)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_reallocarray(heap: *mut TaHeap, block: *mut c_void, count: usize, bytes: usize) -> *mut c_void {
    match count.checked_mul(bytes) {
        // SAFETY: the caller's promise.
        Some(total) => unsafe { ta_heap_realloc(heap, block, total) },
        None => out_of_memory(),
    }
}

/// As aligned_alloc(3), in a heap. Errors as for `ta_heap_malloc`, and EINVAL when `alignment` is no power of two.
///
/// # Safety
/// `heap` is null or a heap.
/// cbindgen:postfix=TA_MALLOC TA_ALLOC_ALIGN(2) TA_ALLOC_SIZE(3)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_aligned_alloc(heap: *mut TaHeap, alignment: usize, bytes: usize) -> *mut c_void {
    let Some(name) = named(heap) else {
        return null_mut();
    };
    if !alignment.is_power_of_two() {
        set_errno(EINVAL);
        return null_mut();
    }
    match name {
        // SAFETY: the caller's promise.
        Named::Isolated(_) if alignment <= SLOT_ALIGN => unsafe { ta_heap_malloc(heap, bytes) },
        Named::Isolated(heap) => insist(heap, bytes, || ALLOCATOR.allocate_aligned_in(Thread, heap, bytes, alignment)),
        Named::Global => aligned_alloc(alignment, bytes),
    }
}

/// Frees a block of a heap; a null block is ignored. A block of another heap ends the program with a message that names both, as does
/// whatever free(3) would not take. Plain free takes blocks of every heap.
///
/// # Safety
/// As for free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_free(heap: *mut TaHeap, block: *mut c_void) {
    if let Some(pointer) = NonNull::new(heap.cast::<Isolated>()) {
        // SAFETY: no thread is attached to the global handle.
        let isolated = unsafe { IsolatedRef::from_ptr(pointer) };
        // SAFETY: the caller's promise.
        if unsafe { ALLOCATOR.free_in_hit(Thread, isolated, block.cast()) } {
            return;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { free_slow(heap, block) };
}

#[cold]
#[inline(never)]
unsafe extern "C" fn free_slow(heap: *mut TaHeap, block: *mut c_void) {
    let heap = match named(heap) {
        Some(Named::Isolated(heap)) => Some(heap),
        Some(Named::Global) => None,
        None => return,
    };
    // SAFETY: the caller's promise.
    unsafe { ALLOCATOR.free_in_slow(Thread, heap, block.cast()) };
}

/// As malloc_usable_size(3): at least as many bytes as were asked for; 0 for a null block, and for a block that is not of this heap.
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

/// The heap whose memory an address lies in, a block or free; null if it is no heap's. Of blocks with a mapping of their own (32 MiB and more)
/// only the first byte is known.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_owner(address: *const c_void) -> *mut TaHeap {
    match ALLOCATOR.owner_of(Thread, address.addr()) {
        Some(BlockOwner::Isolated(heap)) => handle(heap),
        Some(BlockOwner::Global) => global(),
        None => null_mut(),
    }
}

/// Whether an address lies in the memory of a heap: 1 or 0.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_contains(heap: *mut TaHeap, address: *const c_void) -> c_int {
    (!heap.is_null() && ta_heap_owner(address) == heap).into()
}

/// What a heap is called: at most 31 characters.  Valid until the heap is destroyed. Null, and errno EINVAL, for what is no heap.
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

/// As `ta_stats`, of one heap. What no heap has for itself is 0: address space, purges, system calls.
///
/// Returns 0, or -1 with errno EINVAL for what is no heap, or a null `out`.
///
/// # Safety
/// `out` is valid for a write of `out_bytes` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_stats(heap: *mut TaHeap, out: *mut TaStats, out_bytes: usize) -> c_int {
    if heap == global() {
        // SAFETY: the caller's promise.
        return unsafe { TaStats::new(&ALLOCATOR.global_heap_stats(Thread), SystemCalls::default()).copy_to(out, out_bytes) };
    }
    match isolated(heap).and_then(|heap| ALLOCATOR.heap_stats(Thread, heap)) {
        // SAFETY: the caller's promise.
        Some(stats) => unsafe { TaStats::new(&stats, SystemCalls::default()).copy_to(out, out_bytes) },
        None => -1,
    }
}

/// As `ta_stats_print`, of one heap.
///
/// Returns 0, or -1 with errno EINVAL for what is no isolated heap, or an unknown format, or as write(2) sets it.
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
pub unsafe extern "C" fn ta_heap_stats_write(heap: *mut TaHeap, format: c_int, write: TaWrite, context: *mut c_void) -> c_int {
    let Some(heap) = isolated(heap) else {
        return -1;
    };
    let Some(((format, write), stats)) = format_of(format).zip(write).zip(ALLOCATOR.heap_stats(Thread, heap)) else {
        return invalid();
    };
    write_in_pieces(&Report::new(heap.name().as_str(), &stats, format), &mut |piece| {
        // SAFETY: the caller's promise.
        unsafe { write(context, piece.as_ptr().cast(), piece.len()) };
    });
    0
}

/// Gives what is free in a heap back to the system, as far as no other thread keeps it for itself.
///
/// Returns 1 if anything was, else 0, or -1 with errno EINVAL for what is no heap.
#[unsafe(no_mangle)]
pub extern "C" fn ta_heap_purge(heap: *mut TaHeap) -> c_int {
    if heap == global() {
        return ALLOCATOR.purge_all(Thread).into();
    }
    isolated(heap).map_or(-1, |heap| ALLOCATOR.purge_heap(Thread, heap).into())
}

/// Calls `visit` with every live block of a heap, its usable bytes and `argument`, until it returns nonzero.
///
/// Returns what the last call returned, or 0; -1 with errno EINVAL for what is no isolated heap, or a null `visit`.
///
/// # Safety
/// Nobody uses the heap meanwhile: `visit` must not allocate or free in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ta_heap_walk(heap: *mut TaHeap, visit: TaHeapVisit, argument: *mut c_void) -> c_int {
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

/// Makes `heap` the current heap of this thread: until `ta_thread_heap_pop`, calls of malloc, calloc, operator new and their like, and those of
/// libraries that the thread calls, are served by it. Frees and changes of size go where the block came from. Up to 48 deep.
///
/// Returns 0, or -1 with errno EINVAL for what is no heap, EOVERFLOW when that is too deep, ENOMEM.
#[unsafe(no_mangle)]
pub extern "C" fn ta_thread_heap_push(heap: *mut TaHeap) -> c_int {
    let isolated = match named(heap) {
        Some(Named::Global) => None,
        Some(Named::Isolated(isolated)) => Some(isolated),
        None => return -1,
    };
    if ALLOCATOR.enter_heap(Thread, isolated) {
        return 0;
    }
    set_errno(match isolated {
        Some(isolated) if !ALLOCATOR.is_heap(Thread, isolated) => EINVAL,
        _ if ALLOCATOR.heaps_entered(Thread) > 0 => EOVERFLOW,
        _ => ENOMEM,
    });
    -1
}

/// Goes back to the heap that was current before the last `ta_thread_heap_push`.
///
/// Returns 0, or -1 with errno EINVAL when there was none.
#[unsafe(no_mangle)]
pub extern "C" fn ta_thread_heap_pop() -> c_int {
    if ALLOCATOR.leave_heap(Thread) { 0 } else { invalid() }
}

/// The current heap of this thread; the global one unless another one was pushed.
#[unsafe(no_mangle)]
pub extern "C" fn ta_thread_heap() -> *mut TaHeap {
    ALLOCATOR.current_heap(Thread).map_or(global(), handle)
}
