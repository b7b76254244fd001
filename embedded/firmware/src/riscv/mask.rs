//! Interrupts, held off and let in.

use core::arch::asm;

/// The bit MIE of `mstatus`.
const ENABLED: u32 = 1 << 3;

/// Holds interrupts off. Returns whether they were let in before.
#[inline]
pub fn mask() -> bool {
    let status: u32;
    unsafe { asm!("csrrci {}, mstatus, 8", out(reg) status) };
    status & ENABLED != 0
}

#[inline]
pub fn unmask() {
    unsafe { asm!("csrsi mstatus, 8") };
}
