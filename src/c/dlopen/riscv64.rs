//! The trampoline of `dlopen` for 64-bit RISC-V, its standard calling convention.

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
        "addi sp, sp, -32",
        ".cfi_def_cfa_offset 32",
        "sd ra, 24(sp)",
        ".cfi_offset ra, -8",
        "sd a0, 16(sp)",
        "mv a0, a1",
        "call {onward}",
        "mv t1, a0",
        "ld a0, 16(sp)",
        "ld ra, 24(sp)",
        ".cfi_restore ra",
        "addi sp, sp, 32",
        ".cfi_def_cfa_offset 0",
        "beqz t1, 2f",
        "jr t1",
        "2:",
        "li a0, 0",
        "ret",
        ".cfi_endproc",
        onward = sym onward,
    )
}
