//! A limit in percent: of what the control groups of the process let it have, or of the machine's
//! memory.

use core::ptr::NonNull;

use tinyalloc_alloc::{Mode, ThreadContext};

use super::instance::ALLOCATOR;
use super::machine_memory::memory_bytes;
use super::settings::SETTINGS;
use super::thread::Thread;
use super::tunables::with_tunables;
use crate::support::errno::{errno, set_errno};

/// Attempts to allocate; once more if the limit has grown since it was read.
#[inline(always)]
pub(crate) fn retry_at_new_limit(mut attempt: impl FnMut() -> Option<NonNull<u8>>) -> Option<NonNull<u8>> {
    loop {
        let block = attempt();
        if block.is_some() || !has_grown() {
            return block;
        }
    }
}

/// Decommits all that is free, after a look at the limit; true if anything was.
pub(crate) fn purge_all() -> bool {
    refresh();
    ALLOCATOR.purge_all(Thread)
}

/// Whether the limit, if it is one in percent, has grown since it was read.
#[cold]
#[inline(never)]
pub(crate) fn has_grown() -> bool {
    refresh()
}

/// Reads the limit again if it is one in percent; true if it has grown. To be called without a lock
/// of the allocator; a signal handler that interrupted the allocator reads nothing. `errno` stays.
pub(crate) fn refresh() -> bool {
    SETTINGS.limit_percent() != 0 && Thread.mode() != Mode::InSlowPath && refresh_slow()
}

#[cold]
#[inline(never)]
fn refresh_slow() -> bool {
    let before = errno();
    let (percent, memory) = (SETTINGS.limit_percent(), memory_bytes());
    let mut has_grown = false;
    with_tunables(&mut |tunables| {
        // Another thread may have changed the option.
        if SETTINGS.limit_percent() == percent {
            let bytes = usize::try_from(memory / 100 * u64::from(percent)).unwrap_or(usize::MAX);
            has_grown = bytes > tunables.limit_bytes;
            tunables.limit_bytes = bytes;
        }
    });
    set_errno(before);
    has_grown
}
