//! Nanoseconds of one allocation and its free, through Rust's `GlobalAlloc`: `cargo bench --bench pairs`.
//!
//! Two patterns for each size: one block at a time, and a random block out of a thousand replaced. Each is the least of seven runs,
//! taken in turn; times of other machines, or of other runs, do not compare.

#![allow(
    clippy::disallowed_types,
    clippy::multiple_unsafe_ops_per_block,
    clippy::type_complexity,
    reason = "not the core: it measures and tests it"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::time::Instant;

use tinyalloc::TinyAlloc;

const PAIRS: usize = 1_000_000;
const LIVE: usize = 1_000;
const RUNS: usize = 7;

fn nanoseconds(work: impl Fn()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() * 1e9 / PAIRS as f64
}

fn one_at_a_time(allocator: &dyn GlobalAlloc, layout: Layout) {
    for _ in 0..PAIRS {
        // SAFETY: the layout is not empty; the block is freed once.
        unsafe { allocator.dealloc(black_box(allocator.alloc(layout)), layout) };
    }
}

fn random_replacement(allocator: &dyn GlobalAlloc, layout: Layout) {
    // SAFETY: the layout is not empty; every block is freed once.
    unsafe {
        let mut blocks: Vec<*mut u8> = (0..LIVE).map(|_| allocator.alloc(layout)).collect();
        let mut seed = 1usize;
        for _ in 0..PAIRS {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let at = (seed >> 33) % LIVE;
            allocator.dealloc(blocks[at], layout);
            blocks[at] = black_box(allocator.alloc(layout));
        }
        blocks.into_iter().for_each(|block| allocator.dealloc(block, layout));
    }
}

fn main() {
    let allocators: [(&str, &dyn GlobalAlloc); 2] = [("System", &System), ("TinyAlloc", &TinyAlloc)];
    let patterns: [(&str, fn(&dyn GlobalAlloc, Layout)); 2] = [("one", one_at_a_time), ("random", random_replacement)];
    println!("{:>7} {:>8} {:>10} {:>10}", "bytes", "pattern", "System", "TinyAlloc");
    for bytes in [16, 64, 256, 1024, 4096, 16384] {
        let layout = Layout::from_size_align(bytes, 16).expect("a valid layout");
        for (name, pattern) in patterns {
            let mut best = [f64::MAX; 2];
            for _ in 0..RUNS {
                for (best, (_, allocator)) in best.iter_mut().zip(allocators) {
                    *best = best.min(nanoseconds(|| pattern(allocator, layout)));
                }
            }
            println!("{bytes:>7} {name:>8} {:>7.1} ns {:>7.1} ns", best[0], best[1]);
        }
    }
}
