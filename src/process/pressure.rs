//! Whether memory runs short, as the kernel's pressure stall information says:
//! Documentation/accounting/psi.rst.

use core::ffi::{CStr, c_int};
use core::ptr::null;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use libc::{F_DUPFD_CLOEXEC, O_NONBLOCK, O_RDWR, POLLPRI, SYS_fcntl, SYS_ppoll, SYS_write, pollfd, syscall, timespec};

use super::cgroups::climb;
use super::message::say;
use super::settings::SETTINGS;
use crate::support::small_file::{close, open};

const FILES: &str = "/memory.pressure\0 /memory.pressure\0";
const MACHINE_FILE: &CStr = c"/proc/pressure/memory";
/// Some thread waited for memory for 150 ms of 2 s, the shortest window that needs no privilege.
/// The kernel takes the last byte for the end of the text.
const TRIGGER: &[u8] = b"some 150000 2000000\0";
/// Descriptors below this are left to programs that count on the numbers they get.
const DESCRIPTOR_MIN: c_int = 100;
const NONE: c_int = -1;

/// Stays open for the life of the process: the program may have closed it, and opened another file
/// under its number.
static DESCRIPTOR: AtomicI32 = AtomicI32::new(NONE);
/// Whether an event has come since the trigger was registered.
#[unsafe(link_section = ".data")]
static HAS_COME: AtomicBool = AtomicBool::new(false);

/// Whether memory ran short since the last call. The first event is passed over: for a process
/// without privileges the kernel counts all stalls since it started as new ones.
///
/// Where no file can be watched, one line says so, and the option is off.
pub(crate) fn is_high() -> bool {
    let descriptor = DESCRIPTOR.load(Ordering::Relaxed);
    if descriptor == NONE {
        register();
        return false;
    }
    let mut event = pollfd { fd: descriptor, events: POLLPRI, revents: 0 };
    let (at_once, no_mask): (timespec, *const u64) = (timespec { tv_sec: 0, tv_nsec: 0 }, null());
    // SAFETY: one event and the time, both valid for the call.
    unsafe { syscall(SYS_ppoll, &raw mut event, 1, &raw const at_once, no_mask, 0) };
    if event.revents & !POLLPRI != 0 {
        // The group is gone, or the program closed the descriptor.
        forget();
    }
    event.revents == POLLPRI && HAS_COME.swap(true, Ordering::Relaxed)
}

/// The child of a fork would share the events of its parent.
pub(crate) fn on_child() {
    forget();
}

fn forget() {
    DESCRIPTOR.store(NONE, Ordering::Relaxed);
    HAS_COME.store(false, Ordering::Relaxed);
}

fn register() {
    let mut found = None;
    climb(FILES, &mut |file| {
        found = register_at(file);
        found.is_some()
    });
    match found.or_else(|| register_at(MACHINE_FILE)) {
        Some(descriptor) => DESCRIPTOR.store(descriptor, Ordering::Relaxed),
        None => {
            SETTINGS.set_pressure(false);
            say(&"pressure is off: neither memory.pressure nor /proc/pressure/memory can be watched");
        }
    }
}

fn register_at(file: &CStr) -> Option<c_int> {
    let low = open(file, O_RDWR | O_NONBLOCK)?;
    // SAFETY: opened above.
    let high = unsafe { syscall(SYS_fcntl, low, F_DUPFD_CLOEXEC, DESCRIPTOR_MIN) };
    close(low);
    let high = c_int::try_from(high).ok().filter(|high| *high >= 0)?;
    // SAFETY: the bytes are valid.
    if unsafe { syscall(SYS_write, high, TRIGGER.as_ptr(), TRIGGER.len()) } < 0 {
        close(high);
        return None;
    }
    Some(high)
}
