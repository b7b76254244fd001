//! `make bench-rust` runs this, and makes a table of what Criterion writes.

use std::alloc::Layout;
use std::time::{Duration, Instant};

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use tinyalloc_bench::{Allocator, RandomReplacement, allocators, grow, pair, pass_to_another_thread};

const PAIR_BYTES: [usize; 5] = [16, 64, 256, 1024, 16384];
const GROWN_BYTES: [(&str, usize); 2] = [("32 KiB", 32 << 10), ("4,096 KiB", 4096 << 10)];
const PASSED_BYTES: usize = 64;

fn compare(criterion: &mut Criterion, name: &str, run: impl Fn(&mut Bencher<'_>, Allocator)) {
    let mut group = criterion.benchmark_group(name);
    for (allocator_name, allocator) in allocators() {
        group.bench_function(allocator_name, |bencher| run(bencher, allocator));
    }
    group.finish();
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).expect("a valid layout")
}

fn pairs(criterion: &mut Criterion) {
    for bytes in PAIR_BYTES {
        compare(criterion, &format!("pair of {bytes} bytes"), |bencher, allocator| {
            bencher.iter(|| pair(allocator, layout(bytes)));
        });
    }
}

fn replacements(criterion: &mut Criterion) {
    compare(criterion, "random replacement", |bencher, allocator| {
        let mut pattern = RandomReplacement::new(allocator);
        bencher.iter(|| pattern.replace_one());
    });
}

fn growth(criterion: &mut Criterion) {
    for (shown, bytes) in GROWN_BYTES {
        compare(criterion, &format!("vector grows to {shown}"), |bencher, allocator| {
            bencher.iter(|| grow(allocator, bytes));
        });
    }
}

fn remote_frees(criterion: &mut Criterion) {
    compare(criterion, "freed by another thread", |bencher, allocator| {
        bencher.iter_custom(|count| {
            let begun = Instant::now();
            pass_to_another_thread(allocator, layout(PASSED_BYTES), count);
            begun.elapsed()
        });
    });
}

fn settings() -> Criterion {
    Criterion::default().sample_size(30).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = all; config = settings(); targets = pairs, replacements, growth, remote_frees }
criterion_main!(all);
