//! The one allocator of a process, and what ties it to the C library: thread exit, fork, and the last message.

use core::ffi::{c_int, c_void};
use core::fmt::Display;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use libc::{STDERR_FILENO, SYS_write, abort, pthread_atfork, pthread_self, syscall};
use tinyalloc_alloc::{Allocator, BlockOwner, Misuse, ThreadId};
use tinyalloc_sys::PosixMapper;

use crate::background;
use crate::options::{self, SETTINGS};
use crate::pieces::write_in_pieces;
use crate::snapshot;
use crate::thread::Thread;
use crate::thread_end::ThreadEnd;

/// The global heap. It ends with a page of its own, and lies in a section of its own, behind all other data that is not zero.
#[unsafe(link_section = ".tinyalloc")]
pub(crate) static ALLOCATOR: Allocator<PosixMapper> = Allocator::new(PosixMapper::new());

/// In `.data`, beside what every process touches.
#[unsafe(link_section = ".data")]
static THREAD_END: ThreadEnd = ThreadEnd::new(detach);

/// How many threads have a heap and have not ended.
#[unsafe(link_section = ".data")]
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Run before other constructors: the linker sorts by the number, and the shared library is marked to be initialised first. Handlers
/// that are registered first run last before a fork, and first after it: nobody else's waits for a lock while ours are held.
#[used]
#[unsafe(link_section = ".init_array.00101")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    // SAFETY: the handlers are valid for the life of the process: the library is never unloaded.
    unsafe { pthread_atfork(Some(prepare_fork), Some(resume_parent), Some(resume_child)) };
    THREAD_END.prepare();
    options::start();
}

unsafe extern "C" fn prepare_fork() {
    ALLOCATOR.prepare_fork(Thread);
}

unsafe extern "C" fn resume_parent() {
    ALLOCATOR.resume_parent(Thread);
}

unsafe extern "C" fn resume_child() {
    ALLOCATOR.resume_child(Thread);
    THREADS.store(1, Ordering::Relaxed);
    background::on_child();
    snapshot::on_child();
}

/// At least `bytes` bytes for a request that no free slot lay ready for; and what waited for a moment outside the allocator is done.
#[cold]
#[inline(never)]
pub(crate) fn allocate_slow(bytes: usize) -> Option<NonNull<u8>> {
    let block = ALLOCATOR.allocate_slow(Thread, bytes);
    background::on_allocation(bytes);
    snapshot::on_allocation();
    block
}

#[expect(clippy::cast_possible_truncation, reason = "a pointer in an integer of its size")]
pub(crate) fn thread_id() -> ThreadId {
    // SAFETY: always succeeds.
    ThreadId(unsafe { pthread_self() } as usize)
}

/// Sees to it that this thread's heap is given back when it ends.
pub(crate) fn arm_detach() {
    if THREAD_END.arm() {
        THREADS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether this thread's end is certain to be told once it was armed.
#[inline]
pub(crate) fn is_end_told() -> bool {
    THREAD_END.is_certain()
}

unsafe extern "C" fn detach(_value: *mut c_void) {
    ALLOCATOR.detach(Thread);
    if THREADS.fetch_sub(1, Ordering::Relaxed) == 1 {
        background::on_last_thread();
    }
}

/// How many threads have a heap and have not ended.
pub(crate) fn threads() -> usize {
    THREADS.load(Ordering::Relaxed)
}

/// Says what the program did wrong, and ends it, unless an option says that the call is to be ignored.
#[cold]
#[inline(never)]
pub(crate) fn abort_on(misuse: Misuse) {
    let owner = ALLOCATOR.owner_of(Thread, misuse.block());
    say(&misuse.of_heap(owner.and_then(BlockOwner::label)));
    if !SETTINGS.only_reports() {
        // SAFETY: ends the process.
        unsafe { abort() }
    }
}

/// Writes one line to standard error, allocating nothing.
pub(crate) fn say(message: &dyn Display) {
    write_in_pieces(&format_args!("tinyalloc: {message}\n"), &mut |line| write_all(STDERR_FILENO, line));
}

/// Writes to a file descriptor; signal-safe, and no cancellation point.
pub(crate) fn write_all(descriptor: c_int, bytes: &[u8]) {
    // SAFETY: the bytes are valid; what cannot be written is lost.
    unsafe { syscall(SYS_write, descriptor, bytes.as_ptr(), bytes.len()) };
}
