//! From reset to `main`, and from an interrupt to `on_timer`.

use core::arch::global_asm;

use super::host::{exit, print};
use super::timer::rearm;

// `main` and `on_timer` are the program's.
global_asm!(
    ".section .vectors, \"ax\"",
    ".globl reset",
    "reset:",
    "la sp, STACK_TOP",
    "la t0, interrupted",
    "csrw mtvec, t0",
    "la t0, BSS_START",
    "la t1, BSS_END",
    "0: bgeu t0, t1, 1f",
    "sw zero, 0(t0)",
    "addi t0, t0, 4",
    "j 0b",
    "1: la t0, DATA_START",
    "la t1, DATA_END",
    "la t2, DATA_IN_FLASH",
    "2: bgeu t0, t1, 3f",
    "lw t3, 0(t2)",
    "sw t3, 0(t0)",
    "addi t0, t0, 4",
    "addi t2, t2, 4",
    "j 2b",
    "3: call main",
    // What a call may change is saved; the callee saves the rest.
    ".balign 4",
    "interrupted:",
    "addi sp, sp, -64",
    "sw ra, 0(sp)",
    "sw t0, 4(sp)",
    "sw t1, 8(sp)",
    "sw t2, 12(sp)",
    "sw t3, 16(sp)",
    "sw t4, 20(sp)",
    "sw t5, 24(sp)",
    "sw t6, 28(sp)",
    "sw a0, 32(sp)",
    "sw a1, 36(sp)",
    "sw a2, 40(sp)",
    "sw a3, 44(sp)",
    "sw a4, 48(sp)",
    "sw a5, 52(sp)",
    "sw a6, 56(sp)",
    "sw a7, 60(sp)",
    "csrr a0, mcause",
    "call {handle}",
    "lw ra, 0(sp)",
    "lw t0, 4(sp)",
    "lw t1, 8(sp)",
    "lw t2, 12(sp)",
    "lw t3, 16(sp)",
    "lw t4, 20(sp)",
    "lw t5, 24(sp)",
    "lw t6, 28(sp)",
    "lw a0, 32(sp)",
    "lw a1, 36(sp)",
    "lw a2, 40(sp)",
    "lw a3, 44(sp)",
    "lw a4, 48(sp)",
    "lw a5, 52(sp)",
    "lw a6, 56(sp)",
    "lw a7, 60(sp)",
    "addi sp, sp, 64",
    "mret",
    ".text",
    handle = sym handle,
);

/// The timer's, as an interrupt of the machine mode.
const TIMER: u32 = 1 << 31 | 7;

unsafe extern "C" {
    safe fn on_timer();
}

extern "C" fn handle(cause: u32) {
    if cause != TIMER {
        fault()
    }
    rearm();
    on_timer();
}

/// What is called for everything that no program expects; the linker script names it for
/// `on_timer`, too, where a program has no such function.
#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    print("fault\n");
    exit(false)
}
