//! The queue of `bbqueue`. Not on AVR: LLVM (22.1.8 and before) miscompiles its atomics, and it
//! refuses everything after the first 256 bytes.

use core::hint::black_box;

use bbqueue::nicknames::Jerk;
use firmware::measure::{Aligned, Range, measured, row};

static SIXTEEN: Aligned = Aligned([7; 16]);

/// Takes room for so many bytes, and reads them again; the most and the fewest instructions of
/// both.
fn bbqueue_grants(queue: &Jerk<256>, bytes: usize, fill: impl Fn(&mut [u8]), drain: impl Fn(&[u8])) -> [Range; 2] {
    let (producer, consumer) = (queue.stream_producer(), queue.stream_consumer());
    let [mut give, mut take] = [Range::NONE; 2];
    for _ in 0..100 {
        let (cost, is_written) = measured(|| {
            let grant = producer.grant_max_remaining(black_box(bytes));
            grant.is_ok_and(|mut grant| {
                fill(&mut grant);
                grant.commit(black_box(bytes));
                true
            })
        });
        give.add(cost);
        let (cost, is_read) = measured(|| {
            consumer.read().is_ok_and(|grant| {
                drain(&grant);
                grant.release(black_box(bytes));
                true
            })
        });
        take.add(cost);
        assert!(is_written && is_read);
    }
    [give, take]
}

pub fn costs() {
    static QUEUE: Jerk<256> = Jerk::new();
    let queue = black_box(&QUEUE);
    let [give, take] = bbqueue_grants(queue, 16, |_| (), |_| ());
    row("bbqueue", "grant of 16 bytes: reserve and commit", give);
    row("bbqueue", "grant of 16 bytes: fetch and release", take);
    let data = black_box(&SIXTEEN.0);
    let read = |grant: &[u8]| {
        let mut out = [0; 16];
        out.iter_mut().zip(grant).for_each(|(place, byte)| *place = *byte);
        black_box(out);
    };
    let write = |grant: &mut [u8]| grant.iter_mut().zip(data).for_each(|(place, byte)| *place = *byte);
    let [give, take] = bbqueue_grants(queue, 16, write, read);
    row("bbqueue", "copy 16 bytes into the queue", give);
    row("bbqueue", "copy 16 bytes out of the queue", take);
    let first = |grant: &[u8]| {
        black_box(grant.first().copied());
    };
    let [give, take] = bbqueue_grants(queue, 1, |grant| grant.fill(1), first);
    row("bbqueue", "push a byte", give);
    row("bbqueue", "pop a byte", take);
}
