//! A timer interrupt pushes, main pops: a million bytes, in order.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};

use firmware::host::exit;
use firmware::{end_on_panic, println, timer};
use tinyalloc_embedded::prelude::*;

end_on_panic!();

const BYTES: u32 = 1_000_000;
/// Odd, so that the interrupt comes at every place of main's loop in turn.
const INSTRUCTIONS_BETWEEN: u32 = 397;

static QUEUE: GlobalDeque<64> = GlobalDeque::new();
static SENT: AtomicU32 = AtomicU32::new(0);
static REFUSED: AtomicU32 = AtomicU32::new(0);
static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

fn byte_at(at: u32) -> u8 {
    at.wrapping_mul(0x9E37_79B1).to_be_bytes()[0]
}

/// Pushes up to seven bytes, as a device with a short queue of its own would have them.
#[unsafe(no_mangle)]
extern "C" fn SysTick() {
    let interrupts = INTERRUPTS.load(Ordering::Relaxed);
    INTERRUPTS.store(interrupts + 1, Ordering::Relaxed);
    for _ in 0..byte_at(interrupts) % 8 {
        let at = SENT.load(Ordering::Relaxed);
        if at == BYTES {
            return;
        }
        match QUEUE.push(byte_at(at)) {
            Ok(()) => SENT.store(at + 1, Ordering::Relaxed),
            Err(QueueError::Full) => REFUSED.store(REFUSED.load(Ordering::Relaxed) + 1, Ordering::Relaxed),
            Err(_) => panic!("main does not push"),
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    timer::start_interrupts(INSTRUCTIONS_BETWEEN);
    let mut most = 0;
    for at in 0..BYTES {
        // Now and then main is busy with something else, and the queue fills up.
        if at % 10_007 == 0 {
            while QUEUE.len() < QUEUE.capacity() && SENT.load(Ordering::Relaxed) < BYTES {}
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
    let (interrupts, refused) = (INTERRUPTS.load(Ordering::Relaxed), REFUSED.load(Ordering::Relaxed));
    println!("{BYTES} bytes in order from {interrupts} interrupts; up to {most} waited, {refused} pushes met a full queue");
    assert!(QUEUE.is_empty() && refused > 0 && interrupts > BYTES / 8);
    exit(true)
}
