//! The trampoline of `dlopen` for 64-bit Arm, AAPCS64.

use core::arch::naked_asm;
use core::ffi::{c_char, c_int, c_void};

use super::onward;

/// Jumps to the next `dlopen`, which identifies its caller by the return address: it uses the
/// caller's RUNPATH, `$ORIGIN` and namespace. The function is naked, because the compiler exports
/// no symbol of `global_asm!`.
///
/// # Safety
/// As of dlopen(3).
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void {
    naked_asm!(
        ".cfi_startproc",
        "hint #34", // bti c
        "stp x29, x30, [sp, #-32]!",
        ".cfi_def_cfa_offset 32",
        ".cfi_offset 29, -32",
        ".cfi_offset 30, -24",
        "str x0, [sp, #16]",
        "mov w0, w1",
        "bl {onward}",
        "mov x16, x0",
        "ldr x0, [sp, #16]",
        "ldp x29, x30, [sp], #32",
        ".cfi_restore 29",
        ".cfi_restore 30",
        ".cfi_def_cfa_offset 0",
        "cbz x16, 2f",
        "br x16",
        "2:",
        "mov x0, xzr",
        "ret",
        ".cfi_endproc",
        onward = sym onward,
    )
}
