//! Interrupts, held off and let in.

use core::arch::asm;

/// The bit I of `SREG`.
const ENABLED: u8 = 1 << 7;

/// Holds interrupts off. Returns whether they were let in before.
#[inline]
pub fn mask() -> bool {
    let status: u8;
    unsafe { asm!("in {}, 0x3f", "cli", out(reg) status) };
    status & ENABLED != 0
}

/// An ATmega takes an interrupt one instruction after `sei`, simavr (1.6) two: without the `nop`
/// none would come between two critical sections in a row.
#[inline]
pub fn unmask() {
    unsafe { asm!("sei", "nop") };
}
