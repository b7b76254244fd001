//! The queue of `heapless`.

use core::hint::black_box;

use firmware::measure::{Aligned, Range, measured, row};
use heapless::spsc::Queue;

static SIXTEEN: Aligned = Aligned([7; 16]);

pub fn costs() {
    static mut QUEUE: Queue<u8, 256> = Queue::new();
    let (mut producer, mut consumer) = black_box(unsafe { &mut *&raw mut QUEUE }).split();
    let [mut push, mut pop, mut write, mut read] = [Range::NONE; 4];
    for _ in 0..600 {
        let (cost, is_pushed) = measured(|| producer.enqueue(black_box(1)).is_ok());
        push.add(cost);
        let (cost, popped) = measured(|| consumer.dequeue());
        pop.add(cost);
        assert!(is_pushed && popped == Some(1));
    }
    let mut out = Aligned([0; 16]);
    for _ in 0..100 {
        let data = black_box(&SIXTEEN.0);
        let (cost, written) = measured(|| data.iter().take_while(|byte| producer.enqueue(**byte).is_ok()).count());
        write.add(cost);
        let out = black_box(&mut out.0);
        let (cost, copied) = measured(|| out.iter_mut().map_while(|place| consumer.dequeue().map(|byte| *place = byte)).count());
        read.add(cost);
        assert!(written == 16 && copied == 16);
    }
    row("heapless (spsc)", "push a byte", push);
    row("heapless (spsc)", "pop a byte", pop);
    row("heapless (spsc)", "copy 16 bytes into the queue", write);
    row("heapless (spsc)", "copy 16 bytes out of the queue", read);
}
