//! The loops of `operator new` for 64-bit RISC-V, its standard calling convention.

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
                "addi sp, sp, -32",
                ".cfi_def_cfa_offset 32",
                "sd ra, 24(sp)",
                ".cfi_offset ra, -8",
                "sd s0, 16(sp)",
                ".cfi_offset s0, -16",
                "sd s1, 8(sp)",
                ".cfi_offset s1, -24",
                $($line,)*
                "3:",
                "ld ra, 24(sp)",
                "ld s0, 16(sp)",
                "ld s1, 8(sp)",
                "addi sp, sp, 32",
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
                "mv s0, a0",
                "mv s1, a1",
                "2:",
                "mv a0, s0",
                "mv a1, s1",
                "call {attempt}",
                "bnez a0, 3f",
                "call {handler}",
                "beqz a0, 4f",
                "jalr a0",
                "j 2b",
                "4:",
                $no_handler,
            ],
            attempt = attempt,
            handler = handler
            $(, $operand = $function)*
        );
    };
}

new_loop!("tinyalloc_new_slow", "", "call {thrower}\njalr a0\nunimp", thrower = thrower);

// An exception arrives at `tinyalloc_new_landing`, with the frame as it was at the call.
new_loop!(
    "tinyalloc_new_nothrow_slow",
    ".cfi_personality 0x1b, {personality}",
    "li a0, 0
    j 3f
    .globl tinyalloc_new_landing
    .hidden tinyalloc_new_landing
    tinyalloc_new_landing:
    call {swallow}
    li a0, 0",
    swallow = swallow,
    personality = personality
);

// An exception arrives there, too: the frames are alike.
framed!("tinyalloc_new_nothrow_by", ".cfi_personality 0x1b, {personality}", ["jalr a2"], personality = personality);

framed!(
    "tinyalloc_new_sized",
    "",
    ["call tinyalloc_new_slow", "mv s0, a0", "call {usable}", "mv a1, a0", "mv a0, s0"],
    usable = usable
);
