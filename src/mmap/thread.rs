//! The tls of the engine on a file: three words for each thread.

use core::arch::{asm, global_asm};
use core::ptr::{NonNull, with_exposed_provenance};

use tinyalloc_alloc::{Bins, EMPTY_BINS, HeapTable, HugePagePolicy, Misuse, Mode, ThreadContext, ThreadId, Tunables};

use super::engine;
use crate::process::thread::tls::{ATTACHMENTS, BINS, MODE, MODE_BITS, MODE_MASK, define_tls, local_from_tls};
use crate::process::thread::{abort_on, thread_id};

/// The calling thread.
#[derive(Clone, Copy)]
pub(super) struct FileThread;

define_tls!(FileThread, "tinyalloc_file_thread");

// SAFETY: the words are thread-local and start as `EMPTY_BINS`, 0, which is `Mode::Unattached`, and
// null.
unsafe impl ThreadContext for FileThread {
    local_from_tls!(FileThread);

    fn id(self) -> ThreadId {
        thread_id()
    }

    fn arm_detach(self) {
        engine::arm_detach();
    }

    fn configure(self, tunables: &mut Tunables) {
        // Huge pages do not apply to a file.
        tunables.huge_pages = HugePagePolicy::Never;
    }

    fn report(self, misuse: Misuse) {
        abort_on(misuse);
    }
}
