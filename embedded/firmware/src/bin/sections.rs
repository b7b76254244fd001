//! How long interrupts are masked: the longest critical section of each operation, in instructions,
//! over all fill levels and sizes.
#![no_std]
#![no_main]

use core::hint::black_box;

use critical_section::with;
use firmware::host::exit;
use firmware::section::trace::longest;
use firmware::{end_on_panic, println, timer};
use tinyalloc_embedded::global::AllocatorConfig;
use tinyalloc_embedded::prelude::*;

end_on_panic!();

static QUEUE: GlobalDeque<1000> = GlobalDeque::new();
static SLAB: SharedSlab<1024, 32> = SharedSlab::new();

/// The longest critical section of the step, less what an empty one takes.
fn section(what: &str, step: impl FnOnce()) {
    let nothing = longest(|| with(|_| ()));
    println!("section|", what, "|", longest(step) - nothing);
}

fn queue() {
    section("push a byte", || while QUEUE.push(black_box(1)).is_ok() {});
    section("pop a byte", || while black_box(QUEUE.pop()).is_some() {});
    section("write 1,000 bytes", || assert_eq!(QUEUE.write(black_box(&[1; 1000])), 1000));
    section("read 1,000 bytes", || assert_eq!(QUEUE.read(black_box(&mut [0; 1000])), 1000));
    section("grant of 1,000 bytes", || drop(QUEUE.producer().map(|producer| producer.reserve(1000).commit(1000))));
}

fn slab() {
    let mut blocks = [const { None }; 32];
    section("allocate a shared block", || {
        for place in &mut blocks {
            *place = SLAB.block(black_box(32)).ok();
        }
        black_box(SLAB.block(1).is_ok());
    });
    section("free a shared block", || (0..32).for_each(|nth| drop(blocks[nth * 13 % 32].take())));
}

fn buffers() {
    let mut buf = ByteBuffer::new();
    let mut out = [0; 1000];
    section("write 1,000 bytes to a buffer on the global slab", || assert!(buf.extend(black_box(&[1; 1000])).is_ok()));
    section("read 1,000 bytes from it", || assert_eq!(buf.take(black_box(&mut out)), 1000));
    section("write to it without the memory for it", || assert!(buf.extend(black_box(&[1; 1100])).is_err()));
    buf.extend(&[1; 500]).expect("there is room");
    section("drop it with 16 chunks", || drop(buf));
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    AllocatorConfig::Slab1K32.init();
    timer::start_clock();
    queue();
    slab();
    buffers();
    exit(true)
}
