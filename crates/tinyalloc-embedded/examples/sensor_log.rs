//! A log of readings that keeps the newest: when memory runs out, the oldest make room.

use core::fmt::Write;
use core::str::from_utf8;

use tinyalloc_embedded::prelude::*;

/// A reading: when, and what. Eight bytes.
type Reading = (u32, (i16, u16));

struct Log {
    slab: TinySlabAllocator<256, 16>,
    readings: ByteBufferDeque,
}

impl Log {
    const fn new() -> Self {
        Self { slab: TinySlabAllocator::new(), readings: ByteBufferDeque::new() }
    }

    /// Adds a reading. Nothing is half-written, so after an error the log is whole, and the oldest
    /// reading can go.
    fn add(&mut self, reading: &Reading) {
        let mut bytes = [0; Reading::BYTES];
        reading.store(&mut bytes);
        while self.readings.write(&mut self.slab, &bytes) == Err(ByteBufferError::AllocationFailed) {
            self.readings.read(&mut self.slab, &mut [0; Reading::BYTES]);
        }
    }

    fn oldest(&mut self) -> Option<Reading> {
        let mut bytes = [0; Reading::BYTES];
        self.readings.read(&mut self.slab, &mut bytes);
        Reading::load(&bytes)
    }
}

fn main() {
    let mut log = Log::new();
    for at in 0..1000u32 {
        let [low, high, ..] = at.to_le_bytes();
        log.add(&(at, (-40, u16::from_le_bytes([low, high]))));
    }
    let kept = log.readings.len() / Reading::BYTES;
    let first = log.oldest();
    assert!(kept >= 30 && first.is_some_and(|(at, _)| at as usize == 1000 - kept));

    // A report in the memory that the log has left, without a heap.
    let mut report = ByteBuffer::new();
    log.readings.read(&mut log.slab, &mut [0; 64]);
    if write!(report.attach(&mut log.slab), "kept {kept} of 1000, from {first:?}").is_ok() {
        report.chunks(&log.slab).filter_map(|chunk| from_utf8(chunk).ok()).for_each(|text| print!("{text}"));
        println!();
    }
    report.clear(&mut log.slab).ok();
}
