//! The environment as the C library keeps it, or as the kernel left it on the stack.
//!
//! `getenv` takes a lock, and the dynamic linker allocates before the C library knows the
//! environment. So this module reads the environment itself.

use core::arch::asm;
use core::ffi::{CStr, c_char, c_void};

use libc::{AT_SECURE, getauxval};

use super::weak_symbol::weak_symbol;

/// The entries `NAME=value`; the last one is null.
type Entries = *const *const c_char;

unsafe extern "C" {
    static environ: Entries;
}

/// The value of the variable, `prefix` being its name and `=`. Empty if it is not set, and in a
/// program with more rights than its user; `None` while the C library has no environment.
#[cfg(feature = "mmap")]
pub(crate) fn variable(prefix: &[u8]) -> Option<&'static [u8]> {
    find(known_entries()?, prefix)
}

/// As `variable`, also before the C library has an environment.
#[inline(never)]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text"))]
pub(crate) fn variable_at_start(prefix: &[u8]) -> Option<&'static [u8]> {
    find(known_entries().or_else(entries_on_the_stack)?, prefix)
}

fn find(mut next: Entries, prefix: &[u8]) -> Option<&'static [u8]> {
    loop {
        // SAFETY: the entries end with a null one, which was not met yet.
        let entry = unsafe { next.read() };
        if entry.is_null() {
            return Some(&[]);
        }
        if let Some(value) = value_of(entry, prefix) {
            // SAFETY: getauxval takes any number.
            let is_privileged = unsafe { getauxval(AT_SECURE) } != 0;
            return Some(if is_privileged { &[] } else { value });
        }
        // SAFETY: the null entry was not met yet.
        next = unsafe { next.add(1) };
    }
}

/// The value, if the entry begins with the prefix. Most entries differ in the first byte or two.
fn value_of(entry: *const c_char, prefix: &[u8]) -> Option<&'static [u8]> {
    let mut at = entry.cast::<u8>();
    for byte in prefix {
        // SAFETY: no null byte was met yet, so this byte is the entry's.
        if unsafe { at.read() } != *byte {
            return None;
        }
        // SAFETY: as above.
        at = unsafe { at.add(1) };
    }
    // SAFETY: entries are C strings; a program that changes one during the read has a data race of
    // its own.
    Some(unsafe { CStr::from_ptr(at.cast()) }.to_bytes())
}

fn known_entries() -> Option<Entries> {
    // SAFETY: a word of the C library's, which nothing changes while the process starts.
    let known = unsafe { environ };
    (!known.is_null()).then_some(known)
}

/// The kernel's copy: the number of arguments, the arguments, null, the environment, null. The
/// dynamic linker of the GNU C library notes its address before any other code runs.
fn entries_on_the_stack() -> Option<Entries> {
    let stack_end = weak_symbol!("__libc_stack_end").cast::<Entries>();
    if stack_end.is_null() {
        return None;
    }
    // SAFETY: the variable exists.
    let words = unsafe { stack_end.read() };
    if words.is_null() {
        return None;
    }
    // SAFETY: the kernel put the number of arguments there.
    let arguments = unsafe { words.cast::<usize>().read() };
    // SAFETY: behind them, and a null.
    Some(unsafe { words.add(arguments + 2) })
}
