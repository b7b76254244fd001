//! Registers by their numbers in the tables: System V ABI, AMD64, figure 3.36.

use core::arch::asm;

use super::trampoline::Trampoline;

/// The sixteen registers and the return address.
pub(super) const COUNT: usize = 17;
pub(super) const STACK: usize = 7;
/// The registers that calls preserve, and the return address: the others are known of no caller.
pub(super) const KEPT: [usize; 8] = [3, 6, STACK, 12, 13, 14, 15, 16];

/// The tables say it.
pub(super) const TRAMPOLINE: Option<Trampoline> = None;

/// The address of this code, and the registers that calls preserve.
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

/// A return address, unchanged.
pub(super) fn plain(address: usize) -> usize {
    address
}
