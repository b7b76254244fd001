//! Interrupts, held off and let in.

use core::arch::asm;

/// Holds interrupts off. Returns whether they were let in before.
#[inline]
pub fn mask() -> bool {
    let masked: u32;
    unsafe { asm!("mrs {}, PRIMASK", "cpsid i", out(reg) masked) };
    masked & 1 == 0
}

#[inline]
pub fn unmask() {
    unsafe { asm!("cpsie i") };
}
