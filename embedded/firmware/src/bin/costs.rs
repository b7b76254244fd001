//! What each operation costs, in instructions: the fewest and the most over all fill levels.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::host::exit;
use firmware::measure::{Aligned, Range, measured, repeated, row};
use firmware::{end_on_panic, println, timer};
use tinyalloc_embedded::prelude::*;

end_on_panic!();

const US: &str = "tinyalloc";
const SLOTS: usize = 32;
static SIXTEEN: Aligned = Aligned([7; 16]);
const BLOCK_BYTES: usize = 20;
type Slab = TinySlabAllocator<1024, SLOTS>;

/// The nth of a power of two of places in an order without pattern.
fn shuffled(nth: usize, places: usize) -> usize {
    (nth * 13 + 5) % places
}

const OPERATIONS: [&str; 5] =
    ["allocate a block of 20 bytes", "look a handle up", "free a block", "refuse a stale handle", "refuse to allocate: full"];

/// Fills the slab and empties it, twice, so that slots come from the list as well as fresh. What
/// each operation costs.
fn slab<const BYTES: usize, const SLOTS: usize>(slab: &mut TinySlabAllocator<BYTES, SLOTS>) -> [Range; 5] {
    let slab = black_box(slab);
    let mut handles = [None; SLOTS];
    let [mut alloc, mut get, mut free, mut stale, mut full] = [Range::NONE; 5];
    for _ in 0..2 {
        for place in &mut handles {
            let (cost, handle) = measured(|| slab.alloc_uninit(black_box(BLOCK_BYTES)).ok().map(|(handle, _)| handle));
            alloc.add(cost);
            *place = handle;
        }
        full.add(measured(|| slab.alloc_uninit(black_box(BLOCK_BYTES)).is_ok()).0);
        for nth in 0..SLOTS {
            let handle = black_box(handles[shuffled(nth, SLOTS)]).expect("allocated");
            get.add(measured(|| slab.get(handle).map(<[u8]>::as_ptr)).0);
            free.add(measured(|| slab.free(handle).is_ok()).0);
            stale.add(measured(|| slab.free(handle).is_ok()).0);
        }
    }
    [alloc, get, free, stale, full]
}

/// The table's rows, and the same for slabs of 8 and of 128 slots: the costs must not grow. (They
/// do grow once, by up to 9 instructions on a Cortex-M4, where the slab gets larger than 4 KiB, and
/// an offset no longer fits in a load.)
fn slabs() {
    static mut SMALL: TinySlabAllocator<256, 8> = TinySlabAllocator::new();
    static mut MIDDLE: Slab = Slab::new();
    static mut LARGE: TinySlabAllocator<3072, 128> = TinySlabAllocator::new();
    let [small, middle, large] = unsafe { [slab(&mut *&raw mut SMALL), slab(&mut *&raw mut MIDDLE), slab(&mut *&raw mut LARGE)] };
    for (nth, what) in OPERATIONS.into_iter().enumerate() {
        row(US, what, middle[nth]);
        for (slots, costs) in [(8u32, small), (32, middle), (128, large)] {
            println!("scale|", what, "|", slots, "|", costs[nth].fewest, "|", costs[nth].most);
        }
    }
}

fn shared_slab() {
    static SLAB: SharedSlab<1024, SLOTS> = SharedSlab::new();
    let slab = black_box(&SLAB);
    let mut blocks = [const { None }; SLOTS];
    let [mut take, mut give, mut among] = [Range::NONE; 3];
    for _ in 0..2 {
        for place in &mut blocks {
            let (cost, block) = measured(|| slab.block(black_box(BLOCK_BYTES)).ok());
            take.add(cost);
            *place = block;
        }
        for nth in 0..SLOTS {
            let block = blocks[shuffled(nth, SLOTS)].take();
            give.add(measured(|| drop(block)).0);
        }
    }
    for place in &mut blocks {
        *place = slab.block(BLOCK_BYTES).ok();
    }
    blocks.iter_mut().skip(1).step_by(2).for_each(|place| *place = None);
    for _ in 0..SLOTS / 4 {
        let (cost, block) = measured(|| slab.block(black_box(28)).ok());
        among.add(cost);
        core::mem::forget(block);
    }
    row(US, "allocate a shared block of 20 bytes", take);
    row(US, "free a shared block", give);
    row(US, "allocate 28 bytes where every second block is free", among);
}

fn buffers() {
    static mut SLAB: Slab = Slab::new();
    let slab = black_box(unsafe { &mut *&raw mut SLAB });
    let mut deque = ByteBufferDeque::new();
    let [mut push, mut pop] = [Range::NONE; 2];
    for _ in 0..1000 {
        push.add(measured(|| deque.push_back(slab, black_box(1)).is_ok()).0);
    }
    for _ in 0..1000 {
        pop.add(measured(|| deque.pop_front(slab)).0);
    }
    row(US, "push a byte to a deque of chunks", push);
    row(US, "pop a byte from a deque of chunks", pop);
    let mut buf = ByteBuffer::new();
    let (mut write, mut read) = (Range::NONE, Range::NONE);
    let mut out = Aligned([0; 16]);
    for _ in 0..60 {
        write.add(measured(|| buf.write(slab, black_box(&SIXTEEN.0)).is_ok()).0);
    }
    for _ in 0..60 {
        read.add(measured(|| buf.read(slab, black_box(&mut out.0))).0);
    }
    row(US, "write 16 bytes to a buffer", write);
    row(US, "read 16 bytes from a buffer", read);
}

fn queue() {
    static QUEUE: GlobalDeque<256> = GlobalDeque::new();
    let queue = black_box(&QUEUE);
    repeated(US, "push a byte, from any context", 600, || queue.push(black_box(1)).is_ok(), |_| queue.read(&mut [0]));
    queue.write(&[1; 200]);
    repeated(US, "pop a byte, from any context", 600, || queue.pop(), |_| queue.write(&[1]));
    queue.read(&mut [0; 256]);
    ends(queue);
    grants(queue);
}

fn ends(queue: &GlobalDeque<256>) {
    let Some((mut producer, mut consumer)) = queue.producer().zip(queue.consumer()) else { exit(false) };
    let mut take = Range::NONE;
    let mut give = Range::NONE;
    for _ in 0..600 {
        give.add(measured(|| producer.push(black_box(1)).is_ok()).0);
        take.add(measured(|| consumer.pop()).0);
    }
    row(US, "push a byte", give);
    row(US, "pop a byte", take);
    let (mut give, mut take) = (Range::NONE, Range::NONE);
    let mut out = Aligned([0; 16]);
    for _ in 0..100 {
        give.add(measured(|| producer.write(black_box(&SIXTEEN.0))).0);
        take.add(measured(|| consumer.read(black_box(&mut out.0))).0);
    }
    row(US, "copy 16 bytes into the queue", give);
    row(US, "copy 16 bytes out of the queue", take);
}

fn grants(queue: &GlobalDeque<256>) {
    let (mut give, mut take) = (Range::NONE, Range::NONE);
    let (Some(mut producer), Some(mut consumer)) = (queue.producer(), queue.consumer()) else { exit(false) };
    while !queue.is_empty() {
        consumer.pop();
    }
    for _ in 0..100 {
        let (cost, next) = measured(|| {
            let grant = producer.reserve(black_box(16));
            grant.commit(black_box(16))
        });
        give.add(cost);
        producer = next;
        let (cost, next) = measured(|| {
            let grant = consumer.fetch();
            grant.release(black_box(16))
        });
        take.add(cost);
        consumer = next;
    }
    row(US, "grant of 16 bytes: reserve and commit", give);
    row(US, "grant of 16 bytes: fetch and release", take);
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    timer::start_clock();
    slabs();
    shared_slab();
    buffers();
    queue();
    exit(true)
}
