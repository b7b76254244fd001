//! Allocations that tell how large the block is: `stdc_alloc_at_least` and its aligned form (WG14
//! N3991, provisional), and tcmalloc's four size-returning `operator new`s.
//!
//! Of an operator, an exception may pass through: the common part is in assembly, with unwind
//! tables. It calls our own operators, never the program's, whose blocks need not be ours.

use core::arch::{global_asm, naked_asm};

use super::aligned::aligned_alloc;
use super::malloc::{malloc, malloc_usable_size};
use super::throwing::SizedBlock;

/// The function whose address is in a register, and then the usable bytes of what it returned.
#[cfg(target_arch = "x86_64")]
macro_rules! with_size_of {
    ($function:literal $(, $operand:ident = $path:path)?) => {
        naked_asm!(
            concat!("lea rax, [rip + ", $function, "]"),
            "jmp tinyalloc_with_size",
            $($operand = sym $path)?
        )
    };
}

#[cfg(target_arch = "aarch64")]
macro_rules! with_size_of {
    ($function:literal $(, $operand:ident = $path:path)?) => {
        naked_asm!(
            concat!("adrp x9, ", $function),
            concat!("add x9, x9, :lo12:", $function),
            "b tinyalloc_with_size",
            $($operand = sym $path)?
        )
    };
}

#[cfg(target_arch = "riscv64")]
macro_rules! with_size_of {
    ($function:literal $(, $operand:ident = $path:path)?) => {
        naked_asm!(
            concat!("2: auipc t0, %pcrel_hi(", $function, ")"),
            "addi t0, t0, %pcrel_lo(2b)",
            "tail tinyalloc_with_size",
            $($operand = sym $path)?
        )
    };
}

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".pushsection .text, \"ax\", @progbits",
    ".type tinyalloc_with_size, @function",
    "tinyalloc_with_size:",
    ".cfi_startproc",
    "push rbx",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbx, -16",
    "call rax",
    "mov rbx, rax",
    "mov rdi, rax",
    "call {usable_bytes}",
    "mov rdx, rax",
    "mov rax, rbx",
    "pop rbx",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    ".size tinyalloc_with_size, . - tinyalloc_with_size",
    ".popsection",
    usable_bytes = sym malloc_usable_size,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".pushsection .text, \"ax\", @progbits",
    ".type tinyalloc_with_size, @function",
    "tinyalloc_with_size:",
    ".cfi_startproc",
    "stp x30, x19, [sp, #-16]!",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset 30, -16",
    ".cfi_offset 19, -8",
    "blr x9",
    "mov x19, x0",
    "bl {usable_bytes}",
    "mov x1, x0",
    "mov x0, x19",
    "ldp x30, x19, [sp], #16",
    ".cfi_def_cfa_offset 0",
    "ret",
    ".cfi_endproc",
    ".size tinyalloc_with_size, . - tinyalloc_with_size",
    ".popsection",
    usable_bytes = sym malloc_usable_size,
);

#[cfg(target_arch = "riscv64")]
global_asm!(
    ".pushsection .text, \"ax\", @progbits",
    ".type tinyalloc_with_size, @function",
    "tinyalloc_with_size:",
    ".cfi_startproc",
    "addi sp, sp, -16",
    ".cfi_def_cfa_offset 16",
    "sd ra, 8(sp)",
    ".cfi_offset ra, -8",
    "sd s0, 0(sp)",
    ".cfi_offset s0, -16",
    "jalr t0",
    "mv s0, a0",
    "call {usable_bytes}",
    "mv a1, a0",
    "mv a0, s0",
    "ld s0, 0(sp)",
    "ld ra, 8(sp)",
    "addi sp, sp, 16",
    ".cfi_def_cfa_offset 0",
    "ret",
    ".cfi_endproc",
    ".size tinyalloc_with_size, . - tinyalloc_with_size",
    ".popsection",
    usable_bytes = sym malloc_usable_size,
);

/// As `malloc`, with the size of the block.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn stdc_alloc_at_least(bytes: usize) -> SizedBlock {
    with_size_of!("{malloc}", malloc = malloc)
}

/// As `aligned_alloc`, with the size of the block.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn stdc_aligned_alloc_at_least(align: usize, bytes: usize) -> SizedBlock {
    with_size_of!("{aligned_alloc}", aligned_alloc = aligned_alloc)
}

/// As `operator new`, with the size of the block.
#[unsafe(naked)]
#[unsafe(export_name = "__size_returning_new")]
pub extern "C-unwind" fn new(bytes: usize) -> SizedBlock {
    with_size_of!("tinyalloc_new")
}

/// As [`new`]: how often the block is used is not looked at.
#[unsafe(naked)]
#[unsafe(export_name = "__size_returning_new_hot_cold")]
pub extern "C-unwind" fn new_hot_cold(bytes: usize, hot_cold: u8) -> SizedBlock {
    with_size_of!("tinyalloc_new")
}

/// As `operator new` with an alignment, with the size of the block.
#[unsafe(naked)]
#[unsafe(export_name = "__size_returning_new_aligned")]
pub extern "C-unwind" fn new_aligned(bytes: usize, align: usize) -> SizedBlock {
    with_size_of!("tinyalloc_new_aligned")
}

/// As [`new_aligned`]: how often the block is used is not looked at.
#[unsafe(naked)]
#[unsafe(export_name = "__size_returning_new_aligned_hot_cold")]
pub extern "C-unwind" fn new_aligned_hot_cold(bytes: usize, align: usize, hot_cold: u8) -> SizedBlock {
    with_size_of!("tinyalloc_new_aligned")
}
