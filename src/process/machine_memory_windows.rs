//! What the system lets the process have: the machine's memory. Limits of job objects are not seen.

use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};

/// The memory of the machine.
pub(crate) fn memory_bytes() -> u64 {
    let mut machine = MEMORYSTATUSEX { dwLength: size_of::<MEMORYSTATUSEX>().try_into().unwrap_or(0), ..Default::default() };
    // SAFETY: the structure is valid for the write, and says how large it is.
    if unsafe { GlobalMemoryStatusEx(&raw mut machine) } == 0 { u64::MAX } else { machine.ullTotalPhys }
}
