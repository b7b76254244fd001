//! A data set of 256 MiB in a process that may have 64 MiB of memory: it is in a file, and only
//! what has not been committed is in memory.
#![allow(clippy::disallowed_types, reason = "a program like any other")]

use std::alloc::Layout;
use std::env::temp_dir;
use std::fs::remove_file;
use std::io;
use std::path::Path;
use std::process::id;

use libc::{RLIMIT_DATA, rlimit, setrlimit};
use tinyalloc::file::{Error, FileHeap, FilePtr};

const MIB: usize = 1 << 20;
const LIMIT_BYTES: usize = 64 * MIB;
const NUMBERS: usize = 256 * MIB / size_of::<u64>();
const NUMBERS_PER_COMMIT: usize = 16 * MIB / size_of::<u64>();

/// The limit of private writable memory, heap and stack included.
fn limit_memory() -> io::Result<()> {
    let limit = rlimit { rlim_cur: LIMIT_BYTES as u64, rlim_max: LIMIT_BYTES as u64 };
    // SAFETY: the pointer is to a limit.
    if unsafe { setrlimit(RLIMIT_DATA, &raw const limit) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The number at a place of the data set: known, and in no order.
fn number(index: usize) -> u64 {
    (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn write(heap: &mut FileHeap) -> Result<FilePtr<u64>, Error> {
    let numbers = heap.allocate(Layout::new::<[u64; NUMBERS]>())?.cast::<u64>();
    heap.set_root("numbers", numbers)?;
    for start in (0..NUMBERS).step_by(NUMBERS_PER_COMMIT) {
        let places = heap.slice_mut(numbers.add(start), NUMBERS_PER_COMMIT)?.iter_mut();
        places.enumerate().for_each(|(index, place)| *place = number(start + index));
        heap.commit()?;
    }
    Ok(numbers)
}

fn run(path: &Path) -> Result<(), Error> {
    // SAFETY: the name is this process's own.
    let mut heap = unsafe { FileHeap::create(path) }?;
    let numbers = write(&mut heap)?;
    // A commit would need more than that, but nothing is lost: what does not fit is refused.
    let refused = heap.slice_mut(numbers, NUMBERS).map(|_| ());
    assert!(matches!(refused, Err(Error::OutOfMemory)), "{refused:?}");
    heap.rollback()?;
    let read = heap.slice(numbers, NUMBERS)?;
    assert!(read.iter().enumerate().all(|(index, read)| *read == number(index)));
    println!("{} MiB written and read by a process that may have {} MiB", size_of_val(read) / MIB, LIMIT_BYTES / MIB);
    Ok(())
}

fn main() {
    limit_memory().expect("a lower limit is always granted");
    assert!(Vec::<u64>::new().try_reserve_exact(NUMBERS).is_err(), "the limit holds");
    let path = temp_dir().join(format!("tinyalloc-larger-{}", id()));
    let outcome = run(&path);
    _ = remove_file(&path);
    outcome.expect("the data set fits in the file");
}
