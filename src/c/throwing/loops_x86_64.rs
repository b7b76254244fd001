//! The loops of `operator new` for x86-64, System V calling convention.

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
                "push rbx",
                ".cfi_def_cfa_offset 16",
                ".cfi_offset rbx, -16",
                "push r12",
                ".cfi_def_cfa_offset 24",
                ".cfi_offset r12, -24",
                "sub rsp, 8",
                ".cfi_def_cfa_offset 32",
                $($line,)*
                "3:",
                "add rsp, 8",
                ".cfi_def_cfa_offset 24",
                "pop r12",
                ".cfi_def_cfa_offset 16",
                "pop rbx",
                ".cfi_def_cfa_offset 8",
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
                "mov rbx, rdi",
                "mov r12, rsi",
                "2:",
                "mov rdi, rbx",
                "mov rsi, r12",
                "call {attempt}",
                "test rax, rax",
                "jne 3f",
                "call {handler}",
                "test rax, rax",
                "je 4f",
                "call rax",
                "jmp 2b",
                "4:",
                $no_handler,
            ],
            attempt = attempt,
            handler = handler
            $(, $operand = $function)*
        );
    };
}

new_loop!("tinyalloc_new_slow", "", "call {thrower}\ncall rax\nud2", thrower = thrower);

// An exception arrives at `tinyalloc_new_landing`, with the frame as it was at the call.
new_loop!(
    "tinyalloc_new_nothrow_slow",
    ".cfi_personality 0x1b, {personality}",
    "xor eax, eax
    jmp 3f
    .globl tinyalloc_new_landing
    .hidden tinyalloc_new_landing
    tinyalloc_new_landing:
    mov rdi, rax
    call {swallow}
    xor eax, eax",
    swallow = swallow,
    personality = personality
);

// An exception arrives there, too: the frames are alike.
framed!("tinyalloc_new_nothrow_by", ".cfi_personality 0x1b, {personality}", ["call rdx"], personality = personality);

framed!(
    "tinyalloc_new_sized",
    "",
    ["call tinyalloc_new_slow", "mov rbx, rax", "mov rdi, rax", "call {usable}", "mov rdx, rax", "mov rax, rbx"],
    usable = usable
);
