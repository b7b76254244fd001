//! `embedded-alloc`: its two heaps, which are locked by critical sections as our shared slab is.

use core::alloc::{GlobalAlloc, Layout};
use core::hint::black_box;

use embedded_alloc::{LlffHeap, TlsfHeap};
use firmware::measure::{Range, measured, row};

const BLOCKS: usize = 32;
const LAYOUT: Layout = Layout::new::<[u8; 20]>();

fn shuffled(nth: usize) -> usize {
    (nth * 13 + 5) % BLOCKS
}

/// Fills and empties the heap as `costs` does the slab; here what is free lies scattered the second
/// time.
fn heap(who: &str, heap: &impl GlobalAlloc) {
    let heap = black_box(heap);
    let mut blocks = [core::ptr::null_mut(); BLOCKS];
    let [mut alloc, mut free] = [Range::NONE; 2];
    for _ in 0..2 {
        for place in &mut blocks {
            let (cost, block) = measured(|| unsafe { heap.alloc(black_box(LAYOUT)) });
            alloc.add(cost);
            assert!(!block.is_null());
            *place = block;
        }
        for nth in 0..BLOCKS {
            let block = blocks[shuffled(nth)];
            free.add(measured(|| unsafe { heap.dealloc(black_box(block), LAYOUT) }).0);
        }
    }
    row(who, "allocate a shared block of 20 bytes", alloc);
    row(who, "free a shared block", free);
    row(who, "allocate 28 bytes where every second block is free", among_holes(heap));
}

/// Between blocks of 20 bytes the holes are too small for one of 28.
fn among_holes(heap: &impl GlobalAlloc) -> Range {
    let blocks = [(); BLOCKS].map(|()| unsafe { heap.alloc(LAYOUT) });
    blocks.iter().skip(1).step_by(2).for_each(|block| unsafe { heap.dealloc(*block, LAYOUT) });
    let mut cost = Range::NONE;
    for _ in 0..BLOCKS / 4 {
        cost.add(measured(|| unsafe { heap.alloc(black_box(Layout::new::<[u8; 28]>())) }).0);
    }
    cost
}

pub fn costs() {
    static mut MEMORY: [[u64; 256]; 2] = [[0; 256]; 2];
    static LINKED: LlffHeap = LlffHeap::empty();
    static SEGREGATED: TlsfHeap = TlsfHeap::empty();
    unsafe {
        LINKED.init((&raw mut MEMORY[0]).addr(), 2048);
        SEGREGATED.init((&raw mut MEMORY[1]).addr(), 2048);
    }
    heap("embedded-alloc (linked list)", &LINKED);
    heap("embedded-alloc (TLSF)", &SEGREGATED);
}
