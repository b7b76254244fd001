//! What the system lets the process have: the machine's memory, or what its control groups do.

use core::ffi::CStr;
use core::mem::MaybeUninit;

use libc::{SYS_sysinfo, syscall, sysinfo};

use super::cgroups::climb;
use crate::support::number::number;
use crate::support::small_file::read;

const FILES: &str = "/memory.max\0 /memory.max\0 /memory.limit_in_bytes\0";
/// A 64-bit number and the end of its line.
const FILE_BYTES_MAX: usize = 24;

/// The memory of the machine, or less if a control group limits it.
#[inline(always)]
pub(crate) fn memory_bytes() -> u64 {
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
