//! `cargo bench --bench mmap`: `MAlloc`, whose memory is in a file, beside the same engine and the
//! system's allocator in memory.
//!
//! The file is on the disk of `TMPDIR` or `/var/tmp`. Three levels of names keep these out of the
//! table of `make bench-rust`, which compares whole heaps in memory.

use std::alloc::{Layout, System};
use std::time::{Duration, Instant};

use criterion::{Bencher, BenchmarkId, Criterion, criterion_group, criterion_main};
use tinyalloc::TinyAlloc;
use tinyalloc::mmap::MAlloc;
use tinyalloc_bench::{Allocator, RandomReplacement, grow, pair, pass_to_another_thread};

const PAIR_BYTES: [usize; 3] = [64, 1024, 16384];
const LARGE_BYTES: [usize; 2] = [1 << 20, 64 << 20];
const GROWN_BYTES: [usize; 3] = [32 << 10, 4096 << 10, 256 << 20];
const PASSED_BYTES: usize = 64;

static MALLOC: MAlloc = MAlloc::new();

fn compare(criterion: &mut Criterion, name: &str, of: usize, run: impl Fn(&mut Bencher<'_>, Allocator)) {
    let allocators: [(&str, Allocator); 3] = [("MAlloc", &MALLOC), ("tinyalloc", &TinyAlloc), ("System", &System)];
    let mut group = criterion.benchmark_group(format!("in a file: {name}"));
    for (allocator_name, allocator) in allocators {
        group.bench_function(BenchmarkId::new(allocator_name, of), |bencher| run(bencher, allocator));
    }
    group.finish();
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).expect("a valid layout")
}

fn pairs(criterion: &mut Criterion) {
    for bytes in PAIR_BYTES.into_iter().chain(LARGE_BYTES) {
        compare(criterion, "pair", bytes, |bencher, allocator| bencher.iter(|| pair(allocator, layout(bytes))));
    }
}

fn replacements(criterion: &mut Criterion) {
    compare(criterion, "random replacement", 1, |bencher, allocator| {
        let mut pattern = RandomReplacement::new(allocator);
        bencher.iter(|| pattern.replace_one());
    });
}

fn growth(criterion: &mut Criterion) {
    for bytes in GROWN_BYTES {
        compare(criterion, "vector grows", bytes, |bencher, allocator| bencher.iter(|| grow(allocator, bytes)));
    }
}

fn remote_frees(criterion: &mut Criterion) {
    compare(criterion, "freed by another thread", PASSED_BYTES, |bencher, allocator| {
        bencher.iter_custom(|count| {
            let begun = Instant::now();
            pass_to_another_thread(allocator, layout(PASSED_BYTES), count);
            begun.elapsed()
        });
    });
}

fn settings() -> Criterion {
    Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = all; config = settings(); targets = pairs, replacements, growth, remote_frees }
criterion_main!(all);
