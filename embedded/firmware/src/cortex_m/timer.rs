//! SysTick: the clock, and the interrupt that it can bring.

pub type Moment = u32;

const CONTROL: *mut u32 = 0xE000_E010 as *mut u32;
const RELOAD: *mut u32 = 0xE000_E014 as *mut u32;
const CURRENT: *mut u32 = 0xE000_E018 as *mut u32;
const ENABLE: u32 = 1;
const INTERRUPT: u32 = 1 << 1;
const PROCESSOR_CLOCK: u32 = 1 << 2;
const TICKS_MAX: u32 = 0x00FF_FFFF;

/// With `-icount shift=10` an instruction takes 1,024 ns; the boards' clocks run at 25 MHz, 20 MHz
/// (mps2-an505) and 16 MHz (microbit).
const NANOSECONDS_PER_INSTRUCTION: u64 = 1024;
const TICKS_PER_SECOND: u64 = if cfg!(board = "microbit") {
    16_000_000
} else if cfg!(board = "mps2-an505") {
    20_000_000
} else {
    25_000_000
};
const NANOSECONDS: u64 = 1_000_000_000;

fn start(ticks: u32, control: u32) {
    unsafe {
        RELOAD.write_volatile(ticks);
        CURRENT.write_volatile(0);
        CONTROL.write_volatile(ENABLE | PROCESSOR_CLOCK | control);
    }
}

/// Begins to count instructions.
pub fn start_clock() {
    start(TICKS_MAX, 0);
}

/// Calls `on_timer` each time so many instructions have passed.
pub fn start_interrupts(instructions: u32) {
    start(ticks(instructions), INTERRUPT);
}

pub fn stop() {
    unsafe { CONTROL.write_volatile(0) };
}

#[inline(always)]
pub fn now() -> u32 {
    unsafe { CURRENT.read_volatile() }
}

/// The instructions between two readings of the clock, which counts down.
pub fn elapsed(begin: Moment, end: Moment) -> u32 {
    let ticks = u64::from(begin.wrapping_sub(end) & TICKS_MAX);
    let per_tick = NANOSECONDS_PER_INSTRUCTION * TICKS_PER_SECOND;
    u32::try_from((ticks * NANOSECONDS + per_tick / 2) / per_tick).unwrap_or(u32::MAX)
}

fn ticks(instructions: u32) -> u32 {
    let ticks = u64::from(instructions) * NANOSECONDS_PER_INSTRUCTION * TICKS_PER_SECOND / NANOSECONDS;
    u32::try_from(ticks).unwrap_or(TICKS_MAX).min(TICKS_MAX)
}
