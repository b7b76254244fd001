//! The calling thread: the three words that the engine keeps for it, its id and its end, and what
//! becomes of its mistakes.

use core::arch::{asm, global_asm};
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};

use libc::{abort, pthread_self};
use tinyalloc_alloc::{BlockOwner, EMPTY_BINS, Misuse, ThreadId};

use self::end::ThreadEnd;
use self::tls::define_tls;
use super::instance::ALLOCATOR;
use super::message::say;
use super::settings::SETTINGS;
use super::wake;

pub(crate) mod end;
pub(crate) mod tls;

/// The calling thread.
#[derive(Clone, Copy)]
pub(crate) struct Thread;

define_tls!(Thread, "tinyalloc_thread");

/// In `.data`, beside what every process touches.
#[unsafe(link_section = ".data")]
static THREAD_END: ThreadEnd = ThreadEnd::new(detach);

/// How many threads have a heap and have not ended.
#[unsafe(link_section = ".data")]
static THREADS: AtomicUsize = AtomicUsize::new(0);

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
        wake::on_last_thread();
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

/// The program makes no keys before this, if it can be helped.
pub(crate) fn prepare() {
    THREAD_END.prepare();
}

/// In the child of a fork there is one thread.
pub(crate) fn on_child() {
    THREADS.store(1, Ordering::Relaxed);
}
