//! `cargo bench --bench file_heap`: a `FileHeap` beside a plain mapping and a bump allocator in
//! one, which can neither free nor recover.
//!
//! Three levels of names keep these out of the table of `make bench-rust`, which compares whole
//! heaps.

use std::fs::{OpenOptions, create_dir_all, remove_dir_all};
use std::hint::black_box;
use std::path::PathBuf;
use std::process::id;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use memmap2::MmapMut;
use tinyalloc::file::{FileHeap, FilePtr, Options};

const RECORD_BYTES: usize = 64;
const RECORDS: usize = 500_000;
const FILE_BYTES: usize = 64 << 20;
const CHANGES_PER_COMMIT: [usize; 3] = [1, 100, 10_000];

type Record = [u8; RECORD_BYTES];

/// A directory that goes away with the benchmark.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("file-heap-{}", id()));
        create_dir_all(&path).expect("a directory");
        Directory(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        _ = remove_dir_all(&self.0);
    }
}

/// A mapped file, which the process that uses it divides.
struct Plain(MmapMut);

impl Plain {
    fn open(path: PathBuf) -> Plain {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).expect("a file");
        file.set_len(FILE_BYTES as u64).expect("room for it");
        // SAFETY: no other code knows the file.
        Plain(unsafe { MmapMut::map_mut(&file) }.expect("addresses for it"))
    }

    fn write(&mut self, record: usize, value: &Record) {
        self.0[record * RECORD_BYTES..][..RECORD_BYTES].copy_from_slice(value);
    }

    fn read(&self, record: usize) -> u8 {
        self.0[record * RECORD_BYTES]
    }

    /// Durable if nothing crashes meanwhile.
    fn flush(&self) {
        self.0.flush().expect("it can be written");
    }
}

/// The same, with the place of the next record in its first bytes.
struct Bump(Plain);

impl Bump {
    fn insert(&mut self, value: &Record) -> usize {
        let mut next = [0; 8];
        next.copy_from_slice(&self.0.0[..8]);
        let record = (u64::from_le_bytes(next) as usize % RECORDS) + 1;
        self.0.0[..8].copy_from_slice(&(record as u64).to_le_bytes());
        self.0.write(record, value);
        record
    }
}

/// Places in no order, none twice in a row.
fn places() -> impl Iterator<Item = usize> {
    (0usize..).map(|number| number.wrapping_mul(7_368_787) % RECORDS)
}

fn filled(path: PathBuf) -> (FileHeap, Vec<FilePtr<Record>>) {
    // SAFETY: no other code knows the file.
    let mut heap = unsafe { Options::new().initial_bytes(FILE_BYTES).create(path) }.expect("a heap");
    let records = (0..RECORDS).map(|number| heap.insert([number as u8; RECORD_BYTES]).expect("room")).collect();
    heap.commit().expect("a commit");
    (heap, records)
}

fn inserting(criterion: &mut Criterion) {
    let directory = Directory::new();
    let mut group = criterion.benchmark_group("file heap: insert");
    let (mut heap, _) = filled(directory.file("heap"));
    group.bench_function(BenchmarkId::new("FileHeap, and free", RECORD_BYTES), |bencher| {
        bencher.iter(|| {
            let record = heap.insert(black_box([1; RECORD_BYTES])).expect("room");
            heap.free(record).expect("a block");
        });
    });
    let mut bump = Bump(Plain::open(directory.file("bump")));
    group.bench_function(BenchmarkId::new("bump in a file", RECORD_BYTES), |bencher| {
        bencher.iter(|| bump.insert(black_box(&[1; RECORD_BYTES])));
    });
    let mut plain = Plain::open(directory.file("plain"));
    let mut places = places();
    group.bench_function(BenchmarkId::new("plain mapping", RECORD_BYTES), |bencher| {
        bencher.iter(|| plain.write(places.next().unwrap_or(0), black_box(&[1; RECORD_BYTES])));
    });
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let directory = Directory::new();
    let mut group = criterion.benchmark_group("file heap: read at random");
    let (heap, records) = filled(directory.file("heap"));
    let mut place = places();
    group.bench_function(BenchmarkId::new("FileHeap", RECORDS), |bencher| {
        bencher.iter(|| heap.get(records[place.next().unwrap_or(0)]).expect("a block")[0]);
    });
    let plain = Plain::open(directory.file("plain"));
    let mut place = places();
    group.bench_function(BenchmarkId::new("plain mapping", RECORDS), |bencher| {
        bencher.iter(|| plain.read(place.next().unwrap_or(0)));
    });
    group.finish();
}

fn committing(criterion: &mut Criterion) {
    let directory = Directory::new();
    let mut group = criterion.benchmark_group("file heap: change and make durable");
    let (mut heap, records) = filled(directory.file("heap"));
    let mut plain = Plain::open(directory.file("plain"));
    for changes in CHANGES_PER_COMMIT {
        let (mut places, mut plain_places) = (places(), places());
        group.bench_function(BenchmarkId::new("FileHeap", changes), |bencher| {
            bencher.iter(|| {
                for place in places.by_ref().take(changes) {
                    heap.get_mut(records[place]).expect("a block")[0] ^= 1;
                }
                heap.commit().expect("a commit");
            });
        });
        group.bench_function(BenchmarkId::new("plain mapping, lost if it crashes", changes), |bencher| {
            bencher.iter(|| {
                for place in plain_places.by_ref().take(changes) {
                    let value = plain.read(place).wrapping_add(1);
                    plain.write(place, &[value; RECORD_BYTES]);
                }
                plain.flush();
            });
        });
    }
    group.finish();
}

fn opening(criterion: &mut Criterion) {
    let directory = Directory::new();
    let mut group = criterion.benchmark_group("file heap: open");
    let (heap, records) = filled(directory.file("heap"));
    drop(heap);
    group.bench_function(BenchmarkId::new("FileHeap", RECORDS), |bencher| {
        bencher.iter(|| {
            // SAFETY: no other code knows the file.
            let heap = unsafe { FileHeap::open(directory.file("heap")) }.expect("a heap");
            heap.get(records[RECORDS / 2]).expect("a block")[0]
        });
    });
    drop(Plain::open(directory.file("plain")));
    group.bench_function(BenchmarkId::new("plain mapping", RECORDS), |bencher| {
        bencher.iter(|| Plain::open(directory.file("plain")).read(RECORDS / 2));
    });
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = all; config = settings(); targets = inserting, reading, committing, opening }
criterion_main!(all);
