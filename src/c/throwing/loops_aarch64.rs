//! The loops of `operator new` for 64-bit Arm, AAPCS64.

use core::arch::global_asm;

use super::function::function;
use super::steps::{attempt, handler, personality, swallow, thrower, usable};

/// A function with the frame of the loops; `$personality` names the routine that catches
/// exceptions, if any.
macro_rules! framed {
    ($name:literal, $personality:literal, [$($line:literal),* $(,)?] $(, $operand:ident = $function:path)*) => {
        function!(
            $name,
            $personality,
            [
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
            ]
            $(, $operand = $function)*
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

// An exception arrives at `tinyalloc_new_landing`, with the frame as it was at the call.
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

// An exception arrives there, too: the frames are alike.
framed!("tinyalloc_new_nothrow_by", ".cfi_personality 0x1b, {personality}", ["blr x2"], personality = personality);

framed!(
    "tinyalloc_new_sized",
    "",
    ["bl tinyalloc_new_slow", "mov x19, x0", "bl {usable}", "mov x1, x0", "mov x0, x19"],
    usable = usable
);
