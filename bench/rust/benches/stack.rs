//! `cargo bench --bench stack`: short-lived vectors in a `StackAllocator` and on the heap.
//!
//! Three levels of names keep these out of the table of `make bench-rust`, which compares whole
//! heaps.

use std::alloc::Layout;
use std::hint::black_box;
use std::time::Duration;

use allocator_api2::alloc::{Allocator, System};
use allocator_api2::vec::Vec;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tinyalloc::TinyAlloc;
use tinyalloc::stack::StackAllocator;
use tinyalloc_bench::{Allocator as Global, pair};

const BUFFER_BYTES: usize = 64 << 10;
const PUSHED: [usize; 3] = [4, 64, 1024];
const PAIR_BYTES: [usize; 2] = [64, 1024];

static STACK: StackAllocator<BUFFER_BYTES> = StackAllocator::new();

/// As written by hand: grown by pushing, and dropped.
fn push<A: Allocator>(allocator: A, count: usize) {
    let mut numbers = Vec::new_in(allocator);
    (0..count).for_each(|number| numbers.push(number));
    black_box(numbers.as_slice());
}

/// Three vectors at once, of the right size from the start; the lowest is dropped first.
fn three<A: Allocator + Copy>(allocator: A, count: usize) {
    let filled = |with: usize| {
        let mut numbers = Vec::with_capacity_in(count, allocator);
        numbers.resize(count, with);
        numbers
    };
    let vectors = black_box((filled(1), filled(2), filled(3)));
    drop(vectors);
}

fn vectors(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("short-lived vector, pushed to");
    for count in PUSHED {
        group.bench_function(BenchmarkId::new("StackAllocator", count), |bencher| bencher.iter(|| push(&STACK, count)));
        group.bench_function(BenchmarkId::new("System", count), |bencher| bencher.iter(|| push(System, count)));
    }
    group.finish();
    let mut group = criterion.benchmark_group("three short-lived vectors");
    for count in PUSHED {
        group.bench_function(BenchmarkId::new("StackAllocator", count), |bencher| bencher.iter(|| three(&STACK, count)));
        group.bench_function(BenchmarkId::new("System", count), |bencher| bencher.iter(|| three(System, count)));
    }
    group.finish();
}

fn pairs(criterion: &mut Criterion) {
    let allocators: [(&str, Global); 3] = [("StackAllocator", &STACK), ("System", &System), ("tinyalloc", &TinyAlloc)];
    let mut group = criterion.benchmark_group("pair in a buffer or on a heap");
    for bytes in PAIR_BYTES {
        let layout = Layout::from_size_align(bytes, 8).expect("a valid layout");
        for (name, allocator) in allocators {
            group.bench_function(BenchmarkId::new(name, bytes), |bencher| bencher.iter(|| pair(allocator, layout)));
        }
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(30).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = all; config = settings(); targets = vectors, pairs }
criterion_main!(all);
