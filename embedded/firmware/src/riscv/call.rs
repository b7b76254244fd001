//! The instructions by which RISC-V calls the emulator: it knows them by their neighbours, all of
//! them on one page.

use core::arch::asm;

pub(super) unsafe fn call(operation: usize, argument: *const u8) {
    unsafe {
        asm!(
            ".option push",
            ".option norvc",
            ".balign 16",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inout("a0") operation => _,
            in("a1") argument,
        );
    }
}
