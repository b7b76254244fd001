//! A timer interrupt pushes, main pops: all bytes, in order.
#![no_std]
#![no_main]

use core::cell::UnsafeCell;

use firmware::flag::Flag;
use firmware::host::exit;
use firmware::{end_on_panic, println, timer};
use tinyalloc_embedded::prelude::*;

end_on_panic!();

const IS_SLOW: bool = cfg!(target_arch = "avr");
const BYTES: u32 = if IS_SLOW { 100_000 } else { 1_000_000 };
/// Odd, so that the interrupt comes at every place of main's loop in turn. On the AVR these are
/// cycles, on the others instructions.
const BETWEEN: u32 = if IS_SLOW { 2999 } else { 397 };

static QUEUE: GlobalDeque<64> = GlobalDeque::new();
static IS_DONE: Flag = Flag::LOWERED;
static DEVICE: Device = Device(UnsafeCell::new(Counts { sent: 0, refused: 0, interrupts: 0 }));

struct Counts {
    sent: u32,
    refused: u32,
    interrupts: u32,
}

/// The interrupt's own, and main's once that is stopped.
struct Device(UnsafeCell<Counts>);

unsafe impl Sync for Device {}

fn byte_at(at: u32) -> u8 {
    at.wrapping_mul(0x9E37_79B1).to_be_bytes()[0]
}

/// Pushes up to seven bytes, as a device with a short queue of its own would have them.
#[unsafe(no_mangle)]
extern "C" fn on_timer() {
    let counts = unsafe { &mut *DEVICE.0.get() };
    let bytes = byte_at(counts.interrupts) % 8;
    counts.interrupts += 1;
    for _ in 0..bytes {
        if counts.sent == BYTES {
            IS_DONE.raise();
            return;
        }
        match QUEUE.push(byte_at(counts.sent)) {
            Ok(()) => counts.sent += 1,
            Err(QueueError::Full) => counts.refused += 1,
            Err(_) => panic!("main does not push"),
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    timer::start_interrupts(BETWEEN);
    let mut most = 0;
    for at in 0..BYTES {
        // Now and then main is busy with something else, and the queue fills up.
        if at % 10_007 == 0 {
            while QUEUE.len() < QUEUE.capacity() && !IS_DONE.is_raised() {}
        }
        most = most.max(QUEUE.len());
        let byte = loop {
            if let Some(byte) = QUEUE.pop() {
                break byte;
            }
        };
        assert_eq!(byte, byte_at(at), "byte {at}");
    }
    timer::stop();
    let Counts { refused, interrupts, .. } = *unsafe { &*DEVICE.0.get() };
    println!(
        BYTES,
        " bytes in order from ", interrupts, " interrupts; up to ", most, " waited, ", refused, " pushes met a full queue"
    );
    assert!(QUEUE.is_empty() && refused > 0 && interrupts > BYTES / 8);
    exit(true)
}
