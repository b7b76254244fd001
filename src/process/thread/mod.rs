//! The calling thread: its tls, its id, its end, and the reports of its misuses.

pub(crate) mod tls;
#[cfg(windows)]
pub(crate) mod tls_windows;

#[cfg(unix)]
pub(crate) mod end_notice;
#[cfg(windows)]
#[path = "end_notice_windows.rs"]
pub(crate) mod end_notice;

use core::arch::{asm, global_asm};
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};

use libc::abort;
#[cfg(unix)]
use libc::pthread_self;
use tinyalloc_alloc::{BlockOwner, EMPTY_BINS, Misuse, ThreadId};

use super::instance::ALLOCATOR;
use super::message::say;
use super::settings::SETTINGS;
use super::wake;

use end_notice::ThreadEnd;
#[cfg(unix)]
use tls::define_tls;
#[cfg(windows)]
use tls_windows::{block, define_tls};

/// The calling thread.
#[derive(Clone, Copy)]
pub(crate) struct Thread;

define_tls!(Thread, "tinyalloc_thread");

/// In `.data`, next to other data that every process touches.
#[unsafe(link_section = ".data")]
static THREAD_END: ThreadEnd = ThreadEnd::new(detach);

/// The number of threads that have a heap and have not ended.
#[unsafe(link_section = ".data")]
static THREADS: AtomicUsize = AtomicUsize::new(0);

#[cfg(unix)]
#[expect(clippy::cast_possible_truncation, reason = "a pointer in an integer of its size")]
pub(crate) fn thread_id() -> ThreadId {
    // SAFETY: always succeeds.
    ThreadId(unsafe { pthread_self() } as usize)
}

#[cfg(windows)]
pub(crate) fn thread_id() -> ThreadId {
    ThreadId(block())
}

/// Arms the destructor that gives up this thread's heap when the thread ends.
pub(crate) fn arm_detach() {
    if THREAD_END.arm() {
        THREADS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether the destructor will run at this thread's end once it was armed.
#[inline]
pub(crate) fn is_end_told() -> bool {
    THREAD_END.is_certain()
}

unsafe extern "C" fn detach(_value: *mut c_void) {
    ALLOCATOR.detach(Thread);
    if THREADS.fetch_sub(1, Ordering::Relaxed) == 1 {
        wake::on_last_thread();
    }
}

/// The number of threads that have a heap and have not ended.
#[cfg(unix)]
pub(crate) fn threads() -> usize {
    THREADS.load(Ordering::Relaxed)
}

/// Reports a misuse and ends the process, unless an option says that the call is only ignored.
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

/// Makes the key, before the program makes one if possible.
#[cfg(unix)]
pub(crate) fn prepare() {
    THREAD_END.prepare();
}

/// This thread ends.
#[cfg(windows)]
pub(crate) fn on_end() {
    THREAD_END.tell();
}

/// The child of a fork has one thread.
#[cfg(unix)]
pub(crate) fn on_child() {
    THREADS.store(1, Ordering::Relaxed);
}
