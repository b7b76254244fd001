//! A library without the standard library needs to say what a panic does.

use core::panic::PanicInfo;

use libc::abort;

use crate::process::say;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say(info);
    // SAFETY: ends the process.
    unsafe { abort() }
}

/// The core library's unwind tables name it; with `panic = "abort"` nobody calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
