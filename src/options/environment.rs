//! The environment as the kernel left it on the stack, or as the C library keeps it.
//!
//! `getenv` takes a lock, and the dynamic linker allocates before the C library knows the environment: hence by hand.

use core::arch::asm;
use core::ffi::{CStr, c_char};

use libc::{AT_SECURE, getauxval};

const NAME: &[u8] = b"TINYALLOC_OPTIONS=";

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// What the variable says, nothing if it is not set or must be ignored; `None` while the environment cannot be found.
pub(super) fn variable() -> Option<&'static [u8]> {
    let mut next = environment()?;
    loop {
        // SAFETY: the entries end with a null one.
        let entry = unsafe { next.read() };
        if entry.is_null() {
            return Some(&[]);
        }
        if let Some(value) = value_of(entry) {
            // SAFETY: getauxval takes any number.
            let is_privileged = unsafe { getauxval(AT_SECURE) } != 0;
            return Some(if is_privileged { &[] } else { value });
        }
        // SAFETY: the null entry was not met yet.
        next = unsafe { next.add(1) };
    }
}

/// The value, if the entry is the variable. Most entries are told apart by a byte or two.
fn value_of(entry: *const c_char) -> Option<&'static [u8]> {
    let mut at = entry.cast::<u8>();
    for byte in NAME {
        // SAFETY: no null byte was met yet, so this byte is the entry's.
        if unsafe { at.read() } != *byte {
            return None;
        }
        // SAFETY: as above.
        at = unsafe { at.add(1) };
    }
    // SAFETY: entries are C strings; whoever changes one while it is read gets what he asks for.
    Some(unsafe { CStr::from_ptr(at.cast()) }.to_bytes())
}

fn environment() -> Option<*const *const c_char> {
    // SAFETY: a word of the C library's, which nobody changes while the process starts.
    let known = unsafe { environ };
    if known.is_null() { on_the_stack() } else { Some(known) }
}

/// The kernel's own: the number of arguments, the arguments, null, the environment, null. Where it lies the dynamic linker of the GNU C
/// library tells, before anything else runs.
fn on_the_stack() -> Option<*const *const c_char> {
    let told = stack_end();
    if told.is_null() {
        return None;
    }
    // SAFETY: the variable exists.
    let words = unsafe { told.read() };
    if words.is_null() {
        return None;
    }
    // SAFETY: the kernel put the number of arguments there.
    let arguments = unsafe { words.cast::<usize>().read() };
    // SAFETY: behind them, and a null.
    Some(unsafe { words.add(arguments + 2) })
}

macro_rules! stack_end {
    ($($line:expr),*) => {{
        let address: *const *const *const c_char;
        // SAFETY: reads a slot that the dynamic linker filled, with null if nobody defines the symbol.
        unsafe {
            asm!(".weak __libc_stack_end", $($line,)* out(reg) address, options(pure, nomem, nostack, preserves_flags));
        }
        address
    }};
}

/// `__libc_stack_end`, or null where there is no such symbol.
#[cfg(target_arch = "x86_64")]
fn stack_end() -> *const *const *const c_char {
    stack_end!("mov {}, qword ptr [rip + __libc_stack_end@GOTPCREL]")
}

#[cfg(target_arch = "aarch64")]
fn stack_end() -> *const *const *const c_char {
    stack_end!("adrp {0}, :got:__libc_stack_end", "ldr {0}, [{0}, :got_lo12:__libc_stack_end]")
}
