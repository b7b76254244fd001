//! The pools of `heapless`: boxes of one type, from a stack without a lock.

use core::hint::black_box;

use firmware::measure::{Range, measured, row};
use heapless::box_pool;
use heapless::pool::boxed::BoxBlock;

const BLOCKS: usize = 32;

box_pool!(Blocks: [u8; 20]);

pub fn costs() {
    static mut MEMORY: [BoxBlock<[u8; 20]>; BLOCKS] = [const { BoxBlock::new() }; BLOCKS];
    for block in unsafe { &mut *&raw mut MEMORY } {
        Blocks.manage(block);
    }
    let mut boxes = [const { None }; BLOCKS];
    let [mut alloc, mut free] = [Range::NONE; 2];
    for _ in 0..2 {
        for place in &mut boxes {
            let (cost, block) = measured(|| Blocks.alloc(black_box([0; 20])).ok());
            alloc.add(cost);
            *place = block;
        }
        for place in &mut boxes {
            let block = place.take();
            free.add(measured(|| drop(block)).0);
        }
    }
    row("heapless (pool)", "allocate a shared block of 20 bytes", alloc);
    row("heapless (pool)", "free a shared block", free);
}
