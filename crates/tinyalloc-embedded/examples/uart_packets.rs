//! Bytes come in an interrupt, packets are parsed in main: `GlobalDeque` between the two, and a
//! handle for each packet.
//!
//! A packet is 0x7E, its length, its bytes, and their sum. A thread represents the device that
//! interrupts.

use std::thread::{scope, yield_now};

use tinyalloc_embedded::prelude::*;

const START: u8 = 0x7E;

static UART: GlobalDeque<64> = GlobalDeque::new();

/// The interrupt: one byte in, in constant time. A full queue loses the byte, and the parser finds
/// the next packet.
fn on_receive(byte: u8) -> Result<(), QueueError> {
    UART.push(byte)
}

/// Where the parser is in a packet.
enum Parser {
    Start,
    Length,
    Bytes { packet: Handle, at: usize, sum: u8 },
    Sum { packet: Handle, sum: u8 },
}

impl Parser {
    /// Takes the next byte; the handle of a packet that is complete. The slab has room for packets
    /// that wait to be handled.
    fn next(&mut self, slab: &mut TinySlabAllocator<512, 8>, byte: u8) -> Option<Handle> {
        let (next, done) = match *self {
            Self::Start if byte == START => (Self::Length, None),
            Self::Start => (Self::Start, None),
            Self::Length => match slab.alloc(usize::from(byte)) {
                Ok(packet) if byte > 0 => (Self::Bytes { packet, at: 0, sum: 0 }, None),
                Ok(packet) => (Self::Sum { packet, sum: 0 }, None),
                // Too long, or too many packets wait: skip this one.
                Err(_) => (Self::Start, None),
            },
            Self::Bytes { packet, at, sum } => {
                let block = slab.get_mut(packet)?;
                *block.get_mut(at)? = byte;
                let (at, sum, end) = (at + 1, sum.wrapping_add(byte), block.len());
                if at < end { (Self::Bytes { packet, at, sum }, None) } else { (Self::Sum { packet, sum }, None) }
            }
            Self::Sum { packet, sum } if sum == byte => (Self::Start, Some(packet)),
            Self::Sum { packet, .. } => {
                slab.free(packet).ok();
                (Self::Start, None)
            }
        };
        *self = next;
        done
    }
}

/// What the device sends: the second packet of each three has a wrong sum.
fn send_packets(count: u8) {
    let send = |byte| {
        while on_receive(byte).is_err() {
            yield_now();
        }
    };
    for number in 0..count {
        let text = [b'n', b'o', number];
        let sum = text.iter().fold(u8::from(number % 3 == 1), |sum, byte| sum.wrapping_add(*byte));
        [START, 3].into_iter().chain(text).chain([sum]).for_each(send);
    }
}

fn main() -> Result<(), AllocError> {
    let mut slab = TinySlabAllocator::<512, 8>::new();
    let (mut parser, mut good) = (Parser::Start, 0);
    scope(|scope| {
        let device = scope.spawn(|| send_packets(99));
        while !device.is_finished() || !UART.is_empty() {
            let Some(byte) = UART.pop() else {
                yield_now();
                continue;
            };
            if let Some(packet) = parser.next(&mut slab, byte) {
                assert_eq!(slab.get(packet).map(<[u8]>::len), Some(3));
                slab.free(packet)?;
                good += 1;
            }
        }
        Ok(())
    })?;
    assert_eq!((good, slab.stats().live), (66, 0));
    println!("{good} good packets of 99; at most {} waited", slab.stats().live_max);
    Ok(())
}
