//! What dropping, emptying and purging a heap returns, in a process of its own: the figures are the
//! whole process's.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "tests may give up")]

use std::alloc::Layout;
use std::array::from_fn;

use tinyalloc::{Heap, TinyAlloc};

#[global_allocator]
static GLOBAL: TinyAlloc = TinyAlloc;

const MIB: usize = 1024 * 1024;
const SIZES: [usize; 5] = [16, 1000, 30_000, 300_000, 40 * MIB];

/// Bytes in heaps, and how many heaps there are beside the global one.
fn held() -> (usize, usize) {
    let (all, isolated) = (GLOBAL.stats(), GLOBAL.stats().isolated_heaps);
    (all.mapped, isolated)
}

fn fill_and_leak(heap: &Heap) {
    for bytes in SIZES {
        for _ in 0..10 {
            let block = heap.allocate(Layout::from_size_align(bytes, 16).unwrap()).unwrap();
            // SAFETY: the block holds that much.
            unsafe { block.write(1) };
        }
    }
    assert!(heap.stats().allocated >= SIZES.iter().sum::<usize>() * 10);
}

// One test, so that nothing else is counted.
#[test]
fn everything_goes_with_the_heap_leaked_blocks_included() {
    drop(Heap::new().unwrap());
    let before = held();
    {
        let heap = Heap::new().unwrap();
        fill_and_leak(&heap);
        assert!(held().0 >= before.0 + SIZES.iter().sum::<usize>() * 10);
        assert_eq!(held().1, before.1 + 1);
    }
    assert_eq!(held(), before);

    let mut heap = Heap::new().unwrap();
    for _ in 0..3 {
        fill_and_leak(&heap);
        heap.reset();
        assert_eq!((heap.stats().allocated, heap.stats().large_blocks), (0, 0));
    }
    heap.purge();
    assert!(heap.stats().mapped < MIB);
    drop(heap);
    assert_eq!(held(), before);

    // More at once than a thread keeps in its table of heaps.
    let heaps: [Heap; 300] = from_fn(|number| Heap::with_limit(number * 1000 + 1000).unwrap());
    for (number, heap) in heaps.iter().enumerate() {
        assert!(heap.allocate(Layout::new::<[u8; 500]>()).is_some());
        assert!(heap.allocate(Layout::array::<u8>(number * 1000 + 1001).unwrap()).is_none());
        assert_eq!(heap.limit(), number * 1000 + 1000);
    }
    drop(heaps);
    assert_eq!(held(), before);
}
