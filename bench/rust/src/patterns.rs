use std::alloc::Layout;
use std::hint::{black_box, spin_loop};
use std::mem::replace;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread::{scope, yield_now};

use crate::Allocator;

const PLACES: usize = 1024;
const SPINS: usize = 64;

/// One block, allocated and freed.
pub fn pair(allocator: Allocator, layout: Layout) {
    // SAFETY: the layouts are not empty; the block is freed once.
    unsafe { allocator.dealloc(black_box(allocator.alloc(layout)), layout) };
}

/// A thousand blocks of 16 to 1,024 bytes, of which a random one is replaced by one of another
/// size.
pub struct RandomReplacement {
    allocator: Allocator,
    blocks: Vec<(*mut u8, Layout)>,
    state: u64,
}

impl RandomReplacement {
    const LIVE: u64 = 1000;
    const LEAST_BYTES: u64 = 16;
    const MOST_BYTES: u64 = 1024;

    #[must_use]
    pub fn new(allocator: Allocator) -> Self {
        let mut pattern = Self { allocator, blocks: Vec::new(), state: 1 };
        pattern.blocks = (0..Self::LIVE).map(|_| pattern.block()).collect();
        pattern
    }

    pub fn replace_one(&mut self) {
        let place = usize::try_from(self.below(Self::LIVE)).expect("a small number");
        let fresh = self.block();
        let (block, layout) = replace(&mut self.blocks[place], fresh);
        // SAFETY: the block came from this allocator with this layout and is not in the table any
        // more.
        unsafe { self.allocator.dealloc(block, layout) };
    }

    fn block(&mut self) -> (*mut u8, Layout) {
        let bytes = Self::LEAST_BYTES + self.below(Self::MOST_BYTES - Self::LEAST_BYTES + 1);
        let layout = layout_of(usize::try_from(bytes).expect("a small number"));
        // SAFETY: the layout is not empty.
        let block = unsafe { self.allocator.alloc(layout) };
        write_first_byte(block);
        (block, layout)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.state >> 32) * bound) >> 32
    }
}

impl Drop for RandomReplacement {
    fn drop(&mut self) {
        for &(block, layout) in &self.blocks {
            // SAFETY: the block came from this allocator with this layout; the table ends here.
            unsafe { self.allocator.dealloc(block, layout) };
        }
    }
}

/// What a `Vec<u8>` does that is filled byte by byte up to `bytes_most`: it doubles, and fills the
/// new half.
pub fn grow(allocator: Allocator, bytes_most: usize) {
    let mut layout = layout_of(8);
    // SAFETY: the layout is not empty, and always that of the block; what is written lies in the
    // block; it is freed once.
    unsafe {
        let mut block = allocator.alloc(layout);
        block.write_bytes(1, layout.size());
        while layout.size() < bytes_most {
            let bytes = layout.size();
            block = allocator.realloc(block, layout, 2 * bytes);
            block.add(bytes).write_bytes(1, bytes);
            layout = layout_of(2 * bytes);
        }
        allocator.dealloc(black_box(block), layout);
    }
}

/// This thread allocates `count` blocks, another one frees them.
pub fn pass_to_another_thread(allocator: Allocator, layout: Layout, count: u64) {
    let places: Vec<AtomicPtr<u8>> = (0..PLACES).map(|_| AtomicPtr::new(null_mut())).collect();
    let turns = || places.iter().cycle().zip(0..count).map(|(place, _)| place);
    scope(|threads| {
        threads.spawn(|| {
            for place in turns() {
                wait_until(|| !place.load(Ordering::Acquire).is_null());
                // SAFETY: the other thread allocated the block with this layout; once taken out it
                // belongs to no other code.
                unsafe { allocator.dealloc(place.swap(null_mut(), Ordering::AcqRel), layout) };
            }
        });
        for place in turns() {
            wait_until(|| place.load(Ordering::Acquire).is_null());
            // SAFETY: the layout is not empty.
            let block = unsafe { allocator.alloc(layout) };
            write_first_byte(block);
            place.store(block, Ordering::Release);
        }
    });
}

fn wait_until(is_so: impl Fn() -> bool) {
    let mut spins = 0;
    while !is_so() {
        spins += 1;
        if spins % SPINS == 0 { yield_now() } else { spin_loop() }
    }
}

fn layout_of(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).expect("a valid layout")
}

fn write_first_byte(block: *mut u8) {
    assert!(!block.is_null(), "no memory");
    // SAFETY: a block has at least one byte.
    unsafe { block.write(1) };
}
