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

    /// Marks that the heap's thread is inside the slow path.
    pub(crate) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Release);
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }
}
