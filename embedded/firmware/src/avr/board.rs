//! AVR, in simavr: an ATmega1284P or an ATmega328P. The start is that of avr-libc.

pub mod host;
#[cfg(feature = "critical-section")]
pub mod mask;
pub mod timer;
