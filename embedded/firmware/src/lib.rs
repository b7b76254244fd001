//! What the programs need of a Cortex-M: a start, a timer, a way to print and to end, and critical
//! sections.
#![no_std]

#[cfg(target_os = "none")]
mod start;

#[cfg(target_os = "none")]
pub mod host;
#[cfg(target_os = "none")]
pub mod timer;

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
            $crate::println!("{info}");
            $crate::host::exit(false)
        }
    };
}
