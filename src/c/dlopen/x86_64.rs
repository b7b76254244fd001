//! The trampoline of `dlopen` for x86-64, System V calling convention.

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
        "endbr64",
        "push rdi",
        ".cfi_def_cfa_offset 16",
        "mov edi, esi",
        "call {onward}",
        "pop rdi",
        ".cfi_def_cfa_offset 8",
        "test rax, rax",
        "je 2f",
        "mov esi, edx",
        "jmp rax",
        "2:",
        "ret",
        ".cfi_endproc",
        onward = sym onward,
    )
}
