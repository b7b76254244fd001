//! The instruction by which Cortex-M calls the emulator.

use core::arch::asm;

pub(super) unsafe fn call(operation: usize, argument: *const u8) {
    unsafe { asm!("bkpt 0xAB", inout("r0") operation => _, in("r1") argument) };
}
