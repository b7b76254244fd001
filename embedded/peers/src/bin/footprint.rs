//! What `footprint` does, by other crates.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::hint::black_box;
use core::panic::PanicInfo;

use firmware as _;

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    loop {
        part();
    }
}

/// Room for 32 blocks of 32 bytes, and for what the heap adds to each.
fn heap(heap: &impl GlobalAlloc) {
    let layout = Layout::new::<[u8; 32]>();
    let block = unsafe { heap.alloc(black_box(layout)) };
    if !block.is_null() {
        unsafe { heap.dealloc(black_box(block), layout) };
    }
}

#[cfg(feature = "uses-linked-list")]
fn part() {
    static mut MEMORY: [u64; 128] = [0; 128];
    static HEAP: embedded_alloc::LlffHeap = embedded_alloc::LlffHeap::empty();
    unsafe { HEAP.init((&raw mut MEMORY).addr(), 1024) };
    loop {
        heap(&HEAP);
    }
}

#[cfg(feature = "uses-tlsf")]
fn part() {
    static mut MEMORY: [u64; 192] = [0; 192];
    static HEAP: embedded_alloc::TlsfHeap = embedded_alloc::TlsfHeap::empty();
    unsafe { HEAP.init((&raw mut MEMORY).addr(), 1536) };
    loop {
        heap(&HEAP);
    }
}

#[cfg(feature = "uses-pool")]
fn part() {
    use heapless::pool::boxed::BoxBlock;
    heapless::box_pool!(Blocks: [u8; 32]);
    static mut MEMORY: [BoxBlock<[u8; 32]>; 32] = [const { BoxBlock::new() }; 32];
    for block in unsafe { &mut *&raw mut MEMORY } {
        Blocks.manage(block);
    }
    loop {
        black_box(Blocks.alloc(black_box([0; 32])).is_ok());
    }
}

#[cfg(feature = "uses-spsc")]
fn part() {
    static mut QUEUE: heapless::spsc::Queue<u8, 256> = heapless::spsc::Queue::new();
    let (mut producer, mut consumer) = unsafe { &mut *&raw mut QUEUE }.split();
    black_box(producer.enqueue(black_box(1)).is_ok());
    black_box(consumer.dequeue());
}

#[cfg(feature = "uses-bbqueue")]
fn part() {
    static QUEUE: bbqueue::nicknames::Jerk<256> = bbqueue::nicknames::Jerk::new();
    if let Ok(mut grant) = QUEUE.stream_producer().grant_exact(1) {
        grant[0] = black_box(1);
        grant.commit(1);
    }
    if let Ok(grant) = QUEUE.stream_consumer().read() {
        black_box(grant[0]);
        grant.release(1);
    }
}
