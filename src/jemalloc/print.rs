//! `malloc_stats_print`, on demand and when the process ends.

use core::arch::asm;
use core::ffi::{CStr, c_char, c_void};
use core::ptr::null_mut;
use core::sync::atomic::AtomicPtr;

use libc::STDERR_FILENO;

use super::report::Parts;
use super::snapshot::renew;
use crate::options::malloc_conf::CONF;
use crate::process::message::write_text;
use crate::support::chunked_writer::write_in_chunks;
use crate::support::weak_symbol::bound_symbol;

/// Receives a part of a text, as a C string.
type WriteText = Option<unsafe extern "C" fn(context: *mut c_void, text: *const c_char)>;

/// Set, or defined, by a program that wants to write what has no other place.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "jemalloc's name")]
pub static malloc_message: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

#[used]
#[unsafe(link_section = ".fini_array.00101")]
static END: extern "C" fn() = end;

extern "C" fn end() {
    if CONF.prints_stats() {
        // SAFETY: no function, and the options are a C string.
        unsafe { malloc_stats_print(None, null_mut(), CONF.print_opts()) };
    }
}

/// Writes the statistics, as of now, by `write`, or to where `malloc_message` says, or to standard
/// error. Of the options, `J` writes JSON, and `g`, `m`, `a`, `b` leave parts out. Allocates
/// nothing, and holds no lock while `write` runs.
///
/// # Safety
/// `write` may be called with `context`; `options` is null or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_stats_print(write: WriteText, context: *mut c_void, options: *const c_char) {
    // A signal handler that interrupted the allocator prints what was counted last.
    let _ = renew();
    let letters = match options.is_null() {
        true => c"",
        // SAFETY: the caller's promise.
        false => unsafe { CStr::from_ptr(options) },
    };
    let parts = Parts::of(letters.to_bytes());
    match write.or_else(message) {
        // SAFETY: the caller's promise.
        Some(write) => write_in_chunks(&parts, &mut |chunk: &[u8]| unsafe { hand_on(chunk, write, context) }),
        None => write_text(STDERR_FILENO, &parts),
    }
}

fn message() -> WriteText {
    let variable = bound_symbol!("malloc_message").cast::<WriteText>();
    // SAFETY: the program's definition, or ours: null or such a function.
    unsafe { variable.read() }
}

/// # Safety
/// `write` may be called with `context`.
unsafe fn hand_on(chunk: &[u8], write: unsafe extern "C" fn(*mut c_void, *const c_char), context: *mut c_void) {
    let mut text = [0_u8; 513];
    text.iter_mut().zip(chunk).for_each(|(to, byte)| *to = *byte);
    // SAFETY: the caller's promise; a chunk has 512 bytes at most.
    unsafe { write(context, text.as_ptr().cast()) };
}
