//! What others' allocators and queues were reported for, tried with ours: sizes that wrap, above
//! all where a word has 16 bits, heaps that are too small, and records that a neighbour overwrites.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::host::exit;
use firmware::{end_on_panic, println};
use tinyalloc_embedded::prelude::*;

end_on_panic!();

const SLOT_BYTES: usize = 40;
type Slab = TinySlabAllocator<320, 8>;

fn refuses(slab: &mut Slab, shared: &SharedSlab<320, 8>, bytes: usize) {
    assert!(slab.alloc_uninit(black_box(bytes)).err() == Some(AllocError::TooLarge));
    assert!(shared.block(black_box(bytes)).err() == Some(AllocError::TooLarge));
}

fn is_whole(slab: &Slab, live: usize) -> bool {
    slab.check().is_ok() && slab.stats().live == live
}

/// rhempel/umm_malloc#62: the number of blocks of a large request wraps in 16 bits, and a short
/// block is the answer. avrdudes/avr-libc#14: near the end of 16 bits the sum of an address and a
/// length wraps.
fn lengths_that_wrap_are_refused() {
    static SHARED: SharedSlab<320, 8> = SharedSlab::new();
    let mut slab = Slab::new();
    for bytes in SLOT_BYTES + 1..=usize::from(u16::MAX) {
        refuses(&mut slab, &SHARED, bytes);
    }
    for bits in u16::BITS..usize::BITS {
        (0..=SLOT_BYTES + 1).for_each(|bytes| refuses(&mut slab, &SHARED, (1 << bits) + bytes));
    }
    (0..64).for_each(|less| refuses(&mut slab, &SHARED, usize::MAX - less));
    assert!(is_whole(&slab, 0) && SHARED.stats().is_ok_and(|stats| stats.live == 0));
}

/// FreeRTOS/FreeRTOS-Kernel#1494 and #224: the top bit of a size says that the block is allocated,
/// and a large size sets it.
fn a_length_is_never_taken_for_a_state() {
    let mut slab = Slab::new();
    let live = slab.alloc(SLOT_BYTES).expect("free");
    for bit in [usize::BITS - 1, usize::BITS - 2, u16::BITS - 1] {
        assert!(slab.resize(live, black_box(1 << bit | 20)) == Err(AllocError::TooLarge));
        assert!(slab.alloc_uninit(black_box(1 << bit | 20)).is_err());
    }
    assert!(slab.get(live).is_some_and(|block| block.len() == SLOT_BYTES) && is_whole(&slab, 1));
}

/// zephyrproject-rtos/zephyr#90306: requests a few bytes shorter than the heap crash. #83465 and
/// #33168: so do heaps that are too small.
fn lengths_about_that_of_the_heap_and_tiny_heaps() {
    let mut slab = Slab::new();
    for bytes in (SLOT_BYTES - 20..SLOT_BYTES + 20).chain(300..340) {
        let block = slab.alloc(black_box(bytes));
        assert!(block.is_ok() == (bytes <= SLOT_BYTES));
        if let Ok(block) = block {
            slab.free(block).expect("live");
        }
        assert!(is_whole(&slab, 0));
    }
    let mut tiny = TinySlabAllocator::<1, 1>::new();
    let only = tiny.alloc(1).expect("free");
    assert!(tiny.alloc(0) == Err(AllocError::OutOfSlots) && tiny.alloc(2) == Err(AllocError::TooLarge));
    assert!(tiny.free(only).is_ok() && tiny.alloc(0).is_ok() && tiny.check().is_ok());
    let queue = GlobalDeque::<1>::new();
    for byte in 0..=255 {
        assert!(queue.push(byte).is_ok() && queue.push(0) == Err(QueueError::Full));
        assert!(queue.pop() == Some(byte) && queue.pop().is_none());
    }
}

/// avrdudes/avr-libc#660, #394 and #367: a block that is made shorter or longer, and freed,
/// overwrites what lies beside it, or the list of free blocks.
fn resizing_touches_no_neighbour() {
    let mut slab = Slab::new();
    let blocks = [0u8, 1, 2, 3, 4, 5, 6, 7].map(|mark| {
        let (handle, block) = slab.alloc_uninit(SLOT_BYTES).expect("free");
        block.fill(mark);
        handle
    });
    for (nth, bytes) in [0, 1, 2, 3, SLOT_BYTES - 1, SLOT_BYTES].into_iter().cycle().take(48).enumerate() {
        let victim = nth % 8;
        assert!(slab.resize(blocks[victim], black_box(bytes)).is_ok());
        assert!(slab.resize(blocks[victim], SLOT_BYTES + 1) == Err(AllocError::TooLarge));
        for (mark, handle) in (0u8..).zip(blocks) {
            assert!(slab.get(handle).is_some_and(|block| block.iter().all(|byte| *byte == mark)));
        }
        assert!(slab.resize(blocks[victim], SLOT_BYTES).is_ok());
    }
    for nth in [3, 0, 7, 1, 2, 6, 4, 5] {
        assert!(slab.resize(blocks[nth], nth % 2).is_ok() && slab.free(blocks[nth]).is_ok());
        assert!(slab.check().is_ok() && slab.get(blocks[nth]).is_none());
    }
    assert!(is_whole(&slab, 0) && (0..8).all(|_| slab.alloc(SLOT_BYTES).is_ok()));
}

/// eclipse-iceoryx/iceoryx2#986: a queue whose length is no power of two overwrites bytes once its
/// counters wrap. With 16 bits they do so here.
fn queues_outlive_their_counters() {
    let (ten, sixteen) = (GlobalDeque::<10>::new(), GlobalDeque::<16>::new());
    for at in 0..140_000u32 {
        let byte = at.to_le_bytes()[0];
        assert!(ten.push(byte).is_ok() && sixteen.push(byte).is_ok());
        assert!(ten.len() == 1 && sixteen.len() == 1);
        assert!(ten.pop() == Some(byte) && sixteen.pop() == Some(byte));
    }
    assert!((0..10).all(|byte| ten.push(byte).is_ok()) && ten.push(0) == Err(QueueError::Full));
    assert!((0..10).all(|byte| ten.pop() == Some(byte)) && ten.is_empty());
}

/// modm-io/modm#529: an alignment of 4 is taken for granted, where it is 1.
/// llvm/llvm-project#169190: LLVM does not align the stack on AVR, so there a slab with an
/// alignment has to be a static.
fn blocks_of_statics_are_aligned() {
    static SEVEN: SharedSlab<7, 1> = SharedSlab::new();
    static mut FOUR: TinySlabAllocator<30, 3, 4> = TinySlabAllocator::new();
    static mut SIXTEEN: TinySlabAllocator<100, 3, 16> = TinySlabAllocator::new();
    static HUNDRED: SharedSlab<500, 3, 128> = SharedSlab::new();
    let (four, sixteen) = unsafe { (&mut *&raw mut FOUR, &mut *&raw mut SIXTEEN) };
    for _ in 0..3 {
        assert!(four.alloc_uninit(8).is_ok_and(|(_, block)| block.as_ptr().addr() % 4 == 0));
        assert!(sixteen.alloc_uninit(32).is_ok_and(|(_, block)| block.as_ptr().addr() % 16 == 0));
    }
    let blocks = [(); 3].map(|()| HUNDRED.block(128).expect("free"));
    assert!(blocks.iter().all(|block| block.as_ptr().addr() % 128 == 0) && SEVEN.block(7).is_ok());
}

macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        [$((stringify!($test), $test as fn())),*]
    };
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    let tests = tests![
        lengths_that_wrap_are_refused,
        a_length_is_never_taken_for_a_state,
        lengths_about_that_of_the_heap_and_tiny_heaps,
        resizing_touches_no_neighbour,
        queues_outlive_their_counters,
        blocks_of_statics_are_aligned,
    ];
    for (name, test) in tests {
        test();
        println!("test ", name, " ... ok");
    }
    exit(true)
}
