//! Registers by their numbers in the tables: RISC-V ELF psABI, DWARF register numbers.

use core::arch::asm;

use super::trampoline::Trampoline;

/// The integer registers.
pub(super) const COUNT: usize = 32;
pub(super) const STACK: usize = 2;
/// The return address, and the registers that calls preserve: the others are known of no caller.
pub(super) const KEPT: [usize; 14] = [1, STACK, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27];
/// `li a7, 139; ecall`. The registers are behind a siginfo_t and the begin of a ucontext_t, the
/// address in the place of the register that is always zero. The kernel's code has no tables.
pub(super) const TRAMPOLINE: Option<Trampoline> = Some(Trampoline::new([0x08b0_0893, 0x0000_0073], 304, 304));

/// The address of this code, and the registers that calls preserve.
#[inline(always)]
pub(super) fn here() -> (usize, [usize; COUNT]) {
    let mut registers = [0; COUNT];
    let address;
    // SAFETY: writes fourteen of the words.
    unsafe {
        asm!(
            "sd ra, 8({to})",
            "sd sp, 16({to})",
            "sd s0, 64({to})",
            "sd s1, 72({to})",
            "sd s2, 144({to})",
            "sd s3, 152({to})",
            "sd s4, 160({to})",
            "sd s5, 168({to})",
            "sd s6, 176({to})",
            "sd s7, 184({to})",
            "sd s8, 192({to})",
            "sd s9, 200({to})",
            "sd s10, 208({to})",
            "sd s11, 216({to})",
            "auipc {address}, 0",
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
