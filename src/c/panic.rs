//! The panic handler, which a library without the standard library has to define.

use core::arch::global_asm;
use core::ffi::c_int;
use core::panic::PanicInfo;

use libc::abort;

use crate::process::message::say;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say(info);
    // SAFETY: ends the process.
    unsafe { abort() }
}

// The core library's unwind tables name a personality routine. It is hidden, so the library does
// not export it, and weak, so a program that also links another Rust library statically may have
// that one's.
#[cfg(unix)]
global_asm!(
    ".weak rust_eh_personality",
    ".hidden rust_eh_personality",
    ".set rust_eh_personality, {unwind_on}",
    unwind_on = sym unwind_on,
);

// As above, where symbols are not hidden, nor exported unless a list has them.
#[cfg(windows)]
global_asm!(".globl rust_eh_personality", ".set rust_eh_personality, {unwind_on}", unwind_on = sym unwind_on);

/// With `panic = "abort"` no frame of this library has anything to clean up: the search continues
/// (Itanium C++ ABI, `_URC_CONTINUE_UNWIND`).
extern "C" fn unwind_on() -> c_int {
    8
}
