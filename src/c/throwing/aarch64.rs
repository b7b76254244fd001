//! The loops of `operator new` for 64-bit Arm, AAPCS64.

use core::arch::{asm, global_asm};
use core::ffi::c_void;

use super::super::operators::attempt;
use super::{Runtime, handler, personality, swallow, thrower};

/// A function whose frame is that of the loops; `$personality` names the routine that catches, if any.
macro_rules! framed {
    ($name:literal, $personality:literal, [$($line:literal),* $(,)?] $(, $operand:ident = $function:path)*) => {
        global_asm!(
            ".pushsection .text, \"ax\", @progbits",
            concat!(".globl ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ", @function"),
            concat!($name, ":"),
            ".cfi_startproc",
            $personality,
            "stp x29, x30, [sp, #-32]!",
            ".cfi_def_cfa_offset 32",
            ".cfi_offset 29, -32",
            ".cfi_offset 30, -24",
            "stp x19, x20, [sp, #16]",
            ".cfi_offset 19, -16",
            ".cfi_offset 20, -8",
            $($line,)*
            "3:",
            "ldp x19, x20, [sp, #16]",
            "ldp x29, x30, [sp], #32",
            ".cfi_def_cfa_offset 0",
            "ret",
            ".cfi_endproc",
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
            $($operand = sym $function,)*
        );
    };
}

/// One loop.
macro_rules! new_loop {
    ($name:literal, $personality:literal, $no_handler:literal $(, $operand:ident = $function:path)*) => {
        framed!(
            $name,
            $personality,
            [
                "mov x19, x0",
                "mov x20, x1",
                "2:",
                "mov x0, x19",
                "mov x1, x20",
                "bl {attempt}",
                "cbnz x0, 3f",
                "bl {handler}",
                "cbz x0, 4f",
                "blr x0",
                "b 2b",
                "4:",
                $no_handler,
            ],
            attempt = attempt,
            handler = handler
            $(, $operand = $function)*
        );
    };
}

new_loop!("tinyalloc_new_slow", "", "bl {thrower}\nblr x0\nbrk #1", thrower = thrower);

// An exception lands at `tinyalloc_new_landing`, with the frame as it was at the call.
new_loop!(
    "tinyalloc_new_nothrow_slow",
    ".cfi_personality 0x1b, {personality}",
    "mov x0, xzr
    b 3f
    .globl tinyalloc_new_landing
    .hidden tinyalloc_new_landing
    tinyalloc_new_landing:
    bl {swallow}
    mov x0, xzr",
    swallow = swallow,
    personality = personality
);

// An exception lands as above: the frames are alike.
framed!("tinyalloc_new_nothrow_by", ".cfi_personality 0x1b, {personality}", ["blr x2"], personality = personality);

unsafe extern "C-unwind" {
    /// A block, or an exception.
    pub(crate) fn tinyalloc_new_slow(bytes: usize, align: usize) -> *mut c_void;
    /// A block, or null.
    pub(crate) fn tinyalloc_new_nothrow_slow(bytes: usize, align: usize) -> *mut c_void;
    /// What the operator returns, or null.
    pub(crate) fn tinyalloc_new_nothrow_by(bytes: usize, align: usize, operator: *const c_void) -> *mut c_void;
    pub(crate) safe fn tinyalloc_new_landing();
}

macro_rules! weak {
    ($name:literal) => {{
        let address: *mut c_void;
        // SAFETY: reads a slot that the dynamic linker filled, with null if nobody defines the symbol.
        unsafe {
            asm!(
                concat!(".weak ", $name),
                concat!("adrp {0}, :got:", $name),
                concat!("ldr {0}, [{0}, :got_lo12:", $name, "]"),
                out(reg) address,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        address
    }};
}

/// Where the runtime's function was when this library was loaded; null if nowhere.
pub(crate) fn weak_address(function: Runtime) -> *mut c_void {
    match function {
        Runtime::GetNewHandler => weak!("_ZSt15get_new_handlerv"),
        Runtime::ThrowBadAlloc => weak!("_ZSt17__throw_bad_allocv"),
        Runtime::BeginCatch => weak!("__cxa_begin_catch"),
        Runtime::EndCatch => weak!("__cxa_end_catch"),
        Runtime::SetRegister => weak!("_Unwind_SetGR"),
        Runtime::SetInstruction => weak!("_Unwind_SetIP"),
    }
}
