//! The calling thread: the three words that the engine keeps for it, its name and its end, and what becomes of its mistakes.

use core::arch::{asm, global_asm};
use core::ffi::c_void;
use core::ptr::{NonNull, with_exposed_provenance};
use core::sync::atomic::{AtomicUsize, Ordering};

use libc::{abort, pthread_self};

use tinyalloc_alloc::{Attachments, Bins, BlockOwner, EMPTY_BINS, Local, Misuse, Mode, Sealing, ThreadId, Tunables};

use crate::instance::ALLOCATOR;
use crate::message::say;
use crate::settings::SETTINGS;
use crate::thread_end::ThreadEnd;
use crate::thread_words::{ATTACHMENTS, BINS, MODE, MODE_BITS, MODE_MASK, thread_words, words_of_local};
use crate::{options, trace, wake};

/// The calling thread.
#[derive(Clone, Copy)]
pub(crate) struct Thread;

thread_words!(Thread, "tinyalloc_thread");

// SAFETY: the words are thread-local and start as `EMPTY_BINS`, 0, which is `Mode::Unattached`, and null. The one allocator is a static of
// a library that is never unloaded, or of the program.
unsafe impl Local for Thread {
    words_of_local!(Thread);

    fn id(self) -> ThreadId {
        thread_id()
    }

    fn arm_detach(self) {
        arm_detach();
    }

    #[inline]
    fn is_end_told(self) -> bool {
        is_end_told()
    }

    fn configure(self, tunables: &mut Tunables) {
        options::configure(tunables);
    }

    fn sealing(self) -> Sealing {
        options::sealing()
    }

    fn trace(self, callers: &mut [usize]) {
        trace::callers(callers);
    }

    fn report(self, misuse: Misuse) {
        abort_on(misuse);
    }
}

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
