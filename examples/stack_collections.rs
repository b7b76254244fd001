//! Collections of one function in a buffer on its stack: no heap, and nothing to free one by one.
#![allow(clippy::disallowed_types, reason = "a program like any other")]

use allocator_api2_04::boxed::Box;
use allocator_api2_04::vec::Vec;
use tinyalloc::stack::StackAllocator;

fn primes_below(limit: usize) -> usize {
    let buffer = StackAllocator::<4096>::new();
    let mut is_prime = Vec::new_in(&buffer);
    is_prime.resize(limit, true);
    let mut primes = Vec::new_in(&buffer);
    for number in 2..limit {
        if is_prime[number] {
            primes.push(number);
            (number * number..limit).step_by(number).for_each(|multiple| is_prime[multiple] = false);
        }
    }
    let largest = Box::new_in(primes.last().copied(), &buffer);
    println!("{} primes below {limit}, the largest {:?}, in {} bytes", primes.len(), *largest, buffer.used());
    primes.len()
}

fn main() {
    assert_eq!(primes_below(1000), 168);
}
