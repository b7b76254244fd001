//! Timer 1: the clock, and the interrupt that it can bring. It counts cycles.

use core::arch::asm;
pub type Moment = u16;

const MODE: *mut u8 = 0x81 as *mut u8;
const COUNT: *mut u8 = 0x84 as *mut u8;
const COMPARE: *mut u8 = 0x88 as *mut u8;
const INTERRUPTS: *mut u8 = 0x6F as *mut u8;
const EVERY_CYCLE: u8 = 1;
const FROM_ZERO_AFTER_COMPARE: u8 = 1 << 3;
const COMPARED: u8 = 1 << 1;

unsafe extern "C" {
    safe fn on_timer();
}

/// Begins to count cycles, and lets interrupts in, of which there are none.
pub fn start_clock() {
    unsafe {
        MODE.write_volatile(EVERY_CYCLE);
        asm!("sei");
    }
}

/// Calls `on_timer` each time so many cycles have passed.
pub fn start_interrupts(cycles: u32) {
    let [low, high, ..] = (cycles - 1).to_le_bytes();
    unsafe {
        // The upper byte waits for the lower one.
        COMPARE.add(1).write_volatile(high);
        COMPARE.write_volatile(low);
        INTERRUPTS.write_volatile(COMPARED);
        MODE.write_volatile(EVERY_CYCLE | FROM_ZERO_AFTER_COMPARE);
        asm!("sei");
    }
}

pub fn stop() {
    unsafe { INTERRUPTS.write_volatile(0) };
}

/// Reading the lower byte keeps the upper one.
#[inline(always)]
pub fn now() -> u16 {
    unsafe { u16::from_le_bytes([COUNT.read_volatile(), COUNT.add(1).read_volatile()]) }
}

/// The cycles between two readings of the clock: less than 65,536.
pub fn elapsed(begin: Moment, end: Moment) -> u32 {
    u32::from(end.wrapping_sub(begin))
}

/// The vector of the comparison; the number is the chip's.
#[cfg_attr(board = "atmega328p", unsafe(export_name = "__vector_11"))]
#[cfg_attr(not(board = "atmega328p"), unsafe(export_name = "__vector_13"))]
extern "avr-interrupt" fn compared() {
    on_timer();
}
