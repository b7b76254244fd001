//! Whose turn it is to touch a heap.

use core::sync::atomic::Ordering;

use super::ThreadHeap;
use crate::support::lock::ThreadId;

/// The thread of a heap that waits for one.
pub(super) const NO_THREAD: usize = 0;

/// Who may touch a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum HeapState {
    /// A thread.
    Live,
    /// Who holds the pool's lock.
    Pooled,
    /// No thread, ever again: its thread was inside the slow path when another one forked.
    Lost,
}

/// Who is in the slow path of a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inside(u8);

impl Inside {
    const OWNER: u8 = 1;
    const TRIM: u8 = 2;
    pub(super) const NONE: u8 = 0;
    /// No thread.
    pub(crate) const NO_THREAD: Inside = Inside(Inside::NONE);
}

/// How long a heap has been in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PoolAge {
    /// Less than an epoch.
    Fresh,
    /// An epoch: what no thread wanted is to be given up.
    Seen,
    /// Its bins were walked.
    Walked,
}

impl ThreadHeap {
    /// Whether this is the heap of that thread, which may then touch it.
    pub(crate) fn is_of(&self, thread: ThreadId) -> bool {
        self.thread.load(Ordering::Relaxed) == thread.0
    }

    pub(crate) fn set_thread(&self, thread: Option<ThreadId>) {
        self.thread.store(thread.map_or(NO_THREAD, |thread| thread.0), Ordering::Relaxed);
    }

    pub(crate) fn is_live(&self) -> bool {
        self.state.load(Ordering::Relaxed) == HeapState::Live as u8
    }

    pub(crate) fn set_state(&self, state: HeapState) {
        self.pool_age.set(PoolAge::Fresh);
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// The heap's thread enters the slow path, unless a trim is in the heap; what to leave it with.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Option<Inside> {
        match self.inside.compare_exchange(Inside::NONE, Inside::OWNER, Ordering::Acquire, Ordering::Relaxed) {
            Ok(before) => Some(Inside(before)),
            Err(Inside::TRIM) => None,
            Err(before) => Some(Inside(before)),
        }
    }

    /// The heap's thread leaves the slow path, or has gone.
    pub(crate) fn leave(&self, before: Inside) {
        self.inside.store(before.0, Ordering::Release);
    }

    /// Whether the heap's thread is inside the slow path.
    pub(crate) fn is_busy(&self) -> bool {
        self.inside.load(Ordering::Acquire) == Inside::OWNER
    }

    /// A trim enters the heap of a thread that is not inside the slow path; false if it is.
    pub(crate) fn enter_for_trim(&self) -> bool {
        self.inside.compare_exchange(Inside::NONE, Inside::TRIM, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Whether a trim is in the heap: in the child of a fork, one that will never leave.
    pub(crate) fn is_in_trim(&self) -> bool {
        self.inside.load(Ordering::Relaxed) == Inside::TRIM
    }
}
