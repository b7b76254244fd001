//! What the engine asks of a thread.

use core::ptr::NonNull;

use super::read_only_state::SealPolicy;
use crate::config::tunables::Tunables;
use crate::heap::heap_table::HeapTable;
use crate::report::misuse::Misuse;
use crate::span::bins::Bins;
use crate::support::lock::ThreadId;

/// What a thread is to the allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Mode {
    /// It has no heap yet.
    Unattached = 0,
    /// It has a heap.
    Attached = 1,
    /// It is inside the slow path: an allocation now comes from a signal handler.
    InSlowPath = 2,
    /// It returned its heap because it is ending.
    Detached = 3,
    /// It has allocated and has no heap yet: it is not certain that the allocator learns of its
    /// end.
    Visiting = 4,
}

/// The state that the engine keeps for each thread: three words. The implementor stores them; a
/// copy of the handle names the same words.
///
/// # Safety
/// The words belong to the calling thread alone, start as [`crate::EMPTY_BINS`],
/// [`Mode::Unattached`] and null, and hold what was last set. [`ThreadContext::seal_policy`] is
/// [`SealPolicy::Writable`], unless every allocator that the handle is used with lies in a static
/// that is never unmapped. [`ThreadContext::allocator`] is the address of the one that the handle
/// is used with.
pub unsafe trait ThreadContext: Copy {
    /// The address of the allocator, where the implementor computes it in fewer instructions than
    /// the compiler does.
    #[inline(always)]
    fn allocator(self) -> Option<NonNull<u8>> {
        None
    }

    /// The bins that the hit path takes slots from.
    fn bins(self) -> NonNull<Bins>;

    /// Whether `bins` are this thread's.
    #[inline(always)]
    fn is(self, bins: *const Bins) -> bool {
        bins == self.bins().as_ptr()
    }

    /// Replaces the bins.
    fn set_bins(self, bins: NonNull<Bins>);

    /// The isolated heaps that this thread uses; null until it uses one.
    fn heap_table(self) -> *const HeapTable;

    /// Replaces them.
    fn set_heap_table(self, heap_table: *const HeapTable);

    /// What this thread is to the allocator.
    fn mode(self) -> Mode;

    /// Replaces the mode.
    fn set_mode(self, mode: Mode);

    /// How many requests were served from heaps that the thread borrowed, since it last had a mode
    /// other than [`Mode::Unattached`]. A thread that cannot tell says that it has borrowed enough,
    /// and gets a heap at once.
    fn visits(self) -> usize {
        usize::MAX
    }

    /// In one store: the mode is [`Mode::Unattached`], and so many requests were served like this.
    fn set_visits(self, _visits: usize) {
        self.set_mode(Mode::Unattached);
    }

    /// Names the thread.
    fn id(self) -> ThreadId;

    /// The thread got a heap: see to it that [`crate::Allocator::detach`] is called when it ends.
    fn arm_detach(self);

    /// Whether the allocator is certain to learn of the thread's end, after
    /// [`ThreadContext::arm_detach`] at the latest. Until it is, the thread has no heap of its own
    /// that could be lost with it.
    #[inline]
    fn is_end_told(self) -> bool {
        true
    }

    /// The allocator starts: change what the user wants otherwise. Called once, under a lock:
    /// nothing here may allocate.
    fn configure(self, _tunables: &mut Tunables) {}

    /// What becomes of the read-only state. Asked under the same lock, whenever the allocator may
    /// have started, until it is not
    /// [`SealPolicy::Writable`].
    fn seal_policy(self) -> SealPolicy {
        SealPolicy::Writable
    }

    /// Who called: addresses of code, the innermost first. What cannot be found stays as it is.
    fn trace(self, _callers: &mut [usize]) {}

    /// A block of `bytes` bytes was sampled, and represents `weight` bytes. Nothing here may
    /// allocate.
    fn sampled(self, _address: usize, _bytes: usize, _weight: u64) {}

    /// A sampled block is freed.
    fn sample_freed(self, _address: usize) {}

    /// The program made a mistake. Should not return; if it does, the call that found the mistake
    /// does nothing.
    fn report(self, misuse: Misuse);
}
