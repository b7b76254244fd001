//! What works without compare-and-swap and without critical sections: whatever is not shared, and
//! the two ends of a queue.
#![no_std]
#![no_main]

use firmware::host::exit;
use firmware::{end_on_panic, println};
use tinyalloc_embedded::prelude::*;

end_on_panic!();

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    let mut slab = TinySlabAllocator::<256, 8>::new();
    let mut buf = ByteBuffer::new();
    buf.write(&mut slab, b"a text of more than one slot, in chunks").expect("there is room");
    let mut queue = GlobalDeque::<16>::new();
    let (mut producer, mut consumer) = queue.split();
    let mut passed = 0usize;
    for byte in buf.chunks(&slab).flatten() {
        producer.push(*byte).expect("there is room");
        assert_eq!(consumer.pop(), Some(*byte));
        passed += 1;
    }
    println!("test ", passed, " bytes through a queue without a lock ... ok");
    exit(passed == buf.len())
}
