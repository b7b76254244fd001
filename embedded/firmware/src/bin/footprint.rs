//! A program that uses one part: what it is larger than one that uses nothing is that part.
#![no_std]
#![no_main]
#![allow(unused_imports, reason = "each part needs its own")]

use core::hint::black_box;
use core::panic::PanicInfo;

use firmware as _;
#[cfg(feature = "tinyalloc-embedded")]
use tinyalloc_embedded::prelude::*;

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

#[cfg(not(feature = "tinyalloc-embedded"))]
fn part() {}

#[cfg(feature = "uses-tinyslab")]
fn part() {
    static mut SLAB: TinySlabAllocator<1024, 32> = TinySlabAllocator::new();
    let slab = unsafe { &mut *&raw mut SLAB };
    if let Ok((handle, block)) = slab.alloc_uninit(black_box(20)) {
        block.fill(1);
        black_box(slab.get(black_box(handle)));
        black_box(slab.free(black_box(handle)).is_ok());
    }
}

#[cfg(feature = "uses-bytebuffer")]
fn part() {
    static mut SLAB: TinySlabAllocator<1024, 32> = TinySlabAllocator::new();
    let slab = unsafe { &mut *&raw mut SLAB };
    let mut buf = ByteBuffer::new();
    black_box(buf.write(slab, black_box(b"some bytes")).is_ok());
    black_box(buf.read(slab, &mut [0; 4]));
    black_box(buf.clear(slab).is_ok());
}

#[cfg(feature = "uses-bytebuffer-deque")]
fn part() {
    static mut SLAB: TinySlabAllocator<1024, 32> = TinySlabAllocator::new();
    let slab = unsafe { &mut *&raw mut SLAB };
    let mut deque = ByteBufferDeque::new();
    black_box(deque.push_back(slab, black_box(1)).is_ok());
    black_box(deque.pop_front(slab));
}

#[cfg(feature = "uses-queue")]
fn part() {
    static QUEUE: GlobalDeque<256> = GlobalDeque::new();
    black_box(QUEUE.push(black_box(1)).is_ok());
    black_box(QUEUE.pop());
}

#[cfg(feature = "uses-ends")]
fn part() {
    static mut QUEUE: GlobalDeque<256> = GlobalDeque::new();
    let (mut producer, mut consumer) = unsafe { &mut *&raw mut QUEUE }.split();
    black_box(producer.push(black_box(1)).is_ok());
    black_box(consumer.pop());
}

#[cfg(feature = "uses-shared-slab")]
fn part() {
    static SLAB: SharedSlab<1024, 32> = SharedSlab::new();
    black_box(SLAB.block(black_box(32)).is_ok_and(|block| block.is_empty()));
}

#[cfg(feature = "uses-global-alloc")]
fn part() {
    tinyalloc_embedded::global::AllocatorConfig::Slab1K32.init();
    let mut buf = ByteBuffer::new();
    black_box(buf.extend(black_box(b"some bytes")).is_ok());
    black_box(buf.take(&mut [0; 4]));
}
