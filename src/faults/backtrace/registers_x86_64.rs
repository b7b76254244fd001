//! Registers by their numbers in the tables: System V ABI, AMD64, figure 3.36.

use core::arch::asm;

/// The sixteen registers, and where to return to.
pub(super) const COUNT: usize = 17;
pub(super) const STACK: usize = 7;

/// Where this code runs, and what is in the registers that calls leave alone.
#[inline(always)]
pub(super) fn here() -> (usize, [usize; COUNT]) {
    let mut registers = [0; COUNT];
    let address;
    // SAFETY: writes seven of the words.
    unsafe {
        asm!(
            "mov [{to} + 3 * 8], rbx",
            "mov [{to} + 6 * 8], rbp",
            "mov [{to} + 7 * 8], rsp",
            "mov [{to} + 12 * 8], r12",
            "mov [{to} + 13 * 8], r13",
            "mov [{to} + 14 * 8], r14",
            "mov [{to} + 15 * 8], r15",
            "lea {address}, [rip]",
            to = in(reg) &raw mut registers,
            address = lateout(reg) address,
            options(nostack, preserves_flags),
        );
    }
    (address, registers)
}

/// An address to return to, as it was saved.
pub(super) fn plain(address: usize) -> usize {
    address
}
