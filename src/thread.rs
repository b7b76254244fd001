//! The three words that the engine keeps for each thread.

use core::arch::{asm, global_asm};
use core::ptr::{NonNull, with_exposed_provenance};

use tinyalloc_alloc::{Attachments, Bins, EMPTY_BINS, Local, Misuse, Mode, Sealing, ThreadId, Tunables};

use crate::thread_words::{ATTACHMENTS, BINS, MODE, thread_words, words_of_local};
use crate::{options, process, trace};

/// The calling thread.
#[derive(Clone, Copy)]
pub(crate) struct Thread;

thread_words!(Thread, "tinyalloc_thread");

// SAFETY: the words are thread-local and start as `EMPTY_BINS`, 0, which is `Mode::Unattached`, and null. The one allocator is a static of
// a library that is never unloaded, or of the program.
unsafe impl Local for Thread {
    words_of_local!(Thread);

    fn id(self) -> ThreadId {
        process::thread_id()
    }

    fn arm_detach(self) {
        process::arm_detach();
    }

    #[inline]
    fn is_end_told(self) -> bool {
        process::is_end_told()
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
        process::abort_on(misuse);
    }
}
