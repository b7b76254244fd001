//! The engine's tunables, read and changed while the process runs.

#[cfg(unix)]
use tinyalloc_alloc::PurgeMode;
use tinyalloc_alloc::Tunables;

use super::instance::ALLOCATOR;
use super::thread::Thread;

#[inline(never)]
pub(crate) fn tunables() -> Tunables {
    let mut copy = Tunables::DEFAULT;
    with_tunables(&mut |tunables| copy = *tunables);
    copy
}

#[inline(never)]
pub(crate) fn with_tunables(change: &mut dyn FnMut(&mut Tunables)) -> bool {
    ALLOCATOR.tune(Thread, change)
}

/// The interval in which memory is to be purged, in milliseconds; `None` if it is never purged.
#[cfg(unix)]
pub(crate) fn purge_milliseconds() -> Option<u64> {
    let tunables = tunables();
    (tunables.purge_mode != PurgeMode::Never).then_some(tunables.purge_milliseconds)
}
