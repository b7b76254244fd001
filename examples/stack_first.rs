//! A program that works in a buffer of 16 kilobytes, with the heap for what does not fit; and that
//! says how large a buffer it needs.
#![allow(clippy::disallowed_types, reason = "a program like any other")]

use std::collections::HashMap;

use tinyalloc::TinyAlloc;
use tinyalloc::stack::StackAllocator;

#[global_allocator]
static ALLOCATOR: StackAllocator<16384, TinyAlloc> = StackAllocator::with_overflow(TinyAlloc);

const TEXT: &str = "the quick brown fox jumps over the lazy dog while the cat and the hen look on";

fn main() {
    let mut words: HashMap<&str, usize> = HashMap::new();
    TEXT.split(' ').for_each(|word| *words.entry(word).or_default() += 1);
    assert_eq!(words["the"], 4);
    assert!(ALLOCATOR.contains((&raw const words["the"]).cast()));

    let large = vec![0u8; 100_000];
    assert!(!ALLOCATOR.contains(large.as_ptr()));

    println!("{} of {} bytes used, {} at most", ALLOCATOR.used(), ALLOCATOR.capacity(), ALLOCATOR.high_water());
}
