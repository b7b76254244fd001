//! A limit in percent: of what the control groups of the process let it have, or of the machine's
//! memory.

use core::ffi::CStr;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use libc::{SYS_sysinfo, syscall, sysinfo};
use tinyalloc_alloc::{Mode, ThreadContext};

use super::cgroups::climb;
use super::instance::ALLOCATOR;
use super::settings::SETTINGS;
use super::thread::Thread;
use super::tunables::with_tunables;
use crate::support::errno::{errno, set_errno};
use crate::support::number::number;
use crate::support::small_file::read;

const FILES: &str = "/memory.max\0 /memory.max\0 /memory.limit_in_bytes\0";
/// A 64-bit number and the end of its line.
const FILE_BYTES_MAX: usize = 24;

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

/// The memory of the machine, or less if a control group limits it.
fn memory_bytes() -> u64 {
    let mut least = machine_bytes();
    climb(FILES, &mut |file| {
        least = least.min(limit_in(file).unwrap_or(u64::MAX));
        false
    });
    least
}

/// `None` if there is no file, or no number in it, as `max`.
fn limit_in(file: &CStr) -> Option<u64> {
    let mut room = [0; FILE_BYTES_MAX];
    number(read(file, &mut room).strip_suffix(b"\n")?)
}

fn machine_bytes() -> u64 {
    let mut machine = MaybeUninit::<sysinfo>::zeroed();
    // SAFETY: the structure is valid for the write.
    if unsafe { syscall(SYS_sysinfo, machine.as_mut_ptr()) } != 0 {
        return u64::MAX;
    }
    // SAFETY: written, and all zero before.
    let machine = unsafe { machine.assume_init() };
    machine.totalram.saturating_mul(machine.mem_unit.into())
}
