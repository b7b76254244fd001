//! The machine timer: the clock, and the interrupt that it can bring.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};

pub type Moment = u32;

const TIME: *const u32 = 0x0200_BFF8 as *const u32;
const COMPARE: *mut u32 = 0x0200_4000 as *mut u32;

/// With `-icount shift=10` an instruction takes 1,024 ns; the timer runs at 10 MHz.
const TICKS_PER_1000_INSTRUCTIONS: u32 = 10_240;

/// The ticks from one interrupt to the next.
static PERIOD: AtomicU32 = AtomicU32::new(0);

/// Begins to count instructions, and lets interrupts in, of which there are none.
pub fn start_clock() {
    unsafe { asm!("csrsi mstatus, 8") };
}

/// Calls `on_timer` each time so many instructions have passed.
pub fn start_interrupts(instructions: u32) {
    PERIOD.store(instructions * TICKS_PER_1000_INSTRUCTIONS / 1000, Ordering::Relaxed);
    rearm();
    unsafe { asm!("csrs mie, {}", "csrsi mstatus, 8", in(reg) 1 << 7) };
}

pub fn stop() {
    unsafe { asm!("csrw mie, zero") };
}

/// The next interrupt comes a period from now. The tests end before the lower word runs over.
pub(super) fn rearm() {
    let next = now().wrapping_add(PERIOD.load(Ordering::Relaxed));
    unsafe {
        COMPARE.write_volatile(next);
        COMPARE.add(1).write_volatile(0);
    }
}

#[inline(always)]
pub fn now() -> u32 {
    unsafe { TIME.read_volatile() }
}

/// The instructions between two readings of the clock.
pub fn elapsed(begin: Moment, end: Moment) -> u32 {
    (end.wrapping_sub(begin) * 100 + 512) / 1024
}
