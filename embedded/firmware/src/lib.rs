//! What the programs need of a microcontroller: a start, a timer, a way to print and to end, and
//! critical sections.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(abi_avr_interrupt, asm_experimental_arch))]

#[cfg(all(target_os = "none", target_arch = "arm"))]
#[path = "cortex_m/board.rs"]
mod board;
#[cfg(all(target_os = "none", target_arch = "riscv32"))]
#[path = "riscv/board.rs"]
mod board;
#[cfg(all(target_os = "none", target_arch = "avr"))]
#[path = "avr/board.rs"]
mod board;

#[cfg(target_os = "none")]
pub mod flag;
#[cfg(target_os = "none")]
pub mod host;
#[cfg(target_os = "none")]
pub use board::timer;

#[cfg(all(target_os = "none", feature = "critical-section"))]
pub mod section;

#[cfg(target_os = "none")]
pub mod measure;

/// Ends the program with a panic's message, as a failure.
#[cfg(target_os = "none")]
#[macro_export]
macro_rules! end_on_panic {
    () => {
        #[panic_handler]
        fn end_on_panic(info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::host::print_panic(info);
            $crate::host::exit(false)
        }
    };
}
