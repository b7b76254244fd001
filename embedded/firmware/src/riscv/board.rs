//! RISC-V with 32 bits, on the board `virt` of QEMU.

mod call;
#[path = "../semihosting.rs"]
pub mod host;
#[cfg(feature = "critical-section")]
pub mod mask;
mod start;
pub mod timer;
