//! The queues of `heapless` and `bbqueue`.

use core::hint::black_box;

use bbqueue::nicknames::Jerk;
use firmware::measure::{Aligned, Range, measured, row};
use heapless::spsc::Queue;

static SIXTEEN: Aligned = Aligned([7; 16]);

fn heapless() {
    static mut QUEUE: Queue<u8, 256> = Queue::new();
    let (mut producer, mut consumer) = black_box(unsafe { &mut *&raw mut QUEUE }).split();
    let [mut push, mut pop, mut write, mut read] = [Range::NONE; 4];
    for _ in 0..600 {
        push.add(measured(|| producer.enqueue(black_box(1)).is_ok()).0);
        pop.add(measured(|| consumer.dequeue()).0);
    }
    let mut out = Aligned([0; 16]);
    for _ in 0..100 {
        let data = black_box(&SIXTEEN.0);
        write.add(measured(|| data.iter().take_while(|byte| producer.enqueue(**byte).is_ok()).count()).0);
        let out = black_box(&mut out.0);
        read.add(measured(|| out.iter_mut().map_while(|place| consumer.dequeue().map(|byte| *place = byte)).count()).0);
    }
    row("heapless (spsc)", "push a byte", push);
    row("heapless (spsc)", "pop a byte", pop);
    row("heapless (spsc)", "copy 16 bytes into the queue", write);
    row("heapless (spsc)", "copy 16 bytes out of the queue", read);
}

/// Takes room for so many bytes, and reads them again; the most and the fewest instructions of
/// both.
fn bbqueue_grants(queue: &Jerk<256>, bytes: usize, fill: impl Fn(&mut [u8]), drain: impl Fn(&[u8])) -> [Range; 2] {
    let (producer, consumer) = (queue.stream_producer(), queue.stream_consumer());
    let [mut give, mut take] = [Range::NONE; 2];
    for _ in 0..100 {
        give.add(
            measured(|| {
                if let Ok(mut grant) = producer.grant_max_remaining(black_box(bytes)) {
                    fill(&mut grant);
                    grant.commit(black_box(bytes));
                }
            })
            .0,
        );
        take.add(
            measured(|| {
                if let Ok(grant) = consumer.read() {
                    drain(&grant);
                    grant.release(black_box(bytes));
                }
            })
            .0,
        );
    }
    [give, take]
}

fn bbqueue() {
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

pub fn costs() {
    heapless();
    bbqueue();
}
