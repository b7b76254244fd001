//! A program whose whole memory is a buffer of four kilobytes.
#![allow(unused_variables, clippy::disallowed_types, reason = "as short as it can be")]

use tinyalloc::stack::StackAllocator;

#[global_allocator]
static ALLOCATOR: StackAllocator<4096> = StackAllocator::new();

fn main() {
    let data = String::from("Hello, World!"); // lives in the buffer
}
