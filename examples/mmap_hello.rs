//! A program whose memory is in a file.
#![allow(unused_variables, clippy::disallowed_types, clippy::useless_vec, reason = "as short as it can be")]

use tinyalloc::mmap::MAlloc; // its pages come from a memory-mapped file

#[global_allocator]
static ALLOCATOR: MAlloc = MAlloc::new();

fn main() {
    let vec = vec![1, 2, 3, 4, 5]; // backed by a memory-mapped file
}
