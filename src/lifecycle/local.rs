//! The calling thread's side of the engine's trait `ThreadContext`, with the options and the
//! unwinder.

use core::ptr::{NonNull, with_exposed_provenance};

use tinyalloc_alloc::{Bins, HeapTable, Misuse, Mode, SealPolicy, ThreadContext, ThreadId, Tunables};

use crate::faults::backtrace;
use crate::options::start;
use crate::process::instance;
use crate::process::thread::tls::{ATTACHMENTS, BINS, MODE, MODE_BITS, MODE_MASK, local_from_tls};
use crate::process::thread::{Thread, abort_on, arm_detach, is_end_told, thread_id};
use crate::report::probes;

// SAFETY: the words are thread-local and start as `EMPTY_BINS`, 0, which is `Mode::Unattached`, and
// null. The one allocator is a static of the program, or of a library that is never unloaded.
unsafe impl ThreadContext for Thread {
    local_from_tls!(Thread);

    #[inline(always)]
    fn allocator(self) -> Option<NonNull<u8>> {
        instance::address()
    }

    fn id(self) -> ThreadId {
        thread_id()
    }

    #[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
    fn arm_detach(self) {
        arm_detach();
    }

    #[inline]
    fn is_end_told(self) -> bool {
        is_end_told()
    }

    fn configure(self, tunables: &mut Tunables) {
        start::configure(tunables);
    }

    fn seal_policy(self) -> SealPolicy {
        start::seal_policy()
    }

    fn trace(self, callers: &mut [usize]) {
        backtrace::callers(callers);
    }

    fn sampled(self, address: usize, bytes: usize, weight: u64) {
        probes::sampled(address, bytes, weight);
    }

    fn sample_freed(self, address: usize) {
        probes::freed(address);
    }

    fn report(self, misuse: Misuse) {
        abort_on(misuse);
    }
}
