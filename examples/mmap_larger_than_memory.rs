//! Collections of 512 MiB in a process that may have 64 MiB of memory: they are in a file.
#![allow(clippy::disallowed_types, reason = "a program like any other")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::io;

use libc::{RLIMIT_DATA, rlimit, setrlimit};
use tinyalloc::mmap::MAlloc;

#[global_allocator]
static ALLOCATOR: MAlloc = MAlloc::new();

const MIB: usize = 1 << 20;
const LIMIT_BYTES: usize = 64 * MIB;
const PARTS: usize = 32;
const PART_BYTES: usize = 16 * MIB;

/// The limit of private writable memory, heap and stack included.
fn limit_memory() -> io::Result<()> {
    let limit = rlimit { rlim_cur: LIMIT_BYTES as u64, rlim_max: LIMIT_BYTES as u64 };
    // SAFETY: the pointer is to a limit.
    if unsafe { setrlimit(RLIMIT_DATA, &raw const limit) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The number at a place of the data set: known, and in no order.
fn number(part: usize, index: usize) -> u64 {
    ((part * PART_BYTES + index) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn main() {
    limit_memory().expect("a lower limit is always granted");
    let layout = Layout::new::<[u8; 2 * LIMIT_BYTES]>();
    // SAFETY: the layout is not empty.
    assert!(unsafe { System.alloc(layout) }.is_null(), "the limit holds");

    let numbers = PART_BYTES / size_of::<u64>();
    let parts: HashMap<usize, Vec<u64>> =
        (0..PARTS).map(|part| (part, (0..numbers).map(|index| number(part, index)).collect())).collect();
    assert!(parts.iter().all(|(part, values)| values.iter().enumerate().all(|(index, value)| *value == number(*part, index))));

    let (stats, disk_bytes) = (ALLOCATOR.stats(), ALLOCATOR.disk_bytes());
    assert!(stats.allocated >= PARTS * PART_BYTES && disk_bytes >= PARTS * PART_BYTES);
    drop(parts);
    ALLOCATOR.purge();
    println!(
        "{} MiB in a process that may have {} MiB; {} MiB of the disk taken, {} MiB when all was freed",
        stats.allocated / MIB,
        LIMIT_BYTES / MIB,
        disk_bytes / MIB,
        ALLOCATOR.disk_bytes() / MIB,
    );
}
