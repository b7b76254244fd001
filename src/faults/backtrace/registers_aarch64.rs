//! Registers by their numbers in the tables: DWARF for the Arm 64-bit Architecture, 4.1.

use core::arch::asm;

use super::trampoline::Trampoline;

/// The general registers and the stack pointer.
pub(super) const COUNT: usize = 32;
pub(super) const STACK: usize = 31;
/// The registers that calls preserve, and the return address: the others are known of no caller.
pub(super) const KEPT: [usize; 13] = [19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, STACK];
/// `mov x8, #139; svc #0`. The registers are behind a siginfo_t and the begin of a ucontext_t. The
/// tables of the kernel's code know two of them alone.
pub(super) const TRAMPOLINE: Option<Trampoline> = Some(Trampoline::new([0xd280_1168, 0xd400_0001], 312, 568));
/// The bits of an address that are not part of its signature.
const ADDRESS_BITS: u32 = 48;

/// The address of this code, and the registers that calls preserve.
#[inline(always)]
pub(super) fn here() -> (usize, [usize; COUNT]) {
    let mut registers = [0; COUNT];
    let address;
    // SAFETY: writes thirteen of the words.
    unsafe {
        asm!(
            "stp x19, x20, [{to}, #152]",
            "stp x21, x22, [{to}, #168]",
            "stp x23, x24, [{to}, #184]",
            "stp x25, x26, [{to}, #200]",
            "stp x27, x28, [{to}, #216]",
            "stp x29, x30, [{to}, #232]",
            "mov {address}, sp",
            "str {address}, [{to}, #248]",
            "adr {address}, .",
            to = in(reg) &raw mut registers,
            address = out(reg) address,
            options(nostack, preserves_flags),
        );
    }
    (address, registers)
}

/// A return address without its pointer authentication code.
pub(super) fn plain(address: usize) -> usize {
    address & ((1 << ADDRESS_BITS) - 1)
}
